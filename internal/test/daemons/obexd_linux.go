package daemons

import "testing"

// obexName is the name of obexd on the session bus.
const obexName = "org.bluez.obex"

// objectPush is the UUID of the service Object Push.
const objectPush = "00001105-0000-1000-8000-00805f9b34fb"

// Obexd starts obexd on a session bus. The daemon is ready when bluetoothd,
// which must run, has published its service Object Push on all adapters.
func Obexd(t testing.TB, session *Bus, o Options) *Daemon {
	t.Helper()
	system := SystemBus(t)
	var offset, systemOffset int
	return run(t, program{
		name:        "obexd",
		pkg:         "bluez-obexd",
		command:     append([]string{"/usr/libexec/bluetooth/obexd", "--nodetach", "--debug"}, o.Args...),
		environment: []string{"DBUS_SESSION_BUS_ADDRESS=" + session.Address},
		before: func() {
			offset, systemOffset = session.monitor.output.size(), system.monitor.output.size()
		},
		ready: func(d *Daemon) {
			d.await("its name is on the bus", &session.monitor.output, func() bool { return session.named(offset, obexName) })
			for _, a := range adaptersUp(t) {
				d.await("Object Push is published by "+a.Name, &system.monitor.output, func() bool {
					return system.signalled(systemOffset, "path=/org/bluez/"+a.Name+";", "member=PropertiesChanged", objectPush)
				})
			}
		},
	})
}
