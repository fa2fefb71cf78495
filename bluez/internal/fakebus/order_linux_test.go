package fakebus

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// TestBusOrdersTheEndOfAService checks the messages at the end of a service with a pending
// call: first the names, and then the error of the call. See useRealBus.
func TestBusOrdersTheEndOfAService(t *testing.T) {
	useRealBus(t)
	service, c := connect(t), connect(t)
	name := service.Names()[0]
	block := make(chan bool)
	defer close(block)
	arrived := make(chan bool, 1)
	if err := service.Export(blocking{arrived, block}, "/o", "a.b"); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"a.b.first", "a.b.second"} {
		if reply, err := service.RequestName(n, 0); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
			t.Fatal(reply, err)
		}
	}
	call := c.Object("a.b.first", "/o").Go("a.b.Wait", 0, nil)
	hosttest.Receive(t, arrived)
	service.Close()
	done := hosttest.Receive(t, call.Done)
	want(t, "call", describe(done.Err), "org.freedesktop.DBus.Error.NoReply: Message recipient disconnected from message bus without replying")
	var gone []string
	for {
		s := c.next(t, "org.freedesktop.DBus.NameOwnerChanged")
		if s.Body[2] != "" {
			continue
		}
		if s.Sequence > done.ResponseSequence {
			t.Errorf("%s is gone after the error of the call", s.Body[0])
		}
		if gone = append(gone, s.Body[0].(string)); s.Body[0] == name {
			break
		}
	}
	slices.Sort(gone)
	if got := strings.Join(gone, " "); got != name+" a.b.first a.b.second" {
		t.Errorf("gone: %s", got)
	}
}

// TestBusErrors compares the errors of the bus itself with those of dbus-daemon. See
// useRealBus.
func TestBusErrors(t *testing.T) {
	useRealBus(t)
	c := connect(t)
	_, err := c.call("/", "a.b.C")
	want(t, "a name that nobody has", err, "org.freedesktop.DBus.Error.ServiceUnknown: The name org.bluez was not provided by any .service files")
	for method, w := range map[string]string{
		"Nothing":      "org.freedesktop.DBus.Error.UnknownMethod: org.freedesktop.DBus does not understand message Nothing",
		"Hello":        "org.freedesktop.DBus.Error.Failed: Already handled an Hello message",
		"GetNameOwner": "org.freedesktop.DBus.Error.NameHasNoOwner: Could not get owner of name 'x.y': no such name",
		"RemoveMatch":  "org.freedesktop.DBus.Error.MatchRuleNotFound: The given match rule wasn't found and can't be removed",
		"RequestName":  "org.freedesktop.DBus.Error.InvalidArgs: Requested bus name \"x\" is not valid",
		"NameHasOwner": "",
	} {
		args := map[string][]any{"GetNameOwner": {"x.y"}, "RemoveMatch": {"member='Nothing'"}, "RequestName": {"x", uint32(0)}, "NameHasOwner": {"x.y"}}[method]
		want(t, method, describe(c.BusObject().Call(busName+"."+method, 0, args...).Err), w)
	}
}

// useRealBus makes the bus at the address in the variable FAKEBUS_REAL the system bus
// of the test, such as one of dbus-daemon --session, to compare it with the fake one,
// which is the system bus without the variable.
func useRealBus(t *testing.T) {
	t.Helper()
	real := os.Getenv("FAKEBUS_REAL")
	if real == "" {
		New(t)
		return
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", real)
}

type blocking struct{ arrived, block chan bool }

func (b blocking) Wait() *dbus.Error {
	b.arrived <- true
	<-b.block
	return nil
}
