package rfcomm

import (
	"net"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// rfcommNetwork describes the errors of this package.
var rfcommNetwork = neterr.Network{Name: network, Hints: hints}

// opError returns err as the error of an operation, with its likely cause.
func opError(op string, source, addr net.Addr, err error) error {
	return rfcommNetwork.OpError(op, source, addr, err)
}
