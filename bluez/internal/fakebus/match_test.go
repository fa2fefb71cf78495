package fakebus

import (
	"testing"

	"github.com/godbus/dbus/v5"
)

func TestRuleMatches(t *testing.T) {
	b := &Bus{owners: map[string]*peer{bluezName: {name: ":1.1"}}}
	m := signal("/org/bluez/hci0", properties, "PropertiesChanged", adapterInterface, dbus.ObjectPath("/a/b"))
	m.Headers[dbus.FieldSender] = dbus.MakeVariant(":1.1")
	for text, want := range map[string]bool{
		"":                                     true,
		"type='signal'":                        true,
		"type='method_call'":                   false,
		"sender='org.bluez'":                   true,
		"sender=':1.1'":                        true,
		"sender='org.freedesktop.DBus'":        false,
		"member='PropertiesChanged'":           true,
		"member=PropertiesChanged":             true,
		"member='Properties'":                  false,
		"path='/org/bluez'":                    false,
		"path_namespace='/org/bluez'":          true,
		"path_namespace='/'":                   true,
		"path_namespace='/org/blue'":           false,
		"arg0='org.bluez.Adapter1'":            true,
		"arg0namespace='org.bluez'":            true,
		"arg0namespace='org.blue'":             false,
		"arg1='/a/b'":                          false, // is not a string
		"arg1path='/a/'":                       true,
		"arg1path='/a/b/c'":                    false,
		"arg2='x'":                             false,
		"type='signal',path='/org/bluez/hci0'": true,
	} {
		r, err := parseRule(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if r.matches(b, m) != want {
			t.Errorf("%s: matches %v", text, !want)
		}
	}
	for _, text := range []string{"x='1'", "arg64='x'", "member='x", "arg0space='x'"} {
		if _, err := parseRule(text); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}
