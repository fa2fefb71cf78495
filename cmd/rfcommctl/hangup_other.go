//go:build !linux

package main

// readerGone returns nil: a Write notices that nobody reads standard output.
func (o *output) readerGone() <-chan struct{} { return nil }
