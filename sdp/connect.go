package sdp

import (
	"context"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/l2cap"
)

// psm is the L2CAP PSM of SDP servers (Assigned Numbers, section 2.5).
const psm = 1

// Connect connects to the SDP server of a device, from the given adapter, or
// from one that the kernel picks if adapter is zero. It needs no privilege, no
// daemon and no pairing.
//
// If ctx is done before the connection is complete, Connect returns at once with
// an error that matches the context's. The kernel then continues to page the
// device for a few seconds. Once connected, ctx has no effect on the Client.
//
// While a Client is open, the link to the device stays up. An idle link ends
// after 2 s. To dial over an open link takes no new page.
//
// Connect retries for up to 5 s, as [rfcomm.Dialer.DialRFCOMM] does, if a link
// to the device is just being opened or taken down. Errors are *[net.OpError].
// Those of the kernel match their errno alone:
//
//   - EHOSTDOWN: the device is off, asleep, out of range, or not connectable;
//     or device is its LE address
//   - ECONNREFUSED: the device has no SDP server, or refuses the connection
//   - EHOSTUNREACH: no adapter is up, or not the given one; or device is the
//     address of the only adapter
//   - ECONNABORTED: the adapter was switched off or removed, or the link was
//     being closed at every attempt
//   - EALREADY, ECONNRESET, ENOMEM, ENOTCONN, EPROTO: a link to the device was
//     being opened or taken down at every attempt
//   - ETIMEDOUT: the device did not answer
//   - EAFNOSUPPORT: the kernel has no Bluetooth, or not in this network
//     namespace, such as that of a container
//
// On other platforms than Linux the error matches errors.ErrUnsupported.
func Connect(ctx context.Context, adapter, device rfcomm.BDAddr) (*Client, error) {
	if ctx == nil {
		panic("nil context")
	}
	conn, err := l2cap.Dial(ctx, adapter, sdpAddr(device))
	if err != nil {
		return nil, err
	}
	return NewClient(conn), nil
}
