//go:build !linux

package rfcomm

import (
	"context"
	"errors"
	"os"

	"github.com/go-rfcomm/rfcomm/internal/handover"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// hints is empty, since only RFCOMM sockets return errnos to explain.
var hints neterr.Hints

// The following functions fail, because only Linux has RFCOMM sockets.

func (*Dialer) connect(context.Context, BDAddr, Addr) (*Conn, error) {
	return nil, errors.ErrUnsupported
}
func (*ListenConfig) claim(context.Context, Addr) (*Listener, error) {
	return nil, errors.ErrUnsupported
}
func (*Listener) accept() (*Conn, error)            { return nil, errors.ErrUnsupported }
func connHandedOver(handover.Socket) (*Conn, error) { return nil, errors.ErrUnsupported }
func fileConn(*os.File) (*Conn, error)              { return nil, errors.ErrUnsupported }
func fileListener(*os.File) (*Listener, error)      { return nil, errors.ErrUnsupported }
