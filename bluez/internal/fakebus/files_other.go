//go:build !linux

package fakebus

import (
	"errors"
	"net"
)

func closeFile(int) {}

func readFiles(c *net.UnixConn, b []byte) (n int, files []int, err error) {
	n, err = c.Read(b)
	return n, nil, err
}

func writeFiles(c *net.UnixConn, b []byte, _ []int) error {
	_, err := c.Write(b)
	return err
}

// A hangup is not supported.
type hangup struct{}

func watchHangup(int) (*hangup, error) { return nil, errors.ErrUnsupported }

func (*hangup) wait()  {}
func (*hangup) close() {}
