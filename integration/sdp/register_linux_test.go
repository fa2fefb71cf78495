package sdp_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// register adds a record to bluetoothd on its socket for clients of its option
// --compat, until the end of the test. It returns the handle of the record.
//
// The socket takes a request of id 75 with flags, none here, and the attributes,
// and answers it with id 76 and the handle (BlueZ, lib/sdp.h).
func register(t *testing.T, record *sdp.Record) (handle uint32) {
	t.Helper()
	conn, err := net.Dial("unix", daemons.SDPSocket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	attributes, err := record.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	request := binary.BigEndian.AppendUint16([]byte{0x75, 0, 1}, uint16(len(attributes)+1))
	request = append(append(request, 0), attributes...)
	if _, err := conn.Write(request); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 9)
	if _, err := io.ReadFull(conn, answer); err != nil {
		t.Fatalf("bluetoothd does not take the record: %v, %x", err, answer)
	}
	if answer[0] != 0x76 {
		t.Fatalf("bluetoothd answers %x to a record", answer)
	}
	return binary.BigEndian.Uint32(answer[5:])
}

// registerXML adds a record to bluetoothd by D-Bus, as programs without privileges
// do, until the end of the test. D-Bus carries the record in XML.
func registerXML(t *testing.T, uuid sdp.UUID, xml string) {
	t.Helper()
	var stderr bytes.Buffer
	command := labtest.Python(t, "dbus", "python3-dbus", `
import sys, dbus
bus = dbus.SystemBus()
manager = dbus.Interface(bus.get_object("org.bluez", "/org/bluez"), "org.bluez.ProfileManager1")
manager.RegisterProfile("/test", sys.argv[1], {"ServiceRecord": sys.argv[2]})
print("registered", flush=True)
sys.stdin.read()
`, uuid.String(), xml)
	command.Stderr = &stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		command.Wait()
	})
	if !bufio.NewScanner(stdout).Scan() {
		command.Wait()
		t.Fatalf("bluetoothd does not take the record:\n%s", &stderr)
	}
}
