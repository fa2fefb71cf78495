package bluez

import (
	"path"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/handover"
)

// methods returns the methods that bluetoothd calls (doc/org.bluez.Profile.rst).
// Cancel was sent by old versions. Release is sent when bluetoothd exits, which
// the bus reports as well.
func (p *Profile) methods() methods {
	answer := func(m *message) { m.reply() }
	return methods{
		"NewConnection":        {"oha{sv}", p.newConnection},
		"RequestDisconnection": {"o", p.requestDisconnection},
		"Release":              {"", answer},
		"Cancel":               {"", answer},
	}
}

// An openConn is a connection that bluetoothd has handed over. It does not keep
// the connection from being collected.
type openConn struct {
	handover.Held
	device dbus.ObjectPath
}

// newConnection takes over a connection. It answers at once, since bluetoothd
// waits 25 s for the answer at most.
func (p *Profile) newConnection(m *message) {
	device, _ := m.body[0].(dbus.ObjectPath)
	fd := m.takeDescriptor(m.body[1])
	if fd < 0 {
		m.fail("org.bluez.Error.InvalidArguments", "no descriptor")
		return
	}
	taken, held, err := handover.Conn(handover.Socket{FD: fd, Device: addressIn(device), Dialed: p.dialing(device)})
	if err != nil {
		m.fail(errorRejected, err.Error())
		return
	}
	conn := taken.(*rfcomm.Conn)
	if !p.deliver(device, conn, openConn{held, device}) {
		// bluetoothd then closes its duplicate alone (new_conn_reply in
		// src/profile.c), which leaves the connection open.
		p.client.background(func() {
			conn.Close()
			m.fail(errorRejected, "nobody waits for the connection, or too many wait")
		})
		return
	}
	m.reply()
}

// deliver passes a connection to the Dial that waits for it, or else to Accept.
// It reports false if both refuse it.
func (p *Profile) deliver(device dbus.ObjectPath, conn *rfcomm.Conn, held openConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := p.dials[device]; d != nil && !d.served {
		if !d.serve(conn) {
			return false
		}
	} else if !p.queue.put(device, conn) {
		return false
	}
	p.forget()
	p.open = append(p.open, held)
	return true
}

// forget forgets the connections that have ended. The caller holds the lock.
func (p *Profile) forget() {
	p.open = slices.DeleteFunc(p.open, func(c openConn) bool { return !c.Connected() })
}

// connected returns the connections of a device that have not ended. The caller
// holds the lock.
func (p *Profile) connected(device dbus.ObjectPath) (open []openConn) {
	p.forget()
	for _, c := range p.open {
		if c.device == device {
			open = append(open, c)
		}
	}
	return open
}

// holds reports whether a connection to a device is open.
func (p *Profile) holds(device dbus.ObjectPath) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.connected(device)) > 0
}

// requestDisconnection ends the connections of a device. It answers when
// bluetoothd may disconnect the device.
func (p *Profile) requestDisconnection(m *message) {
	device, _ := m.body[0].(dbus.ObjectPath)
	dropped := p.queue.drop(device)
	p.mu.Lock()
	open := p.connected(device)
	p.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, conn := range dropped {
			conn.Close()
		}
		for _, c := range open {
			c.End() // can be stuck in the kernel
		}
	}()
	p.client.background(func() {
		select {
		case <-done:
			m.reply()
		case <-p.client.ended.Done():
		}
	})
}

// addressIn returns the address in the path of a device (device_create in
// src/device.c), or zero. It serves connections that have ended before they
// were taken over, whose sockets do not have the address any more.
func addressIn(device dbus.ObjectPath) rfcomm.BDAddr {
	name, _ := strings.CutPrefix(path.Base(string(device)), "dev_")
	address, err := rfcomm.ParseBDAddr(strings.ReplaceAll(name, "_", ":"))
	if err != nil {
		return rfcomm.BDAddr{}
	}
	return address
}
