//go:build !linux

package serial

import (
	"net"

	"github.com/go-rfcomm/rfcomm"
)

func connEnded(net.Conn) bool    { return false }
func received(*rfcomm.Conn) bool { return false }
