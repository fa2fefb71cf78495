// Package controller is a Bluetooth controller for BR/EDR links without audio,
// as its host sees it through HCI: commands and data go in, events and data
// come out (Bluetooth Core Specification, Volume 4, Part E). It has what the
// Linux kernel needs; what it does not have it refuses as the specification
// says, and does not claim in its features and its list of commands.
//
// It has no antenna: package radio carries what it says to other controllers.
package controller

import (
	"fmt"
	"maps"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// Config is what a controller is made with.
type Config struct {
	Address    hcipacket.Address
	Name       string // until the host gives another
	ACLLength  int    // most bytes of ACL data in a packet of the host
	ACLBuffers int    // packets that it holds for the radio
	PacketTypes    air.PacketTypes

	// Output takes a packet for the host. It is called with the radio's lock held,
	// and keeps nothing of the packet.
	Output func(packet []byte)
}

// A Controller is one controller. The radio's lock guards it: callers of all
// methods hold it.
type Controller struct {
	config   Config
	station  *radio.Station
	settings settings
	connections    map[hcipacket.Handle]*connection
	page     map[hcipacket.Address]*radio.Page // under way from here
	paged    map[hcipacket.Address]*invitation // waiting for the host's answer
	inquiry  *inquiry
	names    map[hcipacket.Address]func() // cancel pages for names under way from here
	next     hcipacket.Handle
	cutOff   bool   // see CutOff
	packet   []byte // space for one packet to the host
}

var _ radio.Receiver = (*Controller)(nil)

// New returns a controller with a station of its own. Number tells apart the
// controllers of a radio: they count their links from different handles, so that
// whoever takes one's for another's finds out.
func New(r *radio.Radio, number int, config Config) *Controller {
	c := &Controller{config: config, next: hcipacket.Handle(1 + number*0x100)}
	c.station = r.NewStation(config.Address, c)
	c.clear()
	return c
}

// Station returns the controller's station.
func (c *Controller) Station() *radio.Station { return c.station }

// clear brings the controller into the state that it has after a reset.
func (c *Controller) clear() {
	c.settings = defaultSettings(c.config.Name)
	c.connections = make(map[hcipacket.Handle]*connection)
	c.page = make(map[hcipacket.Address]*radio.Page)
	c.paged = make(map[hcipacket.Address]*invitation)
	c.names = make(map[hcipacket.Address]func())
	c.inquiry.stop()
	c.inquiry = nil
	c.cutOff = false
}

// CutOff ends all links, and the pages from here, as the host itself does when it
// powers the controller off: it is told the reason TerminatedByLocalHost, and other
// controllers are told nothing. Until the next PowerOff or reset, the controller
// makes no links.
func (c *Controller) CutOff() {
	pages, connections := c.page, c.connections // PowerOff makes new ones
	maps.DeleteFunc(pages, func(_ hcipacket.Address, p *radio.Page) bool { return p.Ended() })
	c.PowerOff()
	c.cutOff = true
	for to := range pages {
		c.connectionComplete(hcipacket.TerminatedByLocalHost, 0, to)
	}
	for handle := range connections {
		c.disconnectionComplete(handle, hcipacket.TerminatedByLocalHost)
	}
}

// PowerOff has the controller forget everything without a word to its host or to
// other controllers.
func (c *Controller) PowerOff() {
	for address := range c.paged {
		c.invited(address)
	}
	c.station.Reset()
	c.clear()
}

// Input takes a packet of the host. An error tells of a packet that no host
// should send; the controller goes on.
func (c *Controller) Input(packet []byte) error {
	if len(packet) == 0 {
		return fmt.Errorf("controller: an empty packet")
	}
	switch kind := hcipacket.Kind(packet[0]); kind {
	case hcipacket.KindCommand:
		command, err := hcipacket.ParseCommand(packet)
		if err != nil {
			return err
		}
		c.command(command)
	case hcipacket.KindACL:
		data, err := hcipacket.ParseACL(packet)
		if err != nil {
			return err
		}
		return c.send(data)
	default:
		return fmt.Errorf("controller: a %v", kind)
	}
	return nil
}

// event tells the host of an event.
func (c *Controller) event(code hcipacket.EventCode, p hcipacket.Parameters) {
	c.packet = hcipacket.Event{Code: code, Parameters: p}.Append(c.packet[:0])
	c.config.Output(c.packet)
}

// newHandle returns a handle that no link has.
func (c *Controller) newHandle() hcipacket.Handle {
	for {
		h := c.next
		if c.next++; c.next > hcipacket.MaxHandle {
			c.next = 1
		}
		if c.connections[h] == nil {
			return h
		}
	}
}

// connectionTo returns the link to a device.
func (c *Controller) connectionTo(address hcipacket.Address) *connection {
	for _, l := range c.connections {
		if l.peer() == address {
			return l
		}
	}
	return nil
}
