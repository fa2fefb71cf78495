// Package tutorial contains the file server and the client of the tutorial
// article, in Python, as peers for tests.
package tutorial

import _ "embed"

// Server is the program of the article's server, for "python3 -c". Its
// arguments are the address and the channel to listen on. It prints the line
// "listening" once it listens.
//
//go:embed server.py
var Server string

// Client is the program of the article's client, for "python3 -c". Its arguments
// are the address to connect from, the server's address, the channel, and the
// name of a file. It prints the prompt, and then "complete" or "incomplete", and
// writes the received content to the file "received".
//
//go:embed client.py
var Client string
