package rfcomm_test

import (
	"net"
	"testing"

	"github.com/go-rfcomm/rfcomm"
)

func TestDialRefusesBadValues(t *testing.T) {
	_, err := rfcomm.Dial("headset", 11)
	wantRefusal(t, err, net.OpError{Op: "dial"}, "headset", deviceExample)

	_, err = rfcomm.Dial("01:23:45:67:89:AB", 4000)
	wantRefusal(t, err, net.OpError{Op: "dial", Addr: rfcomm.Addr{Device: headset, Channel: 4000}}, "4000", channelRange)
}

func TestListenRefusesBadChannels(t *testing.T) {
	_, err := rfcomm.Listen(4000)
	wantRefusal(t, err, net.OpError{Op: "listen", Addr: rfcomm.Addr{Channel: 4000}}, "4000", channelRange)
}
