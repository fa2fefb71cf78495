package bluez_test

import (
	"bytes"
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// output returns the output of a command.
func output(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	command.Stderr = &stderr
	printed, err := command.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s", command.Args, err, &stderr)
	}
	return string(printed)
}

// wantFoundByOthers checks that sdptool and PyBluez, which search from near, find
// the only serial port of far.
func (a *air) wantFoundByOthers(t *testing.T, name, channel string) {
	t.Helper()
	sdptool := labtest.Program(t, "sdptool", "bluez")
	found := output(t, exec.Command(sdptool, "-i", a.near.Name(), "search", "--bdaddr", a.far.Addr().String(), "SP"))
	for _, want := range []string{"Service Name: " + name + "\n", "Channel: " + channel + "\n"} {
		if strings.Count(found, "Service Name") != 1 || !strings.Contains(found, want) {
			t.Errorf("sdptool prints %s, want one service with %q", found, want)
		}
	}
	found = output(t, labtest.PyBluez(t, `
import sys, bluetooth
for s in bluetooth.find_service(address=sys.argv[1], uuid=bluetooth.SERIAL_PORT_CLASS):
    print(s["name"], s["port"], s["protocol"])
`, a.far.Addr().String()))
	if want := name + " " + channel + " RFCOMM\n"; found != want {
		t.Errorf("PyBluez prints %q, want %q", found, want)
	}
}

// Two programs publish Serial Port, and bluetoothd cannot parse the records of the
// second one. It accepts them all the same, and lists Serial Port, because of the
// first one.
func testInvalidRecord(t *testing.T, a *air) {
	p := startAsNobody(t, "publish", "Thermometer", "18")
	p.wantLine("published")
	spoilRecords(t)
	second, err := bluez.Publish(t.Context(), sdp.NewSerialPort("Barometer", 19), nil)
	if err == nil {
		second.Close()
	}
	if !errors.Is(err, bluez.ErrNotPublished) || !strings.Contains(err.Error(), a.near.Name()) || !strings.Contains(err.Error(), a.far.Name()) {
		t.Errorf("Publish returns the error %v", err)
	}
	a.wantNames(t, "Thermometer")
}

// spoilRecords makes the system bus of this process one that passes everything on
// to the real one, and spoils the XML of records.
func spoilRecords(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, real, _ := strings.Cut(daemons.SystemBus(t).Address, "unix:path=")
	real, _, _ = strings.Cut(real, ",")
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			bus, err := net.Dial("unix", real)
			if err != nil {
				t.Error(err)
				client.Close()
				return
			}
			go passOn(client, bus, "")
			go passOn(bus, client, "</record>")
		}
	}()
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+path)
}

// passOn copies from one connection to another one, and closes both at the end. It
// spoils the tag.
func passOn(to, from net.Conn, tag string) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 1<<16)
	for size := 0; ; {
		n, err := from.Read(buffer[size:])
		size += n
		if err == nil && endsInPart(buffer[:size], tag) {
			continue
		}
		message := buffer[:size]
		if tag != "" {
			message = bytes.ReplaceAll(message, []byte(tag), []byte(strings.ToUpper(tag)))
		}
		if _, writeErr := to.Write(message); err != nil || writeErr != nil {
			return
		}
		size = 0
	}
}

// endsInPart reports whether the last bytes may be the beginning of tag.
func endsInPart(b []byte, tag string) bool {
	for n := 1; n < len(tag); n++ {
		if bytes.HasSuffix(b, []byte(tag[:n])) {
			return true
		}
	}
	return false
}

// bluetoothd publishes each type of element as it is.
func testElements(t *testing.T, a *air) {
	service := sdp.UUID{0x31, 0x02, 0x6e, 0x11, 0x2c, 0x0d, 0x48, 0x5e, 0xb1, 0x07, 0x19, 0x4d, 0x83, 0x5c, 0x22, 0x70}
	record := sdp.NewService(service, "caf\u00e9 <&> \"x\"", 18)
	for i, e := range []sdp.DataElement{
		{},
		sdp.Uint8(0x80), sdp.Uint16(0x8000), sdp.Uint32(1 << 31), sdp.Uint64(1 << 63), sdp.Uint128([16]byte{0x80, 15: 1}),
		sdp.Int8(-1), sdp.Int16(-2), sdp.Int32(-3), sdp.Int64(-4), sdp.Int128([16]byte{0x80, 15: 1}),
		sdp.Bool(true), sdp.Bool(false),
		sdp.UUIDElement(sdp.UUID16(0x1234)), sdp.UUIDElement(sdp.UUID32(0x12345678)), sdp.UUIDElement(sdp.UUID{1, 2, 3}),
		sdp.Text(""), sdp.Text("caf\xe9\x1b[31m\x00"), sdp.Text(strings.Repeat("x", 300)), sdp.Text(strings.Repeat("\xff", 7500)),
		sdp.URL(""), sdp.URL("http://example.org/?a=1&b=<2>"), sdp.URL(strings.Repeat("x", 7500)),
		sdp.Sequence(), sdp.Alternative(sdp.Sequence(sdp.Uint8(1)), sdp.Sequence(sdp.Text(strings.Repeat("y", 300)))),
	} {
		record.Set(sdp.AttributeID(0x8000+i), e)
	}
	if b, err := record.MarshalBinary(); err != nil || len(b) < 15_900 {
		t.Errorf("the record has %d bytes, %v: want almost the maximum", len(b), err)
	}
	record.Set(sdp.AttributeServiceRecordHandle, sdp.Uint32(0x10000)) // another record has it
	p, err := bluez.Publish(t.Context(), record, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	d := sdp.Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: a.near.Addr()}}}
	found, err := d.Search(t.Context(), a.far.Addr(), service)
	if err != nil || len(found) != 1 {
		t.Fatalf("Search returns %d records, %v", len(found), err)
	}
	for id, want := range record.All() {
		if got, _ := found[0].Get(id); !got.Equal(want) && id != sdp.AttributeServiceRecordHandle {
			t.Errorf("attribute %v is %.100v, want %.100v", id, got, want)
		}
	}
}

// A record that is in no browse group is verified too.
func testNotBrowsed(t *testing.T, a *air) {
	record := sdp.NewSerialPort("Hidden", 18)
	record.Delete(sdp.AttributeBrowseGroupList)
	p, err := bluez.Publish(t.Context(), record, nil)
	if err != nil {
		t.Fatal(err)
	}
	a.wantNames(t, "Hidden")
	p.Close()
	hosttest.Eventually(t, "the record is withdrawn", func() bool { return a.hasNames(t, a.near, a.far) })
}

// The record ends with the program, however the program ends.
func testKilled(t *testing.T, a *air) {
	p := startAsNobody(t, "publish", "Thermometer", "18")
	p.wantLine("published")
	if err := p.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	a.wantNames(t)
}
