package integration

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/internal/mgmt"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// radioWith returns a radio with the properties of its controllers, as root in
// the lab.
func radioWith(t *testing.T, config rfcommtest.Config) (*rfcommtest.Radio, []*rfcommtest.Controller) {
	t.Helper()
	inLab(t)
	labtest.RequireRoot(t)
	r := rfcommtest.Require(t, config)
	return r, r.Controllers()
}

// indexOf returns the index of a controller's adapter.
func indexOf(t *testing.T, c *rfcommtest.Controller) int {
	t.Helper()
	index, err := strconv.Atoi(strings.TrimPrefix(c.Name(), "hci"))
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// Names and classes of real devices, and names that must not reach a terminal.
func TestInquiryKeepsOddNames(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 16)[:248]
	r, c := radioWith(t, rfcommtest.Config{Controllers: 1})
	devices := map[rfcomm.BDAddr]inquiry.Device{}
	for _, tt := range []struct {
		config rfcommtest.ControllerConfig
		name   string
	}{
		{rfcommtest.ControllerConfig{Class: 0x5a020c, EIR: []byte("\x0b\x09\x1b[2J\x1b]0;x\x07\x03\x03\x01\x11")}, "\x1b[2J\x1b]0;x\x07"},
		{rfcommtest.ControllerConfig{Class: 0x001f00, Version: rfcommtest.Version20, Name: long}, long},
		{rfcommtest.ControllerConfig{Class: 0x240404, Version: rfcommtest.Version20, Name: "caf\xe9\xff\n"}, "caf\xe9\xff\n"},
		{rfcommtest.ControllerConfig{Class: 0x240404, Name: "Speaker of the kitchen", EIR: []byte("\x08\x08Speaker")}, "Speaker of the kitchen"},
		{rfcommtest.ControllerConfig{Class: 0x240404, Name: "cut", EIR: []byte("\xf0\x09longer than the response")}, "cut"},
		{rfcommtest.ControllerConfig{Class: 0x240404, Name: "no EIR name", EIR: []byte("\x02\x0a\x04")}, "no EIR name"},
	} {
		device := r.NewDevice(tt.config)
		r.Link(c[0], device.Controller).SetRSSI(-70)
		devices[device.Addr()] = inquiry.Device{Addr: device.Addr(), Name: tt.name, Class: inquiry.Class(tt.config.Class), RSSI: -70}
	}
	got := map[rfcomm.BDAddr]inquiry.Device{}
	for _, d := range inquire(t, inquiry.Options{Adapter: c[0].Addr(), Duration: oneAnswer}) {
		if d == got[d.Addr] {
			t.Errorf("received %v twice", d)
		}
		got[d.Addr] = d
		if s := d.String(); strings.ContainsFunc(s, unicode.IsControl) || !utf8.ValidString(s) {
			t.Errorf("%q is not escaped", s)
		}
	}
	for address, want := range devices {
		if got[address] != want {
			t.Errorf("received %v, want %v", got[address], want)
		}
	}
}

// Adapters report devices in one of three forms.
func TestInquiryOfAdapters(t *testing.T) {
	r, c := radioWith(t, rfcommtest.Config{Each: []rfcommtest.ControllerConfig{
		{},
		{Without: rfcommtest.ExtendedInquiryResponse | rfcommtest.SimplePairing},
		{Version: rfcommtest.Version20, Without: rfcommtest.InquiryRSSI},
	}})
	device := r.NewDevice(rfcommtest.ControllerConfig{Name: "OBDII", Class: 0x1f00, EIR: []byte("\x06\x09OBDII")})
	want := inquiry.Device{Addr: device.Addr(), Class: 0x1f00, RSSI: -50}
	for i, change := range []func(){
		func() { want.Name = "OBDII" },
		func() { want.Name = "" },
		func() { want.RSSI = inquiry.RSSIUnknown },
	} {
		change()
		for range rounds(3, 1) {
			if got := find(t, inquiry.Options{Adapter: c[i].Addr()}, device.Addr()); got != want {
				t.Errorf("adapter %d: received %v, want %v", i, got, want)
			}
		}
	}
}

func TestInquiryLimited(t *testing.T) {
	_, c := radioWith(t, rfcommtest.Config{Controllers: 3})
	m, err := mgmt.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.ReadInfo(indexOf(t, c[2])); err != nil {
		t.Fatal(err)
	}
	if err := m.SetLimitedDiscoverable(indexOf(t, c[2]), 60); err != nil {
		t.Fatal(err)
	}
	for _, d := range inquire(t, inquiry.Options{Adapter: c[0].Addr(), Limited: true, Duration: oneAnswer, NoNameRequests: true}) {
		if d.Addr != c[2].Addr() || !slices.Contains(d.Class.Services(), "Limited discoverable") {
			t.Errorf("found %v %v, want only %s", d, d.Class.Services(), c[2].Addr())
		}
	}
}

// While the kernel discovers devices for bluetoothd, the loop receives its
// devices. The loop's own inquiry begins when the discovery ends.
func TestInquiryWaitsForDiscovery(t *testing.T) {
	log := new(packetLog)
	_, c := radioWith(t, rfcommtest.Config{Log: log, Controllers: 2})
	m, err := mgmt.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	index := indexOf(t, c[0])
	if _, err := m.ReadInfo(index); err != nil {
		t.Fatal(err)
	}
	discovering, stop, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	var once sync.Once
	go func() {
		ended <- m.Discover(index, false, func(mgmt.Device) bool {
			once.Do(func() { close(discovering) })
			select {
			case <-stop:
				return false
			default:
				return true
			}
		})
	}()
	<-discovering
	first := true
	for d, err := range inquiry.Devices(t.Context(), &inquiry.Options{Adapter: c[0].Addr(), Duration: oneAnswer}) {
		if err != nil {
			t.Fatal(err)
		}
		t.Log(d)
		if first {
			close(stop)
		}
		first = false
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	answers := log.answers(index, hciInquiry)
	if accepted := bytes.Count(answers, []byte{0}); accepted != 2 || answers[len(answers)-1] != 0 || !bytes.Contains(answers, []byte{0x0c}) {
		t.Errorf("the controller answered the inquiries with % x; want two accepted, and one refused in between", answers)
	}
}

// While a dial waits for the page, there is no inquiry. Without the dial's
// request to stop it, it would begin again after cancelledPause, since the
// kernel cancels it as well.
//
// The kernel passes the end of an inquiry to sockets before it records the end
// itself (hci_rx_work). A dial that follows immediately makes the kernel cancel
// the inquiry a second time, which the controller refuses.
func TestInquiryWaitsForPage(t *testing.T) {
	log := new(packetLog)
	r, c := radioWith(t, rfcommtest.Config{Log: log, Controllers: 2})
	index := indexOf(t, c[0])
	listener := conntest.Listen(t, c[1].Addr())
	r.Link(c[0], c[1]).SetPageDelay(1500 * time.Millisecond)
	for _, err := range inquiry.Devices(t.Context(), &inquiry.Options{Adapter: c[0].Addr(), Duration: -1, NoNameRequests: true}) {
		if err != nil {
			t.Fatal(err)
		}
		conntest.Dial(t, c[0].Addr(), listener.Addr())
		hosttest.Eventually(t, "the inquiry continues", func() bool { return len(log.commands(index, hciInquiry)) > 1 })
		break
	}
	// The kernel reads the features of the device when it is connected.
	want := []opcode{hciInquiry, hciInquiryCancel, hciCreateConnection, hciReadRemoteFeatures, hciInquiry}
	if got := slices.Compact(log.commands(index, want...)); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("commands %v, want %v first", got, want)
	}
}

// A dial to one device cancels the request for the name of another one that does
// not answer. The kernel would not.
func TestInquiryCancelsNameForDial(t *testing.T) {
	log := new(packetLog)
	r, c := radioWith(t, rfcommtest.Config{Log: log, Controllers: 2})
	index := indexOf(t, c[0])
	listener := conntest.Listen(t, c[1].Addr())
	asleep := r.NewDevice(rfcommtest.ControllerConfig{Name: "asleep", Version: rfcommtest.Version20})
	r.Link(c[0], asleep.Controller).SetPageDelay(time.Hour)
	dialed := make(chan struct{})
	go func() {
		defer close(dialed)
		log.await(t, index, hciNameRequest, asleep.Addr())
		if conn, err := conntest.DialContext(t.Context(), c[0].Addr(), listener.Addr()); err == nil {
			conn.Close()
		} else {
			t.Error(err)
		}
		c[0].SetPageTimeout(100 * time.Millisecond) // of the second request
	}()
	inquire(t, inquiry.Options{Adapter: c[0].Addr(), Duration: oneAnswer})
	<-dialed
	got := log.commands(index, hciNameRequest, hciNameRequestCancel, hciCreateConnection)
	want := []opcode{hciNameRequest, hciNameRequestCancel, hciCreateConnection, hciNameRequest}
	if len(got) > len(want) && got[0] == hciNameRequest && got[1] == hciNameRequest {
		got = got[1:] // that of the other controller came first
	}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("commands %v, want %v first", got, want)
	}
}

// An opcode is that of an HCI command.
type opcode uint16

const (
	hciInquiry            opcode = 0x0401
	hciInquiryCancel      opcode = 0x0402
	hciCreateConnection   opcode = 0x0405
	hciNameRequest        opcode = 0x0419
	hciNameRequestCancel  opcode = 0x041a
	hciReadRemoteFeatures opcode = 0x041b
)

func (o opcode) String() string {
	return map[opcode]string{
		hciInquiry: "Inquiry", hciInquiryCancel: "Inquiry Cancel", hciCreateConnection: "Create Connection",
		hciNameRequest: "Remote Name Request", hciNameRequestCancel: "Remote Name Request Cancel",
		hciReadRemoteFeatures: "Read Remote Supported Features",
	}[o]
}

// A packetLog is a Config.Log that can be read while it is written.
type packetLog struct {
	mu  sync.Mutex
	log []byte
}

func (p *packetLog) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, b...)
	return len(b), nil
}

// The types of records in the log.
const (
	commandRecord = 2
	eventRecord   = 3
)

// records returns the packets of an adapter that are commands or events.
func (p *packetLog) records(index int, kind uint32) (packets [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	const fileHeader, header = 16, 24
	for rest := p.log[fileHeader:]; len(rest) >= header; {
		length, flags := binary.BigEndian.Uint32(rest[4:]), binary.BigEndian.Uint32(rest[8:])
		if flags == uint32(index)<<16|kind {
			packets = append(packets, bytes.Clone(rest[header:][:length]))
		}
		rest = rest[header+length:]
	}
	return packets
}

// commands returns the opcodes of the commands to an adapter, of those wanted.
func (p *packetLog) commands(index int, wanted ...opcode) (codes []opcode) {
	for _, packet := range p.records(index, commandRecord) {
		if code := opcode(binary.LittleEndian.Uint16(packet)); slices.Contains(wanted, code) {
			codes = append(codes, code)
		}
	}
	return codes
}

// answers returns the statuses with which a controller has accepted or refused a
// command.
func (p *packetLog) answers(index int, to opcode) (statuses []byte) {
	const commandStatus = 0x0f
	for _, packet := range p.records(index, eventRecord) {
		if packet[0] == commandStatus && opcode(binary.LittleEndian.Uint16(packet[4:])) == to {
			statuses = append(statuses, packet[2])
		}
	}
	return statuses
}

// await waits for a command whose first parameter is the address of a device.
func (p *packetLog) await(t testing.TB, index int, code opcode, device rfcomm.BDAddr) {
	slices.Reverse(device[:])
	hosttest.Eventually(t, code.String(), func() bool {
		return slices.ContainsFunc(p.records(index, commandRecord), func(packet []byte) bool {
			return opcode(binary.LittleEndian.Uint16(packet)) == code && bytes.HasPrefix(packet[3:], device[:])
		})
	})
}
