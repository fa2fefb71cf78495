package controller

import (
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// Questions about the device at the other end.
var remoteCommands = map[hcipacket.Opcode]known{
	hcipacket.ReadRemoteFeatures: {2, 5, 2, ask(hcipacket.RemoteFeaturesComplete,
		func(*connection, *hcipacket.Fields) func(*connection) hcipacket.Parameters {
			return func(peer *connection) hcipacket.Parameters {
				page := peer.featurePage(0)
				return page[:]
			}
		})},
	hcipacket.ReadRemoteExtendedFeatures: {2, 6, 3, ask(hcipacket.RemoteExtendedFeatures,
		func(_ *connection, f *hcipacket.Fields) func(*connection) hcipacket.Parameters {
			number := f.Uint8()
			return func(peer *connection) hcipacket.Parameters {
				page := peer.featurePage(number)
				return append(hcipacket.Parameters{number, maxPage}, page[:]...)
			}
		})},
	hcipacket.ReadRemoteVersion: {2, 7, 2, ask(hcipacket.RemoteVersionComplete,
		func(*connection, *hcipacket.Fields) func(*connection) hcipacket.Parameters {
			return func(*connection) hcipacket.Parameters {
				return hcipacket.Parameters{version}.Uint16(manufacturer).Uint16(subversion)
			}
		})},
	hcipacket.ReadClockOffset: {3, 0, 2, ask(hcipacket.ClockOffsetComplete,
		func(*connection, *hcipacket.Fields) func(*connection) hcipacket.Parameters {
			return func(*connection) hcipacket.Parameters { return hcipacket.Parameters{}.Uint16(0) }
		})},
	hcipacket.RemoteNameRequest: {2, 3, 10, (*Controller).remoteName},
	hcipacket.RemoteNameRequestCancel: {2, 4, 6, func(c *Controller, f *hcipacket.Fields) reply {
		address := f.Address()
		values := hcipacket.Parameters{}.Address(address)
		cancel := c.names[address]
		if cancel == nil {
			return reply{status: hcipacket.UnknownConnection, values: values}
		}
		cancel()
		delete(c.names, address)
		return reply{values: values, then: func() { // the request ends, too (section 7.1.20)
			c.remoteNameComplete(hcipacket.UnknownConnection, address, make([]byte, nameSize))
		}}
	}},
}

// ask makes a handler of a command that asks the controller at the other end of
// a link. The answer comes as an event: status, handle, and what the other says.
func ask(event hcipacket.EventCode, question func(l *connection, f *hcipacket.Fields) func(peer *connection) hcipacket.Parameters) handler {
	return func(c *Controller, f *hcipacket.Fields) reply {
		l := c.connections[f.Handle()]
		if l == nil {
			return refused(hcipacket.UnknownConnection)
		}
		answer := question(l, f)
		return begun(func() {
			l.sendLMP(func(peer *connection) {
				values := answer(peer)
				peer.sendLMP(func(l *connection) {
					p := hcipacket.Parameters{}.Status(hcipacket.Success).Handle(l.handle)
					l.event(event, append(p, values...))
				})
			})
		})
	}
}

// remoteName asks another device for its name, over a link or by a page.
func (c *Controller) remoteName(f *hcipacket.Fields) reply {
	address := f.Address()
	if c.names[address] != nil {
		return refused(hcipacket.CommandDisallowed)
	}
	if l := c.connectionTo(address); l != nil {
		return begun(func() {
			l.sendLMP(func(peer *connection) {
				name := peer.settings.name
				peer.sendLMP(func(*connection) { c.remoteNameComplete(hcipacket.Success, address, name) })
			})
		})
	}
	return begun(func() {
		c.names[address] = c.station.PageForName(address, slots(c.settings.pageTimeout), func(other radio.Receiver) {
			delete(c.names, address)
			if other == nil {
				c.remoteNameComplete(hcipacket.PageTimeout, address, make([]byte, nameSize))
				return
			}
			c.remoteNameComplete(hcipacket.Success, address, other.(*Controller).settings.name)
		})
	})
}

// remoteNameComplete ends a request for a name.
func (c *Controller) remoteNameComplete(status hcipacket.Status, address hcipacket.Address, name []byte) {
	c.event(hcipacket.RemoteNameRequestComplete, append(hcipacket.Parameters{}.Status(status).Address(address), name...))
}
