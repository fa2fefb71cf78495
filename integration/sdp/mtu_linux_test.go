package sdp_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/l2cap"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// minMTU is the smallest MTU of an L2CAP channel.
const minMTU = 48

// An mtuConn is a connection whose MTUs differ from those of package l2cap.
type mtuConn struct {
	*btsocket.Socket
	outgoing, incoming int
}

func (c mtuConn) LocalAddr() net.Addr            { return l2cap.Addr{PSM: 1} }
func (c mtuConn) RemoteAddr() net.Addr           { return l2cap.Addr{PSM: 1} }
func (c mtuConn) MTUs() (outgoing, incoming int) { return c.outgoing, c.incoming }

// receiveMTU returns the description of an L2CAP socket that receives packets
// of at most mtu bytes.
func receiveMTU(mtu int, local *unix.SockaddrL2) btsocket.Endpoint {
	return btsocket.Endpoint{
		Kind: unix.SOCK_SEQPACKET, Protocol: unix.BTPROTO_L2CAP, Local: local,
		Setup: func(fd int) error {
			// L2CAP_OPTIONS: omtu, imtu, flush_to, mode, fcs, max_tx, txwin_size
			// (include/net/bluetooth/l2cap.h).
			options := binary.NativeEndian.AppendUint16(nil, 672)
			options = binary.NativeEndian.AppendUint16(options, uint16(mtu))
			options = append(options, 0xff, 0xff, 0, 1, 3, 0, 63, 0)
			return os.NewSyscallError("setsockopt", unix.SetsockoptString(fd, unix.SOL_L2CAP, 1, string(options)))
		},
	}
}

// serveMTU serves the clients of SDP at an adapter until the end of the test.
// The adapter receives packets of at most mtu bytes, as old devices do. Its
// responses fit into clientMTU.
func serveMTU(t *testing.T, adapter rfcomm.BDAddr, s *sdp.Server, mtu, clientMTU int) {
	t.Helper()
	l, err := btsocket.Listen(receiveMTU(mtu, &unix.SockaddrL2{Addr: adapter, PSM: 1}), 5)
	if err != nil {
		t.Fatal(err)
	}
	ended := hosttest.InBackground(func() error {
		for {
			socket, _, err := l.Accept()
			if err != nil {
				return err
			}
			go s.ServeConn(t.Context(), mtuConn{socket, clientMTU, mtu})
		}
	})
	t.Cleanup(func() { l.Close(); <-ended; s.Close() })
}

// portServer returns a Server with n serial ports.
func portServer(t *testing.T, n int) *sdp.Server {
	t.Helper()
	s := new(sdp.Server)
	for i := range n {
		if _, err := s.Add(sdp.NewSerialPort(fmt.Sprintf("port %d", i), 1+i%30)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// A countedConn counts the packets that are written to it.
type countedConn struct {
	*l2cap.Conn
	writes atomic.Int32
}

func (c *countedConn) Write(packet []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(packet)
}

// A device that takes 48 bytes receives each request that fits, and no other.
func TestClientRequestFitsMTU(t *testing.T) {
	a := inLab(t)
	serveMTU(t, a.far.Addr(), portServer(t, 5), minMTU, 672)
	conn, err := l2cap.Dial(t.Context(), a.near.Addr(), l2cap.Addr{Device: a.far.Addr(), PSM: 1})
	if err != nil {
		t.Fatal(err)
	}
	if outgoing, incoming := conn.MTUs(); outgoing != minMTU || incoming != 672 {
		t.Errorf("MTUs = %d, %d", outgoing, incoming)
	}
	counted := &countedConn{Conn: conn}
	c := sdp.NewClient(counted)
	defer c.Close()
	if _, err := c.Services(t.Context(), sdp.UUID{0}, sdp.UUID{1}, sdp.UUID{2}); !errors.Is(err, sdp.ErrRequestTooLarge) {
		t.Errorf("Services of three UUIDs of 128 bits: %v", err)
	}
	if n := counted.writes.Load(); n != 0 {
		t.Errorf("%d packets were sent", n)
	}
	short := []sdp.UUID{sdp.SerialPort, sdp.ProtocolL2CAP, sdp.ProtocolRFCOMM, sdp.PublicBrowseRoot}
	handles, err := c.Services(t.Context(), append(short, short...)...)
	if err != nil || len(handles) != 5 {
		t.Errorf("Services = %x, %v", handles, err)
	}
	if records, err := c.Search(t.Context(), short); err != nil || len(records) != 5 {
		t.Errorf("Search = %d records, %v", len(records), err)
	}
	if records, err := c.Search(t.Context(), []sdp.UUID{{1}}); err != nil || len(records) != 0 {
		t.Errorf("Search for a UUID of 128 bits = %d records, %v", len(records), err)
	}
}

// If both ends have the smallest MTU, 40 records take more than 64 rounds.
func TestClientSearchTakesManyRounds(t *testing.T) {
	a := inLab(t)
	serveMTU(t, a.far.Addr(), portServer(t, 40), minMTU, minMTU)
	c := sdp.NewClient(mtuConn{a.dialMTU(t, minMTU), minMTU, minMTU})
	defer c.Close()
	records, err := c.Search(t.Context(), []sdp.UUID{sdp.SerialPort})
	if err != nil || len(records) != 40 {
		t.Fatalf("Search = %d records, %v", len(records), err)
	}
	for i, r := range records {
		if want := fmt.Sprintf("port %d", i); r.Name() != want {
			t.Errorf("record %d is %q, want %q", i, r.Name(), want)
		}
	}
}
