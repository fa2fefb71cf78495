package controller

import (
	"fmt"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// linkType is that of ACL links in events.
const linkType = 0x01

// A connection is what a controller has of an ACL connection.
type connection struct {
	*Controller
	handle  hcipacket.Handle
	end     *radio.End
	pairing pairing
	key     *[16]byte // what both ends have proved to hold
	queued  int       // packets of the host that are waiting for the radio
	policy  uint16    // as the host has set it

	// What is due when the host has read the size of the key, at the latest when the
	// timer runs out; nil: nothing.
	afterKeySize func()
	keySizeTimer *time.Timer
}

func (l *connection) peer() hcipacket.Address { return l.end.Peer().Station().Address() }

// sendLMP has the other controller do something with its end of the link, once the
// message of the link manager has come there.
func (l *connection) sendLMP(arrived func(peer *connection)) {
	l.end.SendLMP(func(peer *radio.End) { arrived(peer.Owner.(*connection)) })
}

// An invitation is a page that the host has to answer.
type invitation struct {
	page  *radio.Page
	timer *time.Timer
}

var linkCommands = map[hcipacket.Opcode]known{
	hcipacket.CreateConnection: {0, 4, 13, (*Controller).createConnection},
	hcipacket.CreateConnectionCancel: {0, 7, 6, func(c *Controller, f *hcipacket.Fields) reply {
		address := f.Address()
		page := c.page[address]
		switch {
		case c.connectionTo(address) != nil:
			return reply{status: hcipacket.ConnectionExists, values: hcipacket.Parameters{}.Address(address)}
		case page == nil || !page.Cancel():
			return reply{status: hcipacket.UnknownConnection, values: hcipacket.Parameters{}.Address(address)}
		}
		delete(c.page, address)
		return reply{values: hcipacket.Parameters{}.Address(address), then: func() {
			c.connectionComplete(hcipacket.UnknownConnection, 0, address)
		}}
	}},
	hcipacket.AcceptConnectionRequest: {1, 0, 7, (*Controller).acceptConnection},
	hcipacket.RejectConnectionRequest: {1, 1, 7, func(c *Controller, f *hcipacket.Fields) reply {
		address, reason := f.Address(), hcipacket.Status(f.Uint8())
		return c.rejectConnection(address, reason)
	}},
	hcipacket.Disconnect: {0, 5, 3, func(c *Controller, f *hcipacket.Fields) reply {
		l, reason := c.connections[f.Handle()], hcipacket.Status(f.Uint8())
		switch {
		case l == nil:
			return refused(hcipacket.UnknownConnection)
		case reason == hcipacket.Success:
			return refused(hcipacket.InvalidParameters)
		}
		return begun(func() {
			l.end.Detach(reason)
			l.disconnected(hcipacket.TerminatedByLocalHost)
		})
	}},
	hcipacket.ChangeConnectionPacketType: {1, 6, 4, func(c *Controller, f *hcipacket.Fields) reply {
		l, types := c.connections[f.Handle()], f.Uint16()
		if l == nil {
			return refused(hcipacket.UnknownConnection)
		}
		return begun(func() {
			l.end.Restrict(air.FromHCI(types) & c.config.PacketTypes)
			c.event(hcipacket.ConnectionPacketTypeChanged,
				hcipacket.Parameters{}.Status(hcipacket.Success).Handle(l.handle).Uint16(types))
		})
	}},
	hcipacket.RoleDiscovery: {4, 7, 2, onConnection(func(l *connection, _ *hcipacket.Fields) hcipacket.Parameters {
		if l.end.Outgoing {
			return hcipacket.Parameters{0} // central: who pages is
		}
		return hcipacket.Parameters{1}
	})},
	hcipacket.ReadLinkPolicy: {5, 1, 2, onConnection(func(l *connection, _ *hcipacket.Fields) hcipacket.Parameters {
		return hcipacket.Parameters{}.Uint16(l.policy)
	})},
	hcipacket.WriteLinkPolicy: {5, 2, 4, onConnection(func(l *connection, f *hcipacket.Fields) hcipacket.Parameters {
		l.policy = f.Uint16()
		return nil
	})},
	hcipacket.ReadSupervisionTimeout: {11, 0, 2, onConnection(func(l *connection, _ *hcipacket.Fields) hcipacket.Parameters {
		return hcipacket.Parameters{}.Uint16(uint16(l.end.SupervisionTimeout() / radio.SlotTime))
	})},
	hcipacket.WriteSupervisionTimeout: {11, 1, 4, onConnection(func(l *connection, f *hcipacket.Fields) hcipacket.Parameters {
		l.end.SetSupervisionTimeout(slots(f.Uint16()))
		return nil
	})},
	hcipacket.ReadTransmitPower: {10, 2, 3, onConnection(func(*connection, *hcipacket.Fields) hcipacket.Parameters {
		return hcipacket.Parameters{0} // dBm
	})},
	hcipacket.ReadRSSI: {15, 5, 2, onConnection(func(*connection, *hcipacket.Fields) hcipacket.Parameters {
		return hcipacket.Parameters{0} // within the golden range
	})},
	hcipacket.ReadEncryptionKeySize: {20, 4, 2, func(c *Controller, f *hcipacket.Fields) reply {
		handle := f.Handle()
		answer := hcipacket.Parameters{}.Handle(handle)
		l := c.connections[handle]
		if l == nil {
			return reply{status: hcipacket.UnknownConnection, values: answer}
		}
		return reply{values: answer.Uint8(16), then: l.keySizeKnown}
	}},
}

// onConnection makes a handler of a command whose first parameter is a link's handle,
// and whose answer begins with it.
func onConnection(f func(l *connection, rest *hcipacket.Fields) hcipacket.Parameters) handler {
	return func(c *Controller, fields *hcipacket.Fields) reply {
		handle := fields.Handle()
		answer := hcipacket.Parameters{}.Handle(handle)
		l := c.connections[handle]
		if l == nil {
			return reply{status: hcipacket.UnknownConnection, values: answer}
		}
		return complete(append(answer, f(l, fields)...))
	}
}

func (c *Controller) connectionComplete(status hcipacket.Status, handle hcipacket.Handle, address hcipacket.Address) {
	const notEncrypted = 0
	c.event(hcipacket.ConnectionComplete, hcipacket.Parameters{}.Status(status).Handle(handle).
		Address(address).Uint8(linkType, notEncrypted))
}

// createConnection pages another device.
func (c *Controller) createConnection(f *hcipacket.Fields) reply {
	address, types := f.Address(), air.FromHCI(f.Uint16())
	switch {
	case c.cutOff:
		return refused(hcipacket.TerminatedByLocalHost)
	case c.connectionTo(address) != nil:
		return refused(hcipacket.ConnectionExists)
	case c.page[address] != nil && !c.page[address].Ended():
		return refused(hcipacket.CommandDisallowed)
	}
	return begun(func() {
		var page *radio.Page
		page = c.station.Page(address, c.settings.class, slots(c.settings.pageTimeout), func(end *radio.End, status hcipacket.Status) {
			if c.page[address] == page {
				delete(c.page, address)
			}
			if end == nil {
				c.connectionComplete(status, 0, address)
				return
			}
			c.connected(end, types)
		})
		if !page.Ended() {
			c.page[address] = page
		}
	})
}

// Paged asks the host whether it wants a link.
func (c *Controller) Paged(page *radio.Page) {
	address := page.From.Address()
	c.invited(address) // that page is over
	i := &invitation{page: page}
	i.timer = time.AfterFunc(slots(c.settings.acceptTimeout), func() { c.station.Locked(func() { c.ignored(i) }) })
	c.paged[address] = i
	c.event(hcipacket.ConnectionRequest, hcipacket.Parameters{}.Address(address).Uint24(page.Class).Uint8(linkType))
}

// ignored ends a page that the host has not answered.
func (c *Controller) ignored(i *invitation) {
	address := i.page.From.Address()
	if c.paged[address] != i {
		return
	}
	delete(c.paged, address)
	c.connectionComplete(hcipacket.AcceptTimeout, 0, address)
	i.page.Reject(hcipacket.AcceptTimeout)
}

// invited takes the page that waits for the host's answer, if there is one. It
// may have ended meanwhile.
func (c *Controller) invited(address hcipacket.Address) *radio.Page {
	i := c.paged[address]
	if i == nil {
		return nil
	}
	i.timer.Stop()
	delete(c.paged, address)
	return i.page
}

func (c *Controller) acceptConnection(f *hcipacket.Fields) reply {
	page := c.invited(f.Address())
	if page == nil {
		return refused(hcipacket.UnknownConnection)
	}
	return begun(func() {
		if !page.Accept(func(end *radio.End) { c.connected(end, air.EDR3) }) {
			// The other gave up before. Linux keeps a connection from the request to
			// this event, whatever the command's status.
			c.connectionComplete(hcipacket.ConnectionTimeout, 0, page.From.Address())
		}
	})
}

func (c *Controller) rejectConnection(address hcipacket.Address, reason hcipacket.Status) reply {
	if reason == hcipacket.Success {
		return refused(hcipacket.InvalidParameters)
	}
	page := c.invited(address)
	if page == nil {
		return refused(hcipacket.UnknownConnection)
	}
	return begun(func() {
		c.connectionComplete(reason, 0, address)
		page.Reject(reason)
	})
}

// connected tells the host of a new link, for which it allows some packets.
func (c *Controller) connected(end *radio.End, types air.PacketTypes) {
	end.Restrict(types & c.config.PacketTypes)
	l := &connection{Controller: c, handle: c.newHandle(), end: end, policy: c.settings.linkPolicy}
	end.Owner = l
	end.OnDisconnect = l.disconnected
	c.connections[l.handle] = l
	// If the two have paged each other, the page that was second is over.
	delete(c.page, l.peer())
	c.invited(l.peer())
	c.connectionComplete(hcipacket.Success, l.handle, l.peer())
}

// disconnected tells the host that a link has ended.
func (l *connection) disconnected(reason hcipacket.Status) {
	delete(l.connections, l.handle)
	l.disconnectionComplete(l.handle, reason)
}

func (c *Controller) disconnectionComplete(handle hcipacket.Handle, reason hcipacket.Status) {
	c.event(hcipacket.DisconnectionComplete,
		hcipacket.Parameters{}.Status(hcipacket.Success).Handle(handle).Status(reason))
}

// send takes ACL data of the host to the other end of its link.
func (c *Controller) send(data hcipacket.ACL) error {
	l := c.connections[data.Handle]
	if l == nil {
		return nil // sent before the host learned of the link's end
	}
	if len(data.Data) > c.config.ACLLength {
		return fmt.Errorf("controller: %d bytes of ACL data, where %d are allowed", len(data.Data), c.config.ACLLength)
	}
	if c.queued() == c.config.ACLBuffers {
		return fmt.Errorf("controller: more packets of ACL data than the %d that there is room for", c.config.ACLBuffers)
	}
	boundary := data.Boundary
	if boundary == hcipacket.FirstNonFlushable {
		boundary = hcipacket.FirstFlushable
	}
	l.queued++
	l.end.Send(len(data.Data), l.sent, func() {
		l.end.Peer().Owner.(*connection).arrived(boundary, data.Data)
	})
	return nil
}

// queued returns how many packets of the host are waiting for the radio.
func (c *Controller) queued() int {
	n := 0
	for _, l := range c.connections {
		n += l.queued
	}
	return n
}

// sent tells the host that there is room for one packet more.
func (l *connection) sent() {
	l.queued--
	l.event(hcipacket.NumberOfCompletedPackets, hcipacket.Parameters{1}.Handle(l.handle).Uint16(1))
}

// arrived gives the host data that came over the link.
func (l *connection) arrived(boundary hcipacket.Boundary, data []byte) {
	l.packet = hcipacket.ACL{Handle: l.handle, Boundary: boundary, Data: data}.Append(l.packet[:0])
	l.config.Output(l.packet)
}
