//go:build !unix

package fakebus

import "net"

func closeFile(int) {}

func readFiles(c *net.UnixConn, b []byte) (n int, files []int, err error) {
	n, err = c.Read(b)
	return n, nil, err
}

func writeFiles(c *net.UnixConn, b []byte, _ []int) error {
	_, err := c.Write(b)
	return err
}
