//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/go-rfcomm/rfcomm"
)

// libraryStack is this module, used as its documentation shows.
type libraryStack struct{}

type libraryListener struct{ *rfcomm.Listener }

func (l libraryListener) accept() (io.ReadWriteCloser, error) { return l.AcceptRFCOMM() }

func (libraryStack) dial(near, far rfcomm.BDAddr, channel int) (io.ReadWriteCloser, error) {
	return dialLibrary(near, far, channel)
}

func dialLibrary(near, far rfcomm.BDAddr, channel int) (*rfcomm.Conn, error) {
	dialer := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: near}}
	return dialer.DialRFCOMM(context.Background(), rfcomm.Addr{Device: far, Channel: channel})
}

func (libraryStack) listen(near rfcomm.BDAddr, channel int) (listener, error) {
	l, err := listenLibrary(near, channel)
	return libraryListener{l}, err
}

func listenLibrary(near rfcomm.BDAddr, channel int) (*rfcomm.Listener, error) {
	return new(rfcomm.ListenConfig).ListenRFCOMM(context.Background(), rfcomm.Addr{Device: near, Channel: channel})
}

func (libraryStack) sendSeveral(connections []io.ReadWriteCloser, size int) error {
	failed := make(chan error)
	for _, c := range connections {
		go func() {
			data := make([]byte, size)
			for {
				if _, err := c.Write(data); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}

func (libraryStack) receiveSeveral(connections []io.ReadWriteCloser, came func(connection, n int)) error {
	var lock sync.Mutex
	failed := make(chan error)
	for i, c := range connections {
		go func() {
			buffer := make([]byte, readSize)
			for {
				n, err := c.Read(buffer)
				if err != nil {
					failed <- ignoreEnd(err)
					return
				}
				lock.Lock()
				came(i, n)
				lock.Unlock()
			}
		}()
	}
	var all error
	for range connections {
		all = errors.Join(all, <-failed)
	}
	return all
}

// ignoreEnd returns nil for the end of a stream, and any other error unchanged.
func ignoreEnd(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
