// Package tutorial contains the file server of the tutorial article, in Python,
// as a peer for tests.
package tutorial

import _ "embed"

// Server is the program of the article's server, for "python3 -c". Its
// arguments are the address and the channel to listen on. It prints the line
// "listening" once it listens.
//
//go:embed server.py
var Server string
