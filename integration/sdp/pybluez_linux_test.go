package sdp_test

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// findService calls find_service of PyBluez with the address of a device and,
// unless it is empty, a UUID. It returns the printed list of services.
func findService(t *testing.T, device rfcomm.BDAddr, uuid string) string {
	t.Helper()
	var stderr bytes.Buffer
	command := labtest.PyBluez(t, `
import sys, bluetooth
for service in bluetooth.find_service(address=sys.argv[1], uuid=sys.argv[2] or None):
    print(sorted(service.items()))
`, device.String(), uuid)
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("find_service of PyBluez: %v\n%s", err, &stderr)
	}
	return string(output)
}

// advertise starts a server of PyBluez with one service for each name, all with
// the same UUID, on all adapters. The server answers a line of text on each connection with the
// name of the service and the line. It ends with the test. It needs bluetoothd
// with its option --compat.
func advertise(t *testing.T, at *rfcommtest.Controller, uuid string, names ...string) (channels []int) {
	t.Helper()
	// PyBluez refuses to advertise unless an adapter answers inquiries. It takes
	// the wrong one if the socket is bound to one (adv_available).
	if err := at.SetScan(rfcommtest.InquiryScan | rfcommtest.PageScan); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	command := labtest.PyBluez(t, `
import sys, threading, bluetooth
def serve(s, name):
    while True:
        c, peer = s.accept()
        line = b""
        while not line.endswith(b"\n"):
            line += c.recv(100)
        c.send(b"%s: %s" % (name.encode(), line))
        c.close()
for name in sys.argv[2:]:
    s = bluetooth.BluetoothSocket(bluetooth.RFCOMM)
    s.bind(("", bluetooth.PORT_ANY))
    s.listen(1)
    bluetooth.advertise_service(s, name, service_id=sys.argv[1],
        service_classes=[sys.argv[1], bluetooth.SERIAL_PORT_CLASS],
        profiles=[bluetooth.SERIAL_PORT_PROFILE])
    print(s.getsockname()[1], flush=True)
    threading.Thread(target=serve, args=(s, name)).start()
`, append([]string{uuid}, names...)...)
	command.Stderr = &stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Wait() }) // after the end of the test's context, which ends the process
	lines := bufio.NewScanner(stdout)
	for range names {
		var channel int
		if lines.Scan() {
			_, err = fmt.Sscan(lines.Text(), &channel)
		}
		if channel == 0 {
			command.Wait()
			t.Fatalf("PyBluez prints no channel but %q, %v\n%s", lines.Text(), err, strings.TrimSpace(stderr.String()))
		}
		channels = append(channels, channel)
	}
	return channels
}

func TestDialerReachesPyBluez(t *testing.T) {
	a := inLab(t)
	for _, version := range daemons.Versions() {
		t.Run(version.Name, func(t *testing.T) {
			daemons.Bluetoothd(t, daemons.Options{Args: []string{"--compat"}, BlueZ: version})
			channels := advertise(t, a.far, vendor.String(), "first", "second")
			dialer := sdp.Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: a.near.Addr()}}}
			records, err := dialer.Search(t.Context(), a.far.Addr(), sdp.PublicBrowseRoot)
			if err != nil {
				t.Fatal(err)
			}
			compareWithSdptool(t, records, sdptoolBrowse(t, a.near, a.far.Addr()))

			var answer string
			a.asNobody(t, task{Name: "dial", UUID: vendor, Line: "as nobody\n"}, &answer)
			if answer != "first: as nobody\n" {
				t.Errorf("PyBluez answers %q", answer)
			}
			dialSecond(t, dialer, a.far.Addr(), channels)
		})
	}
}

// dialSecond dials the second service of the server of advertise.
func dialSecond(t *testing.T, dialer sdp.Dialer, device rfcomm.BDAddr, channels []int) {
	t.Helper()
	var got []int
	dialer.Select = func(records []*sdp.Record) *sdp.Record {
		for _, r := range records {
			channel, _ := r.Channel()
			got = append(got, channel)
		}
		return records[len(records)-1]
	}
	conn, err := dialer.Dial(t.Context(), device, vendor)
	if !slices.Equal(got, channels) {
		t.Errorf("Select gets the channels %v, PyBluez listens on %v", got, channels)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conntest.Send(t, conn, "selected\n")
	conntest.Receive(t, conn, "second: selected\n")
	conntest.ReceiveEOF(t, conn)
}
