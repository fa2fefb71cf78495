package rfcommtest_test

import (
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/l2cap"
	"github.com/go-rfcomm/rfcomm/internal/test/mux"
	"github.com/go-rfcomm/rfcomm/internal/test/sdppeer"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A packetLog is a Config.Log that can be read while the radio writes it.
type packetLog struct {
	mu   sync.Mutex
	data []byte
}

func (l *packetLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.data = append(l.data, p...)
	return len(p), nil
}

// take returns the records since the last call, of which the first call must be
// made before any packet.
func (l *packetLog) take() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.data
	l.data = nil
	return taken
}

// Opcodes of records in a btsnoop log (the monitor format of BlueZ).
const (
	logCommand     = 2
	logSentData    = 4
	logReceiveData = 5
)

// A traffic holds counters of a kernel's commands and packets.
type traffic struct {
	commands int            // HCI commands
	channels map[uint16]int // L2CAP connection requests, by PSM
	packets  map[uint16]int // L2CAP packets sent, by the PSM of their channel
}

// count returns the traffic of the adapter with the given index. Channels that
// were opened before, and packets in several fragments, do not occur.
func count(adapter int, records []byte) traffic {
	sum := traffic{channels: map[uint16]int{}, packets: map[uint16]int{}}
	psmOf := map[[2]uint16]uint16{} // by source and by destination of a channel
	for len(records) > 0 {
		length := binary.BigEndian.Uint32(records)
		index, opcode := binary.BigEndian.Uint16(records[8:]), binary.BigEndian.Uint16(records[10:])
		data := records[24 : 24+length]
		records = records[24+length:]
		switch {
		case int(index) != adapter:
		case opcode == logCommand:
			sum.commands++
		case opcode == logSentData:
			sum.sent(psmOf, data[4:])
		case opcode == logReceiveData:
			sum.received(psmOf, data[4:])
		}
	}
	return sum
}

const (
	signalling         = 1 // channel
	connectionRequest  = 2
	connectionResponse = 3
	source             = 0 // kinds of keys
	destination        = 1
)

// sent counts an L2CAP frame that the kernel sent.
func (sum *traffic) sent(psmOf map[[2]uint16]uint16, frame []byte) {
	channel, payload := binary.LittleEndian.Uint16(frame[2:]), frame[4:]
	if channel != signalling {
		sum.packets[psmOf[[2]uint16{destination, channel}]]++
		return
	}
	if payload[0] == connectionRequest {
		psm := binary.LittleEndian.Uint16(payload[4:])
		psmOf[[2]uint16{source, binary.LittleEndian.Uint16(payload[6:])}] = psm
		sum.channels[psm]++
	}
}

// received learns the channel of the peer from its response.
func (sum *traffic) received(psmOf map[[2]uint16]uint16, frame []byte) {
	if channel, payload := binary.LittleEndian.Uint16(frame[2:]), frame[4:]; channel == signalling && payload[0] == connectionResponse {
		psm := psmOf[[2]uint16{source, binary.LittleEndian.Uint16(payload[6:])}]
		psmOf[[2]uint16{destination, binary.LittleEndian.Uint16(payload[4:])}] = psm
	}
}

// indexOf returns the kernel's index of a controller.
func indexOf(t *testing.T, c *rfcommtest.Controller) int {
	t.Helper()
	adapters, err := rfcomm.Adapters()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(adapters, func(a rfcomm.Adapter) bool { return a.Addr == c.Addr() })
	return adapters[i].Index
}

// A dial by UUID over an open link opens one channel and sends one packet more
// than a dial of the channel. It makes no page and no pairing.
func TestDialerAddsOneRequest(t *testing.T) {
	log := new(packetLog)
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 1, Log: log})
	phone := r.Controllers()[0]
	dialer := dialerFrom(phone)
	counted := func(dial func(device rfcomm.BDAddr) (*rfcomm.Conn, error)) traffic {
		device := r.NewDevice(rfcommtest.ControllerConfig{})
		serveSDP(t, device, sdppeer.With(600, adapterRecord(t, 5)))
		serveRFCOMM(t, device)
		const otherPSM = 0x1001
		if _, err := device.ListenL2CAP(otherPSM); err != nil {
			t.Fatal(err)
		}
		held, err := l2cap.Dial(t.Context(), phone.Addr(), l2cap.Addr{Device: device.Addr(), PSM: otherPSM})
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		log.take()
		conn, err := dial(device.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		pass(t, conn, conn)
		return count(indexOf(t, phone), log.take())
	}
	plain := counted(func(device rfcomm.BDAddr) (*rfcomm.Conn, error) {
		return dialer.RFCOMM.DialRFCOMM(t.Context(), rfcomm.Addr{Device: device, Channel: 5})
	})
	byUUID := counted(func(device rfcomm.BDAddr) (*rfcomm.Conn, error) {
		return dialer.Dial(t.Context(), device, sdp.SerialPort)
	})
	t.Logf("plain %+v, by UUID %+v", plain, byUUID)
	if plain.commands != 0 || byUUID.commands != 0 {
		t.Errorf("%d and %d HCI commands, want none over an open link", plain.commands, byUUID.commands)
	}
	if want := map[uint16]int{mux.PSM: 1}; !maps.Equal(plain.channels, want) {
		t.Errorf("the plain dial opened the channels %v, want %v", plain.channels, want)
	}
	if want := map[uint16]int{mux.PSM: 1, sdpPSM: 1}; !maps.Equal(byUUID.channels, want) {
		t.Errorf("the dial by UUID opened the channels %v, want %v", byUUID.channels, want)
	}
	if got := byUUID.packets[sdpPSM]; got != 1 || plain.packets[sdpPSM] != 0 {
		t.Errorf("%d requests to SDP, want 1", got)
	}
}
