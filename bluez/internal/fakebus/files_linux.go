package fakebus

import (
	"io"
	"net"
	"syscall"
)

func closeFile(fd int) { syscall.Close(fd) }

// readFiles reads bytes and the descriptors that are attached to them.
func readFiles(c *net.UnixConn, b []byte) (n int, files []int, err error) {
	oob := make([]byte, 4096)
	n, oobn, _, _, err := c.ReadMsgUnix(b, oob)
	if err != nil {
		return 0, nil, err
	}
	if n == 0 {
		return 0, nil, io.EOF
	}
	messages, err := syscall.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return n, nil, err
	}
	for _, m := range messages {
		received, err := syscall.ParseUnixRights(&m)
		if err != nil {
			return n, files, err
		}
		files = append(files, received...)
	}
	return n, files, nil
}

// writeFiles sends bytes with descriptors.
func writeFiles(c *net.UnixConn, b []byte, files []int) error {
	if len(files) == 0 {
		_, err := c.Write(b)
		return err
	}
	n, _, err := c.WriteMsgUnix(b, syscall.UnixRights(files...), nil)
	if err == nil && n < len(b) {
		_, err = c.Write(b[n:])
	}
	return err
}
