//go:build linux

package main

import (
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
)

// rawStack is the minimum that a Go program can do: system calls on
// non-blocking sockets, and poll(2) to wait. It has no deadlines, cannot be
// woken, and may be used by one goroutine.
type rawStack struct{}

type rawConn struct {
	fd   int
	poll [1]unix.PollFd
}

type rawListener struct{ *rawConn }

func newRawConn(fd int) *rawConn { return &rawConn{fd: fd, poll: [1]unix.PollFd{{Fd: int32(fd)}}} }

// wait waits for one of the events, and returns the events that occurred.
func (c *rawConn) wait(events int16) (int16, error) {
	c.poll[0].Events = events
	err := pollAll(c.poll[:])
	return c.poll[0].Revents, err
}

// pollAll waits until one of the descriptors has an event.
func pollAll(descriptors []unix.PollFd) error {
	for {
		_, err := unix.Poll(descriptors, -1)
		if err != unix.EINTR { // caused by the signals of Go's scheduler
			return err
		}
	}
}

// Read ends with io.EOF when the peer has closed the connection.
func (c *rawConn) Read(p []byte) (int, error) {
	var events int16
	for {
		n, err := unix.Read(c.fd, p)
		switch {
		case err == nil && n > 0:
			return n, nil
		case err == unix.EINTR:
		case err == unix.ECONNRESET, err == nil,
			err == unix.EAGAIN && events&unix.POLLHUP != 0:
			return 0, io.EOF
		case err == unix.EAGAIN:
			if events, err = c.wait(unix.POLLIN); err != nil {
				return 0, err
			}
		default:
			return 0, err
		}
	}
}

func (c *rawConn) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		n, err := unix.Write(c.fd, p[written:])
		switch err {
		case nil:
			written += n
		case unix.EINTR:
		case unix.EAGAIN:
			if _, err := c.wait(unix.POLLOUT); err != nil {
				return written, err
			}
		default:
			return written, err
		}
	}
	return written, nil
}

func (c *rawConn) Close() error { return unix.Close(c.fd) }

func newRawSocket() (int, error) {
	return unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.BTPROTO_RFCOMM)
}

// socketAddress returns an address in the byte order of the kernel.
func socketAddress(device rfcomm.BDAddr, channel int) *unix.SockaddrRFCOMM {
	address := &unix.SockaddrRFCOMM{Channel: uint8(channel)}
	for i, b := range device {
		address.Addr[len(device)-1-i] = b
	}
	return address
}

func (rawStack) dial(near, far rfcomm.BDAddr, channel int) (io.ReadWriteCloser, error) {
	fd, err := newRawSocket()
	if err != nil {
		return nil, err
	}
	c := newRawConn(fd)
	if err := unix.Bind(fd, socketAddress(near, 0)); err != nil {
		return nil, err
	}
	err = unix.Connect(fd, socketAddress(far, channel))
	if err == unix.EINPROGRESS {
		_, err = c.wait(unix.POLLOUT)
	}
	if err != nil {
		return nil, err
	}
	number, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return nil, err
	}
	if number != 0 {
		return nil, fmt.Errorf("connecting: %w", unix.Errno(number))
	}
	return c, nil
}

func (rawStack) listen(near rfcomm.BDAddr, channel int) (listener, error) {
	fd, err := newRawSocket()
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, socketAddress(near, channel)); err != nil {
		return nil, err
	}
	return rawListener{newRawConn(fd)}, unix.Listen(fd, 8)
}

func (l rawListener) accept() (io.ReadWriteCloser, error) {
	for {
		fd, _, err := unix.Accept4(l.fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		switch err {
		case nil:
			return newRawConn(fd), nil
		case unix.EINTR:
		case unix.EAGAIN:
			if _, err := l.wait(unix.POLLIN); err != nil {
				return nil, err
			}
		default:
			return nil, err
		}
	}
}

// descriptorsOf returns the descriptors of several connections, for poll(2).
func descriptorsOf(connections []io.ReadWriteCloser, events int16) []unix.PollFd {
	var descriptors []unix.PollFd
	for _, c := range connections {
		descriptors = append(descriptors, unix.PollFd{Fd: int32(c.(*rawConn).fd), Events: events})
	}
	return descriptors
}

// sendSeveral fills the connections in turn, in a single loop.
func (rawStack) sendSeveral(connections []io.ReadWriteCloser, size int) error {
	descriptors := descriptorsOf(connections, unix.POLLOUT)
	data := make([]byte, size)
	for {
		if err := pollAll(descriptors); err != nil {
			return err
		}
		for _, d := range descriptors {
			if d.Revents == 0 {
				continue
			}
			// The unwritten rest need not be written: all bytes are alike.
			for {
				_, err := unix.Write(int(d.Fd), data)
				if err == unix.EAGAIN {
					break
				}
				if err != nil && err != unix.EINTR {
					return err
				}
			}
		}
	}
}

func (rawStack) receiveSeveral(connections []io.ReadWriteCloser, came func(connection, n int)) error {
	descriptors := descriptorsOf(connections, unix.POLLIN)
	buffer := make([]byte, readSize)
	for open := len(connections); open > 0; {
		if err := pollAll(descriptors); err != nil {
			return err
		}
		for i, d := range descriptors {
			if d.Revents == 0 {
				continue
			}
			n, err := unix.Read(int(d.Fd), buffer)
			switch {
			case err == nil:
				came(i, n)
			case err == unix.EINTR, err == unix.EAGAIN && d.Revents&unix.POLLHUP == 0:
			default:
				descriptors[i].Fd = -1 // poll(2) ignores it
				open--
			}
		}
	}
	return nil
}
