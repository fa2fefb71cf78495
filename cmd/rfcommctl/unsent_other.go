//go:build !linux

package main

import "net"

// unsent returns nil: the size of the data that the kernel holds is unknown.
func unsent(net.Conn) func() int { return nil }
