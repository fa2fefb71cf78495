//go:build !linux

package rfcomm

import (
	"context"
	"os"
)

// What follows fails: only Linux has RFCOMM sockets.

func (*Dialer) connect(context.Context, BDAddr, Addr) (*Conn, error)  { return nil, errUnsupported }
func (*ListenConfig) listen(context.Context, Addr) (*Listener, error) { return nil, errUnsupported }
func (*Listener) accept() (*Conn, error)                              { return nil, errUnsupported }
func fileConn(*os.File) (*Conn, error)                                { return nil, errUnsupported }
func fileListener(*os.File) (*Listener, error)                        { return nil, errUnsupported }
