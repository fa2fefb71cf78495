package controller

import (
	"fmt"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// linkType is the Link_Type of ACL connections in events.
const linkType = 0x01

// A connection is this controller's end of an ACL connection.
type connection struct {
	*Controller
	handle  hcipacket.Handle
	end     *radio.End
	pairing pairing
	key     *[16]byte // the link key that both ends have proved to hold
	queued  int       // ACL packets of the host that have not been transmitted
	policy  uint16    // set by the host

	authPayloadTimeout uint16 // set by the host

	encryption uint8 // Encryption_Enabled, as reported to the host

	asksName bool // the host has requested the peer's name

	initiating *procedure // requested by the host of this end; nil if there is none
	responding *procedure // requested by the peer's host; nil if there is none
	waiting    int        // the number of procedures that the host has requested in addition

	// afterKeySize is called when the host has read the encryption key size, or
	// when keySizeTimer expires. It is nil if nothing waits for that.
	afterKeySize func()
	keySizeTimer *time.Timer
}

func (conn *connection) peer() hcipacket.Address { return conn.end.Peer().Station().Address() }

// sendLMP sends a message of the link manager protocol (LMP). It calls arrived
// at the peer when the message arrives there. The calls name the messages (LMP
// PDUs, Volume 2, Part C) that they stand for.
func (conn *connection) sendLMP(arrived func(peer *connection)) {
	conn.end.SendLMP(func(peer *radio.End) { arrived(peer.Owner.(*connection)) })
}

// A request is a page that the host has not answered yet.
type request struct {
	page  *radio.Page
	timer *time.Timer // the connection accept timeout
}

// The opcodes of connectionCommands.
const (
	CreateConnection            hcipacket.Opcode = 0x0405
	Disconnect                  hcipacket.Opcode = 0x0406
	CreateConnectionCancel      hcipacket.Opcode = 0x0408
	AcceptConnectionRequest     hcipacket.Opcode = 0x0409
	RejectConnectionRequest     hcipacket.Opcode = 0x040a
	ChangeConnectionPacketType  hcipacket.Opcode = 0x040f
	RoleDiscovery               hcipacket.Opcode = 0x0809
	ReadLinkPolicySettings      hcipacket.Opcode = 0x080c
	WriteLinkPolicySettings     hcipacket.Opcode = 0x080d
	ReadTransmitPowerLevel      hcipacket.Opcode = 0x0c2d
	ReadLinkSupervisionTimeout  hcipacket.Opcode = 0x0c36
	WriteLinkSupervisionTimeout hcipacket.Opcode = 0x0c37
	ReadLinkQuality             hcipacket.Opcode = 0x1403
	ReadAuthPayloadTimeout      hcipacket.Opcode = 0x0c7b
	WriteAuthPayloadTimeout     hcipacket.Opcode = 0x0c7c
	ReadRSSI                    hcipacket.Opcode = 0x1405
	ReadEncryptionKeySize       hcipacket.Opcode = 0x1408
)

var connectionCommands = []command{
	{
		opcode: CreateConnection, name: "HCI_Create_Connection", section: "7.1.5",
		supported: bit{0, 4}, parameters: 13,
		handle: (*Controller).onCreateConnection,
	},
	{
		opcode: Disconnect, name: "HCI_Disconnect", section: "7.1.6",
		supported: bit{0, 5}, parameters: 3,
		handle: (*Controller).onDisconnect,
	},
	{
		opcode: CreateConnectionCancel, name: "HCI_Create_Connection_Cancel", section: "7.1.7",
		supported: bit{0, 7}, parameters: 6,
		handle: (*Controller).onCreateConnectionCancel,
	},
	{
		opcode: AcceptConnectionRequest, name: "HCI_Accept_Connection_Request", section: "7.1.8",
		supported: bit{1, 0}, parameters: 7,
		handle: (*Controller).onAcceptConnectionRequest,
	},
	{
		opcode: RejectConnectionRequest, name: "HCI_Reject_Connection_Request", section: "7.1.9",
		supported: bit{1, 1}, parameters: 7,
		handle: (*Controller).onRejectConnectionRequest,
	},
	{
		opcode: ChangeConnectionPacketType, name: "HCI_Change_Connection_Packet_Type", section: "7.1.14",
		supported: bit{1, 6}, parameters: 4,
		handle: (*Controller).onChangeConnectionPacketType,
	},
	{
		opcode: RoleDiscovery, name: "HCI_Role_Discovery", section: "7.2.7",
		supported: bit{4, 7}, parameters: 2,
		handle: onConnection((*connection).onRoleDiscovery),
	},
	{
		opcode: ReadLinkPolicySettings, name: "HCI_Read_Link_Policy_Settings", section: "7.2.9",
		supported: bit{5, 1}, parameters: 2,
		handle: onConnection((*connection).onReadLinkPolicySettings),
	},
	{
		opcode: WriteLinkPolicySettings, name: "HCI_Write_Link_Policy_Settings", section: "7.2.10",
		supported: bit{5, 2}, parameters: 4,
		handle: onConnection((*connection).onWriteLinkPolicySettings),
	},
	{
		opcode: ReadTransmitPowerLevel, name: "HCI_Read_Transmit_Power_Level", section: "7.3.35",
		supported: bit{10, 2}, parameters: 3,
		handle: onConnection((*connection).onReadTransmitPowerLevel),
	},
	{
		opcode: ReadLinkSupervisionTimeout, name: "HCI_Read_Link_Supervision_Timeout", section: "7.3.41",
		supported: bit{11, 0}, parameters: 2,
		handle: onConnection((*connection).onReadLinkSupervisionTimeout),
	},
	{
		opcode: WriteLinkSupervisionTimeout, name: "HCI_Write_Link_Supervision_Timeout", section: "7.3.42",
		supported: bit{11, 1}, parameters: 4,
		handle: onConnection((*connection).onWriteLinkSupervisionTimeout),
	},
	{
		opcode: ReadLinkQuality, name: "HCI_Read_Link_Quality", section: "7.5.3",
		supported: bit{15, 4}, parameters: 2,
		handle: onConnection((*connection).onReadLinkQuality),
	},
	{
		opcode: ReadAuthPayloadTimeout, name: "HCI_Read_Authenticated_Payload_Timeout", section: "7.3.93",
		supported: bit{32, 4}, parameters: 2, needs: Ping,
		handle: onConnection((*connection).onReadAuthPayloadTimeout),
	},
	{
		opcode: WriteAuthPayloadTimeout, name: "HCI_Write_Authenticated_Payload_Timeout", section: "7.3.94",
		supported: bit{32, 5}, parameters: 4, needs: Ping,
		handle: onConnection((*connection).onWriteAuthPayloadTimeout),
	},
	{
		opcode: ReadRSSI, name: "HCI_Read_RSSI", section: "7.5.4",
		supported: bit{15, 5}, parameters: 2,
		handle: onConnection((*connection).onReadRSSI),
	},
	{
		opcode: ReadEncryptionKeySize, name: "HCI_Read_Encryption_Key_Size", section: "7.5.7",
		supported: bit{20, 4}, parameters: 2, since: Version21,
		handle: (*Controller).onReadEncryptionKeySize,
	},
}

// onConnection makes the handler of a command whose first parameter and first
// return parameter are a Connection_Handle. The function f returns the other
// return parameters.
func onConnection(f func(conn *connection, rest *hcipacket.Fields) hcipacket.Parameters) handler {
	return func(c *Controller, fields *hcipacket.Fields) reply {
		handle := fields.Handle()
		returns := hcipacket.Parameters{}.Handle(handle)
		conn := c.connections[handle]
		if conn == nil {
			return reply{status: hcipacket.UnknownConnection, returns: returns}
		}
		return complete(append(returns, f(conn, fields)...))
	}
}

// onCreateConnection pages another device. The result is
// HCI_Connection_Complete.
func (c *Controller) onCreateConnection(f *hcipacket.Fields) reply {
	address, types := f.Address(), air.FromHCI(f.Uint16())
	switch {
	case c.cutOff:
		return rejected(hcipacket.TerminatedByLocalHost)
	case c.connectionTo(address) != nil:
		return rejected(hcipacket.ConnectionExists)
	case c.pages[address] != nil && !c.pages[address].Ended():
		return rejected(hcipacket.CommandDisallowed)
	}
	return pending(func() {
		var page *radio.Page
		page = c.station.Page(address, c.seenClass(), slots(c.settings.pageTimeout), func(end *radio.End, status hcipacket.Status) {
			if c.pages[address] == page {
				delete(c.pages, address)
			}
			if end == nil {
				c.connectionComplete(status, 0, address)
				return
			}
			c.connected(end, types)
		})
		if !page.Ended() {
			c.pages[address] = page
		}
	})
}

// onCreateConnectionCancel cancels a page. HCI_Connection_Complete follows the
// answer.
func (c *Controller) onCreateConnectionCancel(f *hcipacket.Fields) reply {
	address := f.Address()
	returns := hcipacket.Parameters{}.Address(address)
	page := c.pages[address]
	switch {
	case c.connectionTo(address) != nil:
		return reply{status: hcipacket.ConnectionExists, returns: returns}
	case page == nil || !page.Cancel():
		return reply{status: hcipacket.UnknownConnection, returns: returns}
	}
	delete(c.pages, address)
	return reply{returns: returns, then: func() {
		c.connectionComplete(hcipacket.UnknownConnection, 0, address)
	}}
}

// Paged reports another device's page to the host as HCI_Connection_Request.
func (c *Controller) Paged(page *radio.Page) {
	address := page.From.Address()
	c.takeRequest(address) // an earlier page of this device has ended
	if c.masked(hcipacket.ConnectionRequest) {
		page.Reject(hcipacket.LimitedResources) // section 7.7.4
		return
	}
	r := &request{page: page}
	r.timer = time.AfterFunc(slots(c.settings.acceptTimeout), func() { c.station.Locked(func() { c.acceptTimeout(r) }) })
	c.requests[address] = r
	c.event(hcipacket.ConnectionRequest, hcipacket.Parameters{}.Address(address).Uint24(page.Class).Uint8(linkType))
}

// acceptTimeout ends a request that the host has not answered.
func (c *Controller) acceptTimeout(r *request) {
	address := r.page.From.Address()
	if c.requests[address] != r {
		return
	}
	delete(c.requests, address)
	c.connectionComplete(hcipacket.AcceptTimeout, 0, address)
	r.page.Reject(hcipacket.AcceptTimeout)
}

// takeRequest removes the request of a device and returns its page, or nil. The
// page may have ended already.
func (c *Controller) takeRequest(address hcipacket.Address) *radio.Page {
	r := c.requests[address]
	if r == nil {
		return nil
	}
	r.timer.Stop()
	delete(c.requests, address)
	return r.page
}

// onAcceptConnectionRequest accepts a page. The result is
// HCI_Connection_Complete.
func (c *Controller) onAcceptConnectionRequest(f *hcipacket.Fields) reply {
	page := c.takeRequest(f.Address())
	if page == nil {
		return rejected(hcipacket.UnknownConnection)
	}
	return pending(func() {
		if !page.Accept(func(end *radio.End) { c.connected(end, air.EDR3) }) {
			// The other device has stopped paging. Linux keeps its connection
			// object from HCI_Connection_Request to this event, whatever the
			// command's status.
			c.connectionComplete(hcipacket.ConnectionTimeout, 0, page.From.Address())
		}
	})
}

// onRejectConnectionRequest rejects a page with the reason given by the host.
func (c *Controller) onRejectConnectionRequest(f *hcipacket.Fields) reply {
	address, reason := f.Address(), hcipacket.Status(f.Uint8())
	if reason == hcipacket.Success {
		return rejected(hcipacket.InvalidParameters)
	}
	page := c.takeRequest(address)
	if page == nil {
		return rejected(hcipacket.UnknownConnection)
	}
	return pending(func() {
		c.connectionComplete(reason, 0, address)
		page.Reject(reason)
	})
}

// connectionComplete sends HCI_Connection_Complete (section 7.7.3).
func (c *Controller) connectionComplete(status hcipacket.Status, handle hcipacket.Handle, address hcipacket.Address) {
	const notEncrypted = 0
	c.event(hcipacket.ConnectionComplete, hcipacket.Parameters{}.Status(status).Handle(handle).
		Address(address).Uint8(linkType, notEncrypted))
}

// connected adds a new connection, for which the host allows the given packet
// types.
func (c *Controller) connected(end *radio.End, types air.PacketTypes) {
	end.Restrict(types & c.config.PacketTypes)
	conn := &connection{Controller: c, handle: c.newHandle(), end: end, policy: c.settings.linkPolicy,
		authPayloadTimeout: defaultAuthPayloadTimeout}
	end.Owner = conn
	end.OnDisconnect = conn.disconnected
	c.connections[conn.handle] = conn
	// If the two devices have paged each other, the second page has ended.
	delete(c.pages, conn.peer())
	c.takeRequest(conn.peer())
	c.connectionComplete(hcipacket.Success, conn.handle, conn.peer())
}

// onDisconnect ends a connection (LMP_detach).
func (c *Controller) onDisconnect(f *hcipacket.Fields) reply {
	conn, reason := c.connections[f.Handle()], hcipacket.Status(f.Uint8())
	switch {
	case conn == nil:
		return rejected(hcipacket.UnknownConnection)
	case reason == hcipacket.Success:
		return rejected(hcipacket.InvalidParameters)
	}
	return pending(func() {
		conn.end.Detach(reason)
		conn.disconnected(hcipacket.TerminatedByLocalHost)
	})
}

// disconnected removes a connection that has ended.
func (conn *connection) disconnected(reason hcipacket.Status) {
	delete(conn.connections, conn.handle)
	conn.disconnectionComplete(conn.handle, reason)
	conn.nameRequestComplete(reason, make([]byte, NameSize))
}

// disconnectionComplete sends HCI_Disconnection_Complete (section 7.7.5).
func (c *Controller) disconnectionComplete(handle hcipacket.Handle, reason hcipacket.Status) {
	c.event(hcipacket.DisconnectionComplete,
		hcipacket.Parameters{}.Status(hcipacket.Success).Handle(handle).Status(reason))
}

func (c *Controller) onChangeConnectionPacketType(f *hcipacket.Fields) reply {
	conn, types := c.connections[f.Handle()], f.Uint16()
	if conn == nil {
		return rejected(hcipacket.UnknownConnection)
	}
	return pending(func() {
		conn.end.Restrict(air.FromHCI(types) & c.config.PacketTypes)
		c.event(hcipacket.ConnectionPacketTypeChanged,
			hcipacket.Parameters{}.Status(hcipacket.Success).Handle(conn.handle).Uint16(types))
	})
}

// onRoleDiscovery returns Central for the end that has paged, and Peripheral
// for the other end.
func (conn *connection) onRoleDiscovery(*hcipacket.Fields) hcipacket.Parameters {
	const central, peripheral = 0, 1
	if conn.end.Outgoing {
		return hcipacket.Parameters{central}
	}
	return hcipacket.Parameters{peripheral}
}

func (conn *connection) onReadLinkPolicySettings(*hcipacket.Fields) hcipacket.Parameters {
	return hcipacket.Parameters{}.Uint16(conn.policy)
}

func (conn *connection) onWriteLinkPolicySettings(f *hcipacket.Fields) hcipacket.Parameters {
	conn.policy = f.Uint16()
	return nil
}

func (conn *connection) onReadLinkSupervisionTimeout(*hcipacket.Fields) hcipacket.Parameters {
	return hcipacket.Parameters{}.Uint16(uint16(conn.end.SupervisionTimeout() / radio.SlotTime))
}

func (conn *connection) onWriteLinkSupervisionTimeout(f *hcipacket.Fields) hcipacket.Parameters {
	conn.end.SetSupervisionTimeout(slots(f.Uint16()))
	return nil
}

// defaultAuthPayloadTimeout is 30 s, in units of 10 ms (section 7.3.93).
const defaultAuthPayloadTimeout = 0x0bb8

func (conn *connection) onReadAuthPayloadTimeout(*hcipacket.Fields) hcipacket.Parameters {
	return hcipacket.Parameters{}.Uint16(conn.authPayloadTimeout)
}

// onWriteAuthPayloadTimeout sets how long the peer may send nothing that
// authenticates it. The peer's controller answers in time (LMP_PING_REQ), so
// the timeout does not expire.
func (conn *connection) onWriteAuthPayloadTimeout(f *hcipacket.Fields) hcipacket.Parameters {
	conn.authPayloadTimeout = f.Uint16()
	return nil
}

func (conn *connection) onReadTransmitPowerLevel(*hcipacket.Fields) hcipacket.Parameters {
	return hcipacket.Parameters{0} // dBm
}

// onReadEncryptionKeySize returns 16 bytes. Reading it completes a pending
// change of encryption: see encrypt.
func (c *Controller) onReadEncryptionKeySize(f *hcipacket.Fields) reply {
	const keySize = 16
	handle := f.Handle()
	returns := hcipacket.Parameters{}.Handle(handle)
	conn := c.connections[handle]
	if conn == nil {
		return reply{status: hcipacket.UnknownConnection, returns: returns}
	}
	return reply{returns: returns.Uint8(keySize), then: conn.keySizeRead}
}

// send transmits an ACL packet of the host to the other end of its connection.
func (c *Controller) send(packet hcipacket.ACL) error {
	conn := c.connections[packet.Handle]
	if conn == nil {
		return nil // sent before the host received HCI_Disconnection_Complete
	}
	if len(packet.Data) > c.config.ACLLength {
		return fmt.Errorf("controller: ACL packet of %d bytes; the maximum is %d", len(packet.Data), c.config.ACLLength)
	}
	if c.queued() == c.config.ACLBuffers {
		return fmt.Errorf("controller: ACL packet, but all %d buffers are in use", c.config.ACLBuffers)
	}
	boundary := packet.Boundary
	if boundary == hcipacket.FirstNonFlushable {
		boundary = hcipacket.FirstFlushable
	}
	conn.queued++
	conn.end.Send(len(packet.Data), conn.sent, func() {
		conn.end.Peer().Owner.(*connection).receive(boundary, packet.Data)
	})
	return nil
}

// queued returns the number of buffers in use.
func (c *Controller) queued() int {
	n := 0
	for _, conn := range c.connections {
		n += conn.queued
	}
	return n
}

// sent frees one buffer and sends HCI_Number_Of_Completed_Packets (section
// 7.7.19).
func (conn *connection) sent() {
	conn.queued--
	conn.event(hcipacket.NumberOfCompletedPackets, hcipacket.Parameters{1}.Handle(conn.handle).Uint16(1))
}

// receive passes received data to the host.
func (conn *connection) receive(boundary hcipacket.Boundary, data []byte) {
	conn.packet = hcipacket.ACL{Handle: conn.handle, Boundary: boundary, Data: data}.Append(conn.packet[:0])
	conn.config.Output(conn.packet)
}
