//go:build !linux

package l2cap

import (
	"context"
	"errors"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// hints is empty, since only L2CAP sockets return errnos to explain.
var hints neterr.Hints

// The following functions fail, because only Linux has L2CAP sockets.

func connect(context.Context, rfcomm.BDAddr, Addr) (*Conn, error) {
	return nil, errors.ErrUnsupported
}
func listen(Addr) (*Listener, error)     { return nil, errors.ErrUnsupported }
func probe(Addr) error                   { return errors.ErrUnsupported }
func (*Listener) accept() (*Conn, error) { return nil, errors.ErrUnsupported }
