// Package filetransfer contains integration tests of package filetransfer over
// RFCOMM, against itself and against the tutorial article's Python programs. It
// contains no other code. The tests need the lab; see package integration.
package filetransfer
