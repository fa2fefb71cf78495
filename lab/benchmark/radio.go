//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A radio holds the adapters of the measurements.
type radio struct {
	listening rfcomm.BDAddr   // the adapter on which servers listen
	dialing   []rfcomm.BDAddr // the adapters from which clients dial, one for each stream

	virtual *rfcommtest.Radio
	links   []*rfcommtest.Link // the links of the dialing adapters
	kept    []io.Closer        // connections that keep the links open
}

// newRadio makes adapters of virtual controllers. The controllers run in this
// process, so their CPU time does not count for any peer.
func newRadio(config rfcommtest.Config) (*radio, error) {
	virtual, err := rfcommtest.NewRadio(config)
	if err != nil {
		return nil, err
	}
	controllers := virtual.Controllers()
	r := &radio{
		virtual:   virtual,
		listening: controllers[0].Addr(),
	}
	for _, c := range controllers[1:] {
		r.dialing = append(r.dialing, c.Addr())
		r.links = append(r.links, virtual.Link(controllers[0], c))
	}
	if err := r.keepLinks(); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// keepChannel is the channel of the connections that keep the links open.
const keepChannel = 30

// keepLinks opens a connection from each adapter. The end of the last
// connection between two adapters closes their session and their link, and
// resets a dial that begins at that moment.
func (r *radio) keepLinks() error {
	listener, err := new(rfcomm.ListenConfig).ListenRFCOMM(context.Background(), rfcomm.Addr{Device: r.listening, Channel: keepChannel})
	if err != nil {
		return err
	}
	defer listener.Close()
	for _, adapter := range r.dialing {
		dialer := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: adapter}}
		dialed, err := dialer.DialRFCOMM(context.Background(), rfcomm.Addr{Device: r.listening, Channel: keepChannel})
		if err != nil {
			return fmt.Errorf("keeping a link open: %w", err)
		}
		r.kept = append(r.kept, dialed)
		accepted, err := listener.AcceptRFCOMM()
		if err != nil {
			return fmt.Errorf("keeping a link open: %w", err)
		}
		r.kept = append(r.kept, accepted)
	}
	return nil
}

// dropLinks lets the kernel end the links. The kernel does so a moment after
// the end of the last connection.
func (r *radio) dropLinks() error {
	for _, c := range r.kept {
		c.Close()
	}
	r.kept = nil
	deadline := time.Now().Add(hangLimit)
	for {
		open, err := openLinks()
		if err != nil || open == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d links do not end", open)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// openLinks counts the links of all adapters.
func openLinks() (int, error) {
	adapters, err := hci.Adapters()
	if err != nil {
		return 0, err
	}
	open := 0
	for _, adapter := range adapters {
		links, err := hci.Links(adapter.Index)
		if err != nil {
			return 0, err
		}
		open += len(links)
	}
	return open, nil
}

func (r *radio) close() {
	for _, c := range r.kept {
		c.Close()
	}
	if err := r.virtual.Close(); err != nil {
		progress("closing the radio: %v", err)
	}
}

// setPackets sets the packets that are used on the air, so that data takes air
// time.
func (r *radio) setPackets(types rfcommtest.PacketTypes) {
	for _, link := range r.links {
		link.SimulateAirtime(types)
	}
}

// slots returns the number of slots that the links have used since the start,
// including those of the answers. Slots are not counted while data takes no
// time.
func (r *radio) slots() int64 {
	var slots int64
	for _, link := range r.links {
		slots += int64(link.Airtime().Slots)
	}
	return slots
}
