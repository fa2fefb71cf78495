package l2cap

import (
	"bytes"
	"testing"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

var (
	peerAddress = hcipacket.Address{2, 0, 0, 0, 0, 1}
	peerHandle  = hcipacket.Handle(1)
)

// A recorded host has a link, two channels and a listener. Its frames are
// recorded.
type recorded struct {
	*Host
	link   *link
	frames [][]byte // payloads of frames on the signalling channel
}

func newRecorded(t testing.TB) *recorded {
	t.Helper()
	r := new(recorded)
	var incoming assembler
	r.Host = New(Config{ACLLength: 27, ACLBuffers: 1 << 30, Input: func(packet []byte) {
		data, err := hcipacket.ParseACL(packet)
		if err != nil {
			return // a command
		}
		if cid, payload, ok := incoming.add(data.Boundary != hcipacket.Continuing, data.Data); ok && cid == signallingCID {
			r.frames = append(r.frames, bytes.Clone(payload))
		}
	}})
	t.Cleanup(r.Close)
	if err := r.PowerOn(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Listen(0x1001); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.connected(peerHandle, peerAddress)
	r.link = r.links[peerAddress]
	r.link.signalled([]byte{connectionRequest, 1, 4, 0, 0x01, 0x10, 0x40, 0}) // configuring, 0x40 at both ends
	dialed := r.link.newConn(0x1001)                                          // connecting, 0x41
	dialed.requestID = r.link.request(connectionRequest, words(dialed.psm, dialed.local))
	return r
}

// FuzzSignalled checks that the host answers with well-formed commands
// whatever it receives, and does not panic.
func FuzzSignalled(f *testing.F) {
	for _, seed := range [][]byte{
		{echoRequest, 5, 1, 0, 'x'},
		{connectionRequest, 5, 4, 0, 0x01, 0x10, 0x50, 0},
		{connectionResponse, 3, 8, 0, 0x60, 0, 0x41, 0, 0, 0, 0, 0, configurationRequest, 6, 8, 0, 0x41, 0, 0, 0, optionMTU, 2, 0, 4},
		{configurationRequest, 5, 8, 0, 0x40, 0, 0, 0, optionMTU, 2, 0x30, 0, configurationResponse, 2, 6, 0, 0x40, 0, 0, 0, 0, 0},
		{configurationResponse, 2, 10, 0, 0x40, 0, 0, 0, 1, 0, optionMTU, 2, 0x30, 0},
		{disconnectionRequest, 5, 4, 0, 0x40, 0, 0x40, 0, disconnectionResponse, 5, 4, 0, 0x40, 0, 0x40, 0},
		{informationRequest, 5, 2, 0, 2, 0, commandReject, 3, 2, 0, 0, 0},
		{configurationRequest, 5, 200, 0, 0x40},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		r := newRecorded(t)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.link.signalled(payload)
		for _, answer := range r.frames {
			commands, _, ok := parseCommands(answer)
			if !ok || len(commands) != 1 || len(commands[0].data) < minimumData[commands[0].code] {
				t.Errorf("% x was answered by % x", payload, answer)
			}
		}
		for cid, c := range r.link.channels {
			if cid != c.local || c.state == closed || c.state == open && c.peerMTU < MinMTU {
				t.Errorf("after % x, channel %#x has the state %+v", payload, cid, c)
			}
		}
	})
}

// FuzzAssembler checks that a frame that was cut anywhere is joined again, and
// that nothing else is taken for a frame.
func FuzzAssembler(f *testing.F) {
	f.Add([]byte("payload"), uint8(3), []byte{1, 0})
	f.Add([]byte{}, uint8(0), []byte{})
	f.Fuzz(func(t *testing.T, payload []byte, cut uint8, before []byte) {
		if len(payload) > MaxMTU {
			return
		}
		var a assembler
		a.add(true, before) // cut short by the next frame
		whole := frame(0x40, payload)
		at := min(int(cut), len(whole))
		if _, _, ok := a.add(true, whole[:at]); ok != (at == len(whole)) {
			t.Fatalf("%d of %d bytes: %v", at, len(whole), ok)
		}
		if at == len(whole) {
			return
		}
		if cid, got, ok := a.add(false, whole[at:]); at > 0 && (!ok || cid != 0x40 || !bytes.Equal(got, payload)) {
			t.Errorf("cut at %d: %#x, % x, %v, want % x", at, cid, got, ok, payload)
		}
		if _, _, ok := a.add(true, append(whole, 0)); ok {
			t.Error("a frame with a byte too many was taken")
		}
	})
}
