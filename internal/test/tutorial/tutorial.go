// Package tutorial has the tutorial article's file server, as a peer to talk to.
package tutorial

import _ "embed"

// Server is the article's server in Python, for "python3 -c". Its arguments are the
// address to listen on and the channel. It prints "listening" and a line end when
// it does.
//
//go:embed server.py
var Server string
