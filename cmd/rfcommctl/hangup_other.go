//go:build !linux

package main

// readerGone returns nil. On this platform, only a Write notices that the reader
// of standard output has ended.
func (o *output) readerGone() <-chan struct{} { return nil }
