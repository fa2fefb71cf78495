package sdp_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/internal/test/sdptest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// ownUUID is the service of these tests, which no specification assigns.
var ownUUID = sdp.UUID{0x9d, 0x0c, 0x3f, 0x2e, 0x70, 0x11, 0x4b, 0xd5, 0x8e, 0x21, 0x64, 0x1a, 0x0f, 0x9e, 0x22, 0x01}

// published returns the records in XML that sdptool prints.
func published(t *testing.T, output string) (records []*sdp.Record) {
	t.Helper()
	for part := range strings.SplitSeq(output, "<record>") {
		body, _, found := strings.Cut(part, "</record>")
		if !found {
			continue
		}
		r, err := sdp.ParseRecordXML("<record>" + body + "</record>")
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

// wantRecords checks that records have the attributes and the handles of those
// that were added to a server.
func wantRecords(t *testing.T, who string, got, added []*sdp.Record, handles []uint32) {
	t.Helper()
	if len(got) != len(added) {
		t.Fatalf("%s finds %d records, want %d", who, len(got), len(added))
	}
	for i, r := range got {
		want := added[i].Clone()
		want.Set(sdp.AttributeServiceRecordHandle, sdp.Uint32(handles[i]))
		g, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		w, err := want.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(g, w) {
			t.Errorf("%s finds\n%v\nwant\n%v", who, r, want)
		}
	}
}

// examples returns a record of each constructor, and those of package sdptest.
func examples() []*sdp.Record {
	return append(sdptest.Records(),
		sdp.NewSerialPort("Serial Port", 1),
		sdp.NewObjectPush("Object Push", 9),
		sdp.NewFileTransfer("File Transfer", 10),
		sdp.NewService(ownUUID, "R\u00e9glages <&> \"x\"", 30),
	)
}

func TestServerIsReadBySdptool(t *testing.T) {
	a := inLab(t)
	records := examples()
	_, handles := serve(t, a.far, records...)
	address := a.far.Addr().String()
	wantRecords(t, "sdptool browse", published(t, sdptool(t, a.near, "browse", "--xml", address)), records, handles)

	var ports []*sdp.Record
	var portHandles []uint32
	for i, r := range records {
		if r.Contains(sdp.SerialPort) {
			ports, portHandles = append(ports, r), append(portHandles, handles[i])
		}
	}
	found := sdptool(t, a.near, "search", "--bdaddr", address, "--xml", "SP")
	wantRecords(t, "sdptool search", published(t, found), ports, portHandles)

	tree := sdptool(t, a.near, "browse", "--tree", address)
	if n := strings.Count(tree, "Attribute Identifier : 0x0 - ServiceRecordHandle"); n != len(records) {
		t.Errorf("sdptool browse --tree prints %d records, want %d:\n%s", n, len(records), tree)
	}
	text := sdptool(t, a.near, "browse", address)
	for _, want := range []string{
		"Service Name: Serial Port", "Service RecHandle: 0x10000", `"OBEX Object Push" (0x1105)`, "Channel: 9",
		`"Serial Port" (0x1101)`, "Version: 0x0102", ownUUID.String(),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("sdptool browse does not print %q:\n%s", want, text)
		}
	}
	// "sdptool records" asks for 384 handles in the same way, on a connection for
	// each.
	for _, i := range []int{0, 3, len(records) - 1} {
		handle := fmt.Sprintf("0x%x", handles[i])
		got := published(t, sdptool(t, a.near, "get", "--bdaddr", address, "--xml", handle))
		wantRecords(t, "sdptool get", got, records[i:i+1], handles[i:i+1])
	}
}

func TestServerIsFoundByPyBluez(t *testing.T) {
	a := inLab(t)
	r := sdp.NewService(ownUUID, "Meter", 7)
	r.Set(sdp.AttributeServiceClassIDList, sdp.Sequence(sdp.UUIDElement(ownUUID), sdp.UUIDElement(sdp.SerialPort)))
	r.Set(sdp.AttributeServiceID, sdp.UUIDElement(ownUUID))
	r.Set(sdp.AttributeBluetoothProfileDescriptorList, sdp.Sequence(sdp.Sequence(sdp.UUIDElement(sdp.SerialPort), sdp.Uint16(0x0102))))
	r.Set(sdp.AttributeServiceDescription, sdp.Text("Reads the meter"))
	r.Set(sdp.AttributeProviderName, sdp.Text("example"))
	records := append(examples(), r)
	serve(t, a.far, records...)
	id := strings.ToUpper(ownUUID.String())
	want := fmt.Sprintf("[('description', 'Reads the meter'), ('host', '%s'), ('name', 'Meter'), "+
		"('port', 7), ('profiles', [('1101', 258)]), ('protocol', 'RFCOMM'), ('provider', 'example'), "+
		"('service-classes', ['%s', '1101']), ('service-id', '%s')]\n", a.far.Addr(), id, id)
	found := findService(t, a.far.Addr(), ownUUID.String())
	if lines := strings.SplitAfter(found, "\n"); len(lines) != 3 || lines[1] != want {
		t.Errorf("find_service prints\n%s\nwant 2 services, the second\n%s", found, want)
	}
	if lines := strings.Count(findService(t, a.far.Addr(), ""), "\n"); lines != len(records) {
		t.Errorf("find_service without a UUID finds %d services, want %d", lines, len(records))
	}
	if found := findService(t, a.far.Addr(), "abcd"); found != "" {
		t.Errorf("find_service of an absent UUID prints %q", found)
	}
}

// A program with PyBluez finds the channel by UUID and connects to it.
func TestPyBluezDialsServerByUUID(t *testing.T) {
	a := inLab(t)
	l := conntest.Listen(t, a.far.Addr())
	serve(t, a.far, sdp.NewService(ownUUID, "Meter", conntest.AddrOf(l).Channel))
	var stderr bytes.Buffer
	command := labtest.PyBluez(t, `
import sys, bluetooth
service, = bluetooth.find_service(address=sys.argv[1], uuid=sys.argv[2])
s = bluetooth.BluetoothSocket(bluetooth.RFCOMM)
s.connect((service["host"], service["port"]))
s.send("hello " + service["name"])
print(s.recv(100).decode())
s.close()
`, a.far.Addr().String(), ownUUID.String())
	command.Stderr = &stderr
	output := hosttest.InBackground(func() string {
		out, err := command.Output()
		if err != nil {
			l.Close()
			return fmt.Sprintf("%v\n%s", err, &stderr)
		}
		return string(out)
	})
	c, err := l.AcceptRFCOMM()
	if err != nil {
		t.Fatal(err, <-output)
	}
	defer c.Close()
	conntest.Receive(t, c, "hello Meter")
	conntest.Send(t, c, "42 kWh")
	if got := <-output; got != "42 kWh\n" {
		t.Errorf("PyBluez printed %q", got)
	}
}

// Client and server work on a machine without bluetoothd, and so does a dial by
// UUID.
func TestServerWithoutBluetoothd(t *testing.T) {
	a := inLab(t)
	l := conntest.Listen(t, a.far.Addr())
	records := append(examples(), sdp.NewService(ownUUID, "Meter", conntest.AddrOf(l).Channel))
	s, handles := serve(t, a.far, records...)
	c, err := sdp.Connect(t.Context(), a.near.Addr(), a.far.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := c.Search(t.Context(), []sdp.UUID{sdp.PublicBrowseRoot})
	if err != nil {
		t.Fatal(err)
	}
	wantRecords(t, "Search", got, records, handles)

	// The first record of the service has a channel without a listener.
	if err := s.Remove(handles[len(handles)-2]); err != nil {
		t.Fatal(err)
	}
	d := sdp.Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: a.near.Addr()}}}
	dialed, err := d.Dial(t.Context(), a.far.Addr(), ownUUID)
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	accepted := conntest.Accept(t, l)
	conntest.Send(t, dialed, "ping")
	conntest.Receive(t, accepted, "ping")
}

// Each adapter can have a server of its own.
func TestListenOnEachAdapter(t *testing.T) {
	a := inLab(t)
	serve(t, a.far, sdp.NewSerialPort("far", 1))
	serve(t, a.near, sdp.NewSerialPort("near", 1))
	for name, ends := range map[string][2]*rfcommtest.Controller{"far": {a.near, a.far}, "near": {a.far, a.near}} {
		c, err := sdp.Connect(t.Context(), ends[0].Addr(), ends[1].Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got, err := c.Search(t.Context(), []sdp.UUID{sdp.SerialPort}); err != nil || len(got) != 1 || got[0].Name() != name {
			t.Errorf("the server at %s has %v, %v", name, got, err)
		}
	}
	wantInUse(t, rfcomm.BDAddr{}, "PSM 1 of hci")
}

// wantInUse checks that Listen fails because another program, or this one, has
// the PSM, and that the error has the hint.
func wantInUse(t *testing.T, adapter rfcomm.BDAddr, hint string) {
	t.Helper()
	l, err := sdp.Listen(adapter)
	if err == nil {
		l.Close()
		t.Fatalf("Listen(%v) returned no error, want EADDRINUSE", adapter)
	}
	hosttest.WantErrno(t, err, syscall.EADDRINUSE)
	op, ok := err.(*net.OpError)
	if !ok || op.Op != "listen" || op.Net != "l2cap" || !strings.Contains(err.Error(), hint) ||
		!strings.Contains(err.Error(), "bluetoothd") || !strings.Contains(err.Error(), "package bluez") {
		t.Errorf("Listen(%v) returned the error %v", adapter, err)
	}
}

func TestListenOnAllAdapters(t *testing.T) {
	a := inLab(t)
	l, err := sdp.Listen(rfcomm.BDAddr{})
	if err != nil {
		t.Fatal(err)
	}
	wantInUse(t, rfcomm.BDAddr{}, "all adapters")
	wantInUse(t, a.far.Addr(), "all adapters")
	s := new(sdp.Server)
	if _, err := s.Add(sdp.NewSerialPort("everywhere", 1)); err != nil {
		t.Fatal(err)
	}
	served := hosttest.InBackground(func() error { return s.Serve(l) })
	for _, ends := range [][2]*rfcommtest.Controller{{a.near, a.far}, {a.far, a.near}} {
		c, err := sdp.Connect(t.Context(), ends[0].Addr(), ends[1].Addr())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Search(t.Context(), []sdp.UUID{sdp.SerialPort}); err != nil || len(got) != 1 {
			t.Errorf("the server at %v has %v, %v", ends[1], got, err)
		}
		c.Close()
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown returned the error %v", err)
	}
	if err := <-served; err != sdp.ErrServerClosed {
		t.Errorf("Serve returned the error %v", err)
	}
	l, err = sdp.Listen(a.far.Addr()) // the PSM is free again
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// Listen cannot prevent that bluetoothd starts later. It then has no server, or
// one that devices cannot reach through the adapter.
func TestListenBeforeBluetoothd(t *testing.T) {
	for name, everywhere := range map[string]bool{"all adapters": true, "one adapter": false} {
		if everywhere && testing.Short() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			a := inLab(t)
			on := a.far.Addr()
			if everywhere {
				on = rfcomm.BDAddr{}
			}
			l, err := sdp.Listen(on)
			if err != nil {
				t.Fatal(err)
			}
			s := new(sdp.Server)
			if _, err := s.Add(sdp.NewSerialPort("ours", 1)); err != nil {
				t.Fatal(err)
			}
			served := hosttest.InBackground(func() error { return s.Serve(l) })
			defer func() { s.Close(); <-served }()
			daemons.Bluetoothd(t, daemons.Options{})
			for _, ends := range []struct {
				client, server *rfcommtest.Controller
				ours           bool
			}{{a.near, a.far, true}, {a.far, a.near, everywhere}} {
				c, err := sdp.Connect(t.Context(), ends.client.Addr(), ends.server.Addr())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				got, err := c.Search(t.Context(), []sdp.UUID{sdp.PublicBrowseRoot})
				if err != nil {
					t.Fatal(err)
				}
				if ours := len(got) == 1 && got[0].Name() == "ours"; ours != ends.ours {
					t.Errorf("%v has the records %v", ends.server, got)
				}
			}
		})
	}
}

func TestListenNamesAbsentAdapter(t *testing.T) {
	inLab(t)
	l, err := sdp.Listen(rfcomm.BDAddr{1, 2, 3, 4, 5, 6})
	if err == nil {
		l.Close()
	}
	if absent, ok := errors.AsType[*net.AddrError](err); !ok || !strings.Contains(err.Error(), "01:02:03:04:05:06") {
		t.Errorf("Listen on an absent adapter returned the error %v (%v)", err, absent)
	}
}

// listenVariable is the environment variable that makes TestListenNeedsCapability
// listen as user nobody. Its value is true if that user has the capability.
const listenVariable = "RFCOMM_TEST_LISTEN"

func TestListenNeedsCapability(t *testing.T) {
	if capable := os.Getenv(listenVariable); capable != "" {
		listenAsNobody(t, capable == "true")
		return
	}
	inLab(t)
	for _, capable := range []bool{false, true} {
		child := labtest.AsNobody(t, "-test.run=^"+t.Name()+"$", "-test.v")
		child.Env = append(os.Environ(), fmt.Sprintf("%s=%v", listenVariable, capable))
		if capable {
			child.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_NET_BIND_SERVICE}
		}
		if output, err := child.CombinedOutput(); err != nil || !bytes.Contains(output, []byte("--- PASS")) {
			t.Errorf("as nobody, with CAP_NET_BIND_SERVICE %v: %v\n%s", capable, err, output)
		}
	}
}

func listenAsNobody(t *testing.T, capable bool) {
	l, err := sdp.Listen(rfcomm.BDAddr{})
	if capable {
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		return
	}
	if err == nil {
		l.Close()
	}
	hosttest.WantErrno(t, err, syscall.EACCES)
	for _, want := range []string{"CAP_NET_BIND_SERVICE", "setcap", "root"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Listen returned the error %v, which does not name %s", err, want)
		}
	}
}
