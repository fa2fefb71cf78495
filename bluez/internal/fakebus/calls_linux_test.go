package fakebus

import (
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/internal/test/bluezcalls"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// TestCallsLikeBluetoothd makes the calls that integration/bluez makes to the real
// bluetoothd.
func TestCallsLikeBluetoothd(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	a := z.AddAdapter("hci0", "00:00:00:00:00:01", nil)
	d := z.AddDevice(a, "00:00:00:00:00:02", nil)
	clients := make(map[string]*client)
	for _, c := range bluezcalls.Replace(bluezcalls.All(), string(a.Path()), string(d.Path())) {
		if clients[c.Client] == nil {
			clients[c.Client] = connect(t)
		}
		if c.Method == "" {
			leave(t, z, clients[c.Client])
			delete(clients, c.Client)
			continue
		}
		_, err := clients[c.Client].call(dbus.ObjectPath(c.Path), c.Method, arguments(c)...)
		if err != c.Want {
			t.Errorf("%s %s %v: error %q, want %q", c.Path, c.Method, c.Args, err, c.Want)
		}
	}
}

// leave disconnects a client, and waits until bluetoothd knows.
func leave(t *testing.T, z *BlueZ, c *client) {
	name := c.Names()[0]
	c.Close()
	hosttest.Eventually(t, "a client less", func() bool {
		for _, p := range z.Profiles() {
			if p.Owner == name {
				return false
			}
		}
		return true
	})
}

// arguments returns the arguments of a call as package dbus takes them.
func arguments(c bluezcalls.Call) []any {
	var args []any
	for i, kind := range signatures(c.Signature) {
		switch v := c.Args[i].(type) {
		case string:
			if kind == "o" {
				args = append(args, dbus.ObjectPath(v))
				continue
			}
			args = append(args, v)
		case bluezcalls.Variant:
			args = append(args, asVariant(v))
		case map[string]bluezcalls.Variant:
			all := make(map[string]dbus.Variant)
			for name, v := range v {
				all[name] = asVariant(v)
			}
			args = append(args, all)
		}
	}
	return args
}

func asVariant(v bluezcalls.Variant) dbus.Variant {
	if n, ok := v.Value.(int); ok {
		return dbus.MakeVariant(int32(n)) // the type i
	}
	return dbus.MakeVariant(v.Value)
}

// signatures splits a signature of the types s, o, v and a{sv}.
func signatures(s string) []string {
	var all []string
	for s != "" {
		n := 1
		if s[0] == 'a' {
			n = len("a{sv}")
		}
		all = append(all, s[:n])
		s = s[n:]
	}
	return all
}
