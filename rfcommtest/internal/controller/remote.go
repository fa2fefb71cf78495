package controller

import (
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// The opcodes of remoteCommands.
const (
	RemoteNameRequest            hcipacket.Opcode = 0x0419
	RemoteNameRequestCancel      hcipacket.Opcode = 0x041a
	ReadRemoteSupportedFeatures  hcipacket.Opcode = 0x041b
	ReadRemoteExtendedFeatures   hcipacket.Opcode = 0x041c
	ReadRemoteVersionInformation hcipacket.Opcode = 0x041d
	ReadClockOffset              hcipacket.Opcode = 0x041f
)

var remoteCommands = []command{
	{
		opcode: RemoteNameRequest, name: "HCI_Remote_Name_Request", section: "7.1.19",
		supported: bit{2, 3}, parameters: 10,
		handle: (*Controller).onRemoteNameRequest,
	},
	{
		opcode: RemoteNameRequestCancel, name: "HCI_Remote_Name_Request_Cancel", section: "7.1.20",
		supported: bit{2, 4}, parameters: 6,
		handle: (*Controller).onRemoteNameRequestCancel,
	},
	{
		opcode: ReadRemoteSupportedFeatures, name: "HCI_Read_Remote_Supported_Features", section: "7.1.21",
		supported: bit{2, 5}, parameters: 2,
		handle: queryPeer(hcipacket.ReadRemoteSupportedFeaturesComplete, onReadRemoteSupportedFeatures),
	},
	{
		opcode: ReadRemoteExtendedFeatures, name: "HCI_Read_Remote_Extended_Features", section: "7.1.22",
		supported: bit{2, 6}, parameters: 3, since: Version21,
		handle: queryPeer(hcipacket.ReadRemoteExtendedFeaturesComplete, onReadRemoteExtendedFeatures),
	},
	{
		opcode: ReadRemoteVersionInformation, name: "HCI_Read_Remote_Version_Information", section: "7.1.23",
		supported: bit{2, 7}, parameters: 2,
		handle: queryPeer(hcipacket.ReadRemoteVersionInformationComplete, onReadRemoteVersionInformation),
	},
	{
		opcode: ReadClockOffset, name: "HCI_Read_Clock_Offset", section: "7.1.24",
		supported: bit{3, 0}, parameters: 2,
		handle: queryPeer(hcipacket.ReadClockOffsetComplete, onReadClockOffset),
	},
}

// onReadRemoteSupportedFeatures stands for LMP_features_req and
// LMP_features_res.
func onReadRemoteSupportedFeatures(*hcipacket.Fields) query {
	return func(peer *connection) hcipacket.Parameters {
		page := peer.featurePage(0)
		return page[:]
	}
}

// onReadRemoteExtendedFeatures stands for LMP_features_req_ext and
// LMP_features_res_ext.
func onReadRemoteExtendedFeatures(f *hcipacket.Fields) query {
	number := f.Uint8()
	return func(peer *connection) hcipacket.Parameters {
		page := peer.featurePage(number)
		return append(hcipacket.Parameters{number, peer.maxPage()}, page[:]...)
	}
}

// onReadRemoteVersionInformation stands for LMP_version_req and
// LMP_version_res.
func onReadRemoteVersionInformation(*hcipacket.Fields) query {
	return func(peer *connection) hcipacket.Parameters {
		return hcipacket.Parameters{uint8(peer.config.Version)}.Uint16(manufacturer).Uint16(subversion)
	}
}

// onReadClockOffset stands for LMP_clkoffset_req and LMP_clkoffset_res.
func onReadClockOffset(*hcipacket.Fields) query {
	return func(*connection) hcipacket.Parameters { return hcipacket.Parameters{}.Uint16(0) }
}

// A query runs at the peer and returns its answer.
type query func(peer *connection) hcipacket.Parameters

// queryPeer makes the handler of a command that queries the peer of a
// connection. The answer is an event with the parameters Status,
// Connection_Handle, and those that the query returns.
func queryPeer(event hcipacket.EventCode, parse func(f *hcipacket.Fields) query) handler {
	return func(c *Controller, f *hcipacket.Fields) reply {
		conn := c.connections[f.Handle()]
		if conn == nil {
			return rejected(hcipacket.UnknownConnection)
		}
		query := parse(f)
		return pending(func() {
			conn.sendLMP(func(peer *connection) {
				answer := query(peer)
				peer.sendLMP(func(conn *connection) {
					p := hcipacket.Parameters{}.Status(hcipacket.Success).Handle(conn.handle)
					conn.event(event, append(p, answer...))
				})
			})
		})
	}
}

// onRemoteNameRequest reads the name of another device, over the connection to
// it (LMP_name_req and LMP_name_res) or by paging it.
func (c *Controller) onRemoteNameRequest(f *hcipacket.Fields) reply {
	address := f.Address()
	if c.nameRequests[address] != nil {
		return rejected(hcipacket.CommandDisallowed)
	}
	if conn := c.connectionTo(address); conn != nil {
		return pending(conn.requestName)
	}
	return pending(func() {
		c.nameRequests[address] = c.station.PageForName(address, slots(c.settings.pageTimeout), func(other radio.Receiver) {
			delete(c.nameRequests, address)
			if other == nil {
				c.remoteNameRequestComplete(hcipacket.PageTimeout, address, make([]byte, NameSize))
				return
			}
			c.remoteNameRequestComplete(hcipacket.Success, address, other.(*Controller).seenName())
		})
	})
}

// requestName reads the name of the peer.
func (conn *connection) requestName() {
	conn.asksName = true
	conn.nameRequests[conn.peer()] = func() { conn.asksName = false }
	conn.sendLMP(func(peer *connection) {
		name := peer.seenName()
		peer.sendLMP(func(conn *connection) { conn.nameRequestComplete(hcipacket.Success, name) })
	})
}

// nameRequestComplete ends the request that requestName has begun, unless that
// has ended already.
func (conn *connection) nameRequestComplete(status hcipacket.Status, name []byte) {
	if conn.asksName {
		conn.asksName = false
		delete(conn.nameRequests, conn.peer())
		conn.remoteNameRequestComplete(status, conn.peer(), name)
	}
}

// onRemoteNameRequestCancel cancels a name request.
// HCI_Remote_Name_Request_Complete follows the answer (section 7.1.20).
func (c *Controller) onRemoteNameRequestCancel(f *hcipacket.Fields) reply {
	address := f.Address()
	returns := hcipacket.Parameters{}.Address(address)
	cancel := c.nameRequests[address]
	if cancel == nil {
		return reply{status: hcipacket.UnknownConnection, returns: returns}
	}
	cancel()
	delete(c.nameRequests, address)
	return reply{returns: returns, then: func() {
		c.remoteNameRequestComplete(hcipacket.UnknownConnection, address, make([]byte, NameSize))
	}}
}

// remoteNameRequestComplete sends HCI_Remote_Name_Request_Complete (section
// 7.7.7).
func (c *Controller) remoteNameRequestComplete(status hcipacket.Status, address hcipacket.Address, name []byte) {
	c.event(hcipacket.RemoteNameRequestComplete, append(hcipacket.Parameters{}.Status(status).Address(address), name...))
}
