package bluez_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/bluezcalls"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// makeCalls makes the calls on its standard input, each client on a connection of
// its own, and prints a list of the errors' names and texts.
const makeCalls = `
import dbus, dbus.bus, json, sys

types = {"s": dbus.String, "b": dbus.Boolean, "i": dbus.Int32, "q": dbus.UInt16, "n": dbus.Int16}

def value(v):
    if isinstance(v, dict) and "type" in v:
        return types[v["type"]](v["value"], variant_level=1)
    if isinstance(v, dict):
        return dbus.Dictionary({name: value(x) for name, x in v.items()}, signature="sv")
    return v

clients, errors = {}, []
for c in json.load(sys.stdin):
    if c["client"] not in clients:
        clients[c["client"]] = dbus.bus.BusConnection(dbus.bus.BUS_SYSTEM)
    error = ""
    if not c["method"]:
        clients.pop(c["client"]).close()
    else:
        interface, _, member = c["method"].rpartition(".")
        arguments = [value(v) for v in c["args"] or []]
        try:
            clients[c["client"]].call_blocking("org.bluez", c["path"], interface, member, c["signature"], arguments)
        except dbus.DBusException as e:
            error = e.get_dbus_name() + ": " + e.get_dbus_message()
    errors.append(error)
json.dump(errors, sys.stdout)
`

// TestCalls holds the fake bluetoothd of package bluez against the real one: both
// answer a list of calls with the same errors.
func TestCalls(t *testing.T) {
	forEachBlueZ(t, func(t *testing.T, a *air) {
		adapter, device := findFar(t, a)
		calls := bluezcalls.Replace(bluezcalls.All(), adapter, device)
		input, err := json.Marshal(calls)
		if err != nil {
			t.Fatal(err)
		}
		command := labtest.Python(t, "dbus", "python3-dbus", makeCalls)
		command.Stdin = bytes.NewReader(input)
		command.Stderr = os.Stderr
		output, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		var errors []string
		t.Logf("%d calls", len(calls))
		if err := json.Unmarshal(output, &errors); err != nil || len(errors) != len(calls) {
			t.Fatalf("%v: %q", err, output)
		}
		for i, c := range calls {
			if errors[i] != c.Want {
				t.Errorf("%s %s %v: error %q, want %q", c.Path, c.Method, c.Args, errors[i], c.Want)
			}
		}
	})
}

// findFar returns the paths of bluetoothd's objects of near and of far, which a
// discovery has found.
func findFar(t *testing.T, a *air) (adapter, device string) {
	t.Helper()
	client := connect(t)
	if err := adapterOf(t, client, a.far).SetDiscoverable(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	near := adapterOf(t, client, a.near)
	for found, err := range near.Discover(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		if address := a.far.Addr(); found.Addr == address {
			adapter = "/org/bluez/" + near.Name()
			return adapter, adapter + "/dev_" + strings.ReplaceAll(address.String(), ":", "_")
		}
	}
	t.Fatal("the discovery does not find the other adapter")
	return "", ""
}
