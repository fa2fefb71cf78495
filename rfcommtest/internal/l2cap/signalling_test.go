package l2cap

import (
	"encoding/hex"
	"strings"
	"testing"
)

// A step is a frame on the signalling channel and the host's answers.
type step struct {
	receive string
	want    []string
}

// play lets the host receive frames and compares its answers.
func (r *recorded) play(t *testing.T, steps ...step) {
	t.Helper()
	for _, s := range steps {
		r.frames = nil
		payload, err := hex.DecodeString(strings.ReplaceAll(s.receive, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		r.link.signalled(payload)
		var got []string
		for _, f := range r.frames {
			got = append(got, hex.EncodeToString(f))
		}
		if want := strings.ReplaceAll(strings.Join(s.want, ","), " ", ""); strings.Join(got, ",") != want {
			t.Errorf("%s was answered by %s, want %s", s.receive, got, want)
		}
	}
}

// The dialed channel has the identifier 0x41 at this end and 0x60 at the other.
// Its connection request had the identifier 2.
const (
	accepts    = "03 02 08 00 60 00 41 00 00 00 00 00"
	requests3  = "04 03 04 00 60 00 00 00"              // the configuration request that follows
	configures = "04 09 04 00 41 00 00 00"              // the other end's
	success9   = "05 09 06 00 60 00 00 00 00 00"        // the answer to it
	disconnect = "06 %s 04 00 60 00 41 00"              // with an identifier
	mtu672     = " 04 %s 08 00 60 00 00 00 01 02 a0 02" // a configuration request with an identifier
)

func with(s, id string) string { return strings.Replace(s, "%s", id, 1) }

func TestDialedChannelStates(t *testing.T) {
	unacceptable := func(id string) string { return "05 " + id + " 06 00 41 00 00 00 01 00" }
	for name, tt := range map[string]struct {
		steps []step
		state state
		mtu   int // of packets to this end
		peer  int // of packets to the other end
	}{
		"opens": {[]step{
			{accepts, []string{requests3}},
			{"05 03 06 00 41 00 00 00 00 00", nil},
			{configures, []string{success9}},
		}, open, 672, 672},
		"pending at first": {[]step{
			{"03 02 08 00 00 00 41 00 01 00 00 00", nil},
			{accepts, []string{requests3}},
			{"05 03 06 00 41 00 00 00 04 00", nil},
			{"05 03 06 00 41 00 00 00 00 00", nil},
			{configures, []string{success9}},
		}, open, 672, 672},
		"options in two parts": {[]step{
			{accepts, []string{requests3}},
			{"05 03 06 00 41 00 00 00 00 00", nil},
			{"04 09 08 00 41 00 01 00 01 02 64 00", []string{"05 09 06 00 60 00 01 00 00 00"}},
		}, configuring, 672, 100},
		"options in two parts, both": {[]step{
			{accepts, []string{requests3}},
			{"05 03 06 00 41 00 00 00 00 00", nil},
			{"04 09 08 00 41 00 01 00 01 02 64 00", []string{"05 09 06 00 60 00 01 00 00 00"}},
			{configures, []string{success9}},
		}, open, 672, 100},
		"the response in two parts": {[]step{
			{accepts, []string{requests3}},
			{"05 03 06 00 41 00 01 00 00 00", nil},
			{configures, []string{success9}},
		}, configuring, 672, 672},
		"another MTU": {[]step{
			{accepts, []string{requests3}},
			{"05 03 0a 00 41 00 00 00 01 00 01 02 64 00", []string{"04 04 08 00 60 00 00 00 01 02 64 00"}},
			{"05 04 06 00 41 00 00 00 00 00", nil},
			{configures, []string{success9}},
		}, open, 100, 672},
		"never content": {[]step{
			{accepts, []string{requests3}},
			{unacceptable("03"), []string{with(mtu672, "04")}},
			{unacceptable("04"), []string{with(mtu672, "05")}},
			{unacceptable("05"), []string{with(mtu672, "06")}},
			{unacceptable("06"), []string{with(disconnect, "07")}},
		}, closing, 672, 672},
		"options rejected": {[]step{
			{accepts, []string{requests3}},
			{"05 03 06 00 41 00 00 00 02 00", []string{with(disconnect, "04")}},
			{"07 04 04 00 60 00 41 00", nil},
		}, closed, 672, 672},
		"refused":                {[]step{{"03 02 08 00 00 00 41 00 04 00 00 00", nil}}, closed, 672, 672},
		"not understood":         {[]step{{"01 02 02 00 00 00", nil}}, closed, 672, 672},
		"another request's":      {[]step{{"03 07 08 00 60 00 41 00 00 00 00 00", nil}, {"01 07 02 00 00 00", nil}}, connecting, 672, 672},
		"configured too early":   {[]step{{configures, []string{"01 09 06 00 02 00 41 00 00 00"}}}, connecting, 672, 672},
		"ended while connecting": {[]step{{"06 09 04 00 41 00 60 00", nil}}, connecting, 672, 672},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorded(t)
			r.mu.Lock()
			defer r.mu.Unlock()
			c := r.link.channels[0x41]
			r.play(t, tt.steps...)
			if c.state != tt.state || c.mtu != tt.mtu || c.peerMTU != tt.peer {
				t.Errorf("state %d, MTUs %d and %d; want %d, %d and %d", c.state, c.mtu, c.peerMTU, tt.state, tt.mtu, tt.peer)
			}
			if _, kept := r.link.channels[0x41]; kept == (c.state == closed) {
				t.Errorf("state %d, but the channel is kept: %v", c.state, kept)
			}
		})
	}
}

// The peer answers after the dial has ended.
func TestAbandonedDialIsClosed(t *testing.T) {
	r := newRecorded(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.link.channels[0x41].close(errPowerOff)
	r.play(t, step{accepts, []string{with(disconnect, "03")}}, step{"07 03 04 00 60 00 41 00", nil})
	if r.link.channels[0x41] != nil {
		t.Error("the channel is kept")
	}
}

func TestChannelDiscardsEarlyData(t *testing.T) {
	r := newRecorded(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.link.channels[0x40]
	c.receive([]byte("early"))
	r.play(t, step{"05 01 06 00 40 00 00 00 00 00", nil}, step{"04 09 04 00 40 00 00 00", []string{"05 09 06 00 40 00 00 00 00 00"}})
	if c.state != open || len(c.received) != 0 {
		t.Errorf("state %d, received %q", c.state, c.received)
	}
}
