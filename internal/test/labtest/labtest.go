// Package labtest gives tests two Bluetooth adapters in range of each other,
// and control over both: unplugging and plugging in, power, page scan, pairing,
// and the link between them. The adapters exist inside the virtual machine that
// lab/run starts.
//
// All tests share the two adapters, so tests that use them must not run in
// parallel. The end of a test reverts its changes.
package labtest

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// Numbers of the two adapters, for the methods that take one.
const (
	DialerAdapter = 0 // hci0, which tests dial from
	DeviceAdapter = 1 // hci1, which tests listen on
)

// A Lab controls the two adapters. Its methods fail the test if the lab reports
// an error.
type Lab struct {
	t        testing.TB
	adapters [2][6]byte
}

// Require returns the Lab, and skips the test outside the lab.
func Require(t testing.TB) *Lab {
	t.Helper()
	if os.Getenv(socketVariable) == "" {
		t.Skip("needs two Bluetooth adapters in range of each other; lab/test runs it")
	}
	l := &Lab{t: t}
	words := strings.Fields(l.ask("adapters"))
	if len(words) != len(l.adapters) {
		t.Fatalf("the lab has %d adapters, want %d", len(words), len(l.adapters))
	}
	for i, word := range words {
		address, err := parseAddress(word)
		if err != nil {
			t.Fatalf("the lab's adapter %d: %v", i, err)
		}
		l.adapters[i] = address
	}
	return l
}

// RequireRoot skips a test that another user than root runs. lab/test permits
// this skip.
func RequireRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// Dialer returns the BD_ADDR of the adapter to dial from, most
// significant byte first.
func (l *Lab) Dialer() [6]byte { return l.adapters[DialerAdapter] }

// Device returns the BD_ADDR of the adapter to listen on, most
// significant byte first.
func (l *Lab) Device() [6]byte { return l.adapters[DeviceAdapter] }

// lastChannel counts the calls of NextChannel.
var lastChannel atomic.Uint32

// NextChannel returns the RFCOMM channels 1 to 30 in turn. A channel stays busy
// for a while after its connection is closed, so a test that takes the next
// channel does not have to wait.
func NextChannel() int { return int(lastChannel.Add(1)-1)%30 + 1 }

// Stall stops the controllers of both adapters and the radio between them:
// a page never ends, and the link carries no data. The end of the test
// calls Resume.
func (l *Lab) Stall() {
	l.t.Helper()
	l.ask("stall")
	l.t.Cleanup(l.Resume)
}

// Resume ends a stall.
func (l *Lab) Resume() {
	l.t.Helper()
	l.ask("resume")
}

// Unplug removes both adapters. The end of the test calls Plug.
func (l *Lab) Unplug() {
	l.t.Helper()
	l.t.Cleanup(l.Plug)
	l.ask("unplug")
}

// Plug plugs both adapters in again, powered on and connectable, with the same
// addresses. An adapter that is plugged in keeps its connections.
func (l *Lab) Plug() {
	l.t.Helper()
	l.ask("plug")
}

// Down powers an adapter off. Its own ends of links end at once. The other
// adapter is not informed, as when a device goes out of range. The end of the
// test calls Up.
func (l *Lab) Down(adapter int) {
	l.t.Helper()
	l.t.Cleanup(func() { l.Up(adapter) })
	l.ask(fmt.Sprint("down ", adapter))
}

// Up powers an adapter on and makes it connectable. Links that the other
// adapter still holds from before end, and so do their connections.
func (l *Lab) Up(adapter int) {
	l.t.Helper()
	l.ask(fmt.Sprint("up ", adapter))
}

// NoScan turns an adapter's page scan off, so that a page to it times out. The
// end of the test calls Scan.
func (l *Lab) NoScan(adapter int) {
	l.t.Helper()
	l.t.Cleanup(func() { l.Scan(adapter) })
	l.ask(fmt.Sprint("noscan ", adapter))
}

// Scan turns an adapter's page scan on.
func (l *Lab) Scan(adapter int) {
	l.t.Helper()
	l.ask(fmt.Sprint("scan ", adapter))
}

// Disconnect ends the link between the adapters with an error code of the
// Bluetooth Core Specification, such as 0x08 for a supervision timeout. It
// returns before the kernel has removed the link.
func (l *Lab) Disconnect(reason uint8) {
	l.t.Helper()
	l.ask(fmt.Sprintf("disconnect 0x%02x", reason))
}

// Pair bonds the two adapters without asking a user ("just works"), so that
// both hold a link key. From then on the kernel encrypts every link; see
// SimplePairing. The link that the pairing made may remain for some seconds.
// The end of the test calls Unpair.
func (l *Lab) Pair() {
	l.t.Helper()
	l.t.Cleanup(l.Unpair)
	l.ask("pair")
}

// Unpair removes the bond by disconnecting and replacing both adapters, which
// ends all connections. It does nothing if the adapters are not paired.
func (l *Lab) Unpair() {
	l.t.Helper()
	l.ask("unpair")
}

// SimplePairing turns Secure Simple Pairing on or off on both paired adapters.
// While it is off, the kernel encrypts a new link only if a socket's security
// level requires it. The link keys stay valid either way.
func (l *Lab) SimplePairing(on bool) {
	l.t.Helper()
	if on {
		l.ask("simplepairing on")
	} else {
		l.ask("simplepairing off")
	}
}

// SpoilKey gives one of two paired adapters a wrong link key, so that the
// authentication of the next link fails.
func (l *Lab) SpoilKey(adapter int) {
	l.t.Helper()
	l.ask(fmt.Sprint("spoilkey ", adapter))
}

// UnloadRFCOMM removes the module rfcomm from the kernel until the end of the
// test. No RFCOMM socket may be open.
func (l *Lab) UnloadRFCOMM() {
	l.t.Helper()
	l.t.Cleanup(func() { l.ask("load") })
	l.ask("unload")
}

// Sync waits until the adapters have no link. The kernel keeps a link for 2 to
// 4 seconds after its last use.
func (l *Lab) Sync() {
	l.t.Helper()
	l.ask("sync")
}
