// Package controller implements the controller side of HCI (Bluetooth Core
// Specification, Volume 4, Part E) for BR/EDR connections without audio: it
// accepts commands and data of the host, and sends events and data. Sections
// without a volume in the comments of this package are sections of Volume 4,
// Part E.
//
// The package supports the commands that the Linux kernel needs. It rejects all
// others with Unknown HCI Command, as the specification requires, and does not
// claim them in its features and in its list of supported commands. Package
// radio transports everything between controllers.
package controller

import (
	"fmt"
	"maps"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// Config holds the properties of a controller.
type Config struct {
	Address     hcipacket.Address
	Name        string   // until the host writes another
	Seen        Identity // by others, whatever the host writes; also the host's first values
	ACLLength   int      // the maximum data length of an ACL packet of the host
	ACLBuffers  int      // the number of ACL packets that the controller can hold
	PacketTypes air.PacketTypes
	Version     Version
	Without     Features // features of the version that the controller lacks

	// Output passes a packet to the host. Output is called with the radio's
	// lock held, and must not retain packet.
	Output func(packet []byte)
}

// A Controller is a virtual controller. The radio's lock guards it: callers of
// all methods must hold the lock.
type Controller struct {
	config       Config
	features     Features
	station      *radio.Station
	settings     settings
	connections  map[hcipacket.Handle]*connection
	pages        map[hcipacket.Address]*radio.Page // of this controller, to these addresses
	requests     map[hcipacket.Address]*request    // from these addresses
	inquiry      *inquiry
	nameRequests map[hcipacket.Address]func() // each cancels a request for a name
	bonds        map[hcipacket.Address]*bond  // kept in a reset
	nextHandle   hcipacket.Handle
	cutOff       bool   // see CutOff
	packet       []byte // buffer for one packet to the host
}

var _ radio.Receiver = (*Controller)(nil)

// New returns a controller with a station of its own. The number distinguishes
// the controllers of a radio: each starts counting its handles from a different
// value, which exposes code that uses the handle of one controller with
// another.
func New(r *radio.Radio, number int, config Config) *Controller {
	if config.Version == 0 {
		config.Version = defaultVersion
	}
	c := &Controller{config: config, nextHandle: hcipacket.Handle(1 + number*0x100)}
	c.features = FeaturesOf(config.Version, config.Without)
	c.station = r.NewStation(config.Address, c)
	c.ReplaceHost()
	c.clear()
	return c
}

// Station returns the controller's station.
func (c *Controller) Station() *radio.Station { return c.station }

// Name returns the controller's name until the host writes another.
func (c *Controller) Name() string { return c.config.Name }

// clear brings the controller into its state after a reset.
func (c *Controller) clear() {
	c.settings = defaultSettings(c.config)
	c.connections = make(map[hcipacket.Handle]*connection)
	c.pages = make(map[hcipacket.Address]*radio.Page)
	c.requests = make(map[hcipacket.Address]*request)
	c.nameRequests = make(map[hcipacket.Address]func())
	c.inquiry.stop()
	c.inquiry = nil
	c.cutOff = false
}

// CutOff ends all connections and pages of this controller, as a host does when
// it powers its controller off. The host receives the reason
// TerminatedByLocalHost. Other controllers are not notified. Until the next
// PowerOff or reset, the controller makes no connections.
func (c *Controller) CutOff() {
	pages, connections := c.pages, c.connections // PowerOff replaces the maps
	maps.DeleteFunc(pages, func(_ hcipacket.Address, p *radio.Page) bool { return p.Ended() })
	c.PowerOff()
	c.cutOff = true
	for address := range pages {
		c.connectionComplete(hcipacket.TerminatedByLocalHost, 0, address)
	}
	for handle := range connections {
		c.disconnectionComplete(handle, hcipacket.TerminatedByLocalHost)
	}
}

// PowerOff discards the state of the controller, without notifying its host or
// other controllers.
func (c *Controller) PowerOff() {
	for address := range c.requests {
		c.takeRequest(address)
	}
	c.station.Reset()
	c.clear()
}

// Input processes a packet of the host. It returns an error if a host must not
// send such a packet. The controller remains usable after an error.
func (c *Controller) Input(packet []byte) error {
	if len(packet) == 0 {
		return fmt.Errorf("controller: empty packet")
	}
	switch kind := hcipacket.Kind(packet[0]); kind {
	case hcipacket.KindCommand:
		command, err := hcipacket.ParseCommand(packet)
		if err != nil {
			return err
		}
		c.execute(command)
	case hcipacket.KindACL:
		data, err := hcipacket.ParseACL(packet)
		if err != nil {
			return err
		}
		return c.send(data)
	default:
		return fmt.Errorf("controller: unexpected %v from the host", kind)
	}
	return nil
}

// event sends an event to the host, unless the host has masked it.
func (c *Controller) event(code hcipacket.EventCode, p hcipacket.Parameters) {
	if c.masked(code) {
		return
	}
	c.packet = hcipacket.Event{Code: code, Parameters: p}.Append(c.packet[:0])
	c.config.Output(c.packet)
}

// newHandle returns an unused connection handle.
func (c *Controller) newHandle() hcipacket.Handle {
	for {
		h := c.nextHandle
		if c.nextHandle++; c.nextHandle > hcipacket.MaxHandle {
			c.nextHandle = 1
		}
		if c.connections[h] == nil {
			return h
		}
	}
}

// connectionTo returns the connection to a device, or nil.
func (c *Controller) connectionTo(address hcipacket.Address) *connection {
	for _, conn := range c.connections {
		if conn.peer() == address {
			return conn
		}
	}
	return nil
}
