package rfcommtest

import (
	"fmt"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/adapter"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// A Link is what is between two controllers: how they reach each other, and the
// ACL link over which all their connections run, while there is one. What is set
// holds for the link that there is and for those to come.
type Link struct {
	radio       *Radio
	controllers [2]*Controller
	conditions  *radio.Conditions
}

// SetPageDelay sets how long it takes until a page is heard. Beyond the page
// timeout it is not heard at all. Pages under way keep what was set when they began.
func (l *Link) SetPageDelay(d time.Duration) {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.PageDelay = d
}

// SetSupervisionTimeout sets after which time of silence a link is given up, one
// that has begun included. 0 means as the kernel has set it, which is 20 s.
func (l *Link) SetSupervisionTimeout(timeout time.Duration) {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.SetSupervisionTimeout(timeout)
}

// SetDelay makes everything arrive later, at the same rate.
func (l *Link) SetDelay(d time.Duration) {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.SetDelay(d)
}

// SimulateAirtime gives data the time on the air that a perfect radio with these
// packets takes: BasicRate, EDR2, EDR3 or others. 0, as it is at first, means that
// data takes no time. Of these a link uses what both controllers have and the kernel
// allows (HCISETPTYPE), and DM1 always.
func (l *Link) SimulateAirtime(types PacketTypes) {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.SetPacketTypes(air.PacketTypes(types))
}

// Airtime returns what was transmitted between the two controllers since the
// start, over all links that they have had: see [Airtime].
func (l *Link) Airtime() Airtime {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	return airtimeOf(l.conditions.Airtime())
}

// Stall keeps everything from passing, until Resume. A link stays, however long
// that takes: controllers do not give it up. If the kernel hangs up at one end, the
// other notices that after the supervision timeout, or when the stall ends.
func (l *Link) Stall() {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.Stall()
}

// Resume ends a stall. What was held back passes now.
func (l *Link) Resume() {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	l.conditions.Resume()
}

// Disconnect breaks the link, and tells the adapters of both controllers the reason, or
// only those of the controllers that are given. Data that has not arrived is lost.
//
// ConnectionTimeout is told only when the supervision timeout has passed; until
// then nothing passes. A controller that is not told notices in the same way. Disconnect
// reports whether there was a link. It panics if the reason is 0, or if a controller
// is not one of the link's.
func (l *Link) Disconnect(reason Reason, at ...*Controller) bool {
	if reason == 0 {
		panic("rfcommtest: Disconnect needs a reason")
	}
	for _, c := range at {
		if c != l.controllers[0] && c != l.controllers[1] {
			panic("rfcommtest: Disconnect needs controllers of its link")
		}
	}
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	var addresses []hcipacket.Address
	for _, c := range at {
		addresses = append(addresses, c.address())
	}
	return l.conditions.Disconnect(hcipacket.Status(reason), addresses...)
}

// Pair bonds the two adapters without a question to anybody ("just works"), so that
// sockets can ask for encryption. A bond that they have, or that one of them still
// has, ends before, and their link with it. From then on the kernel encrypts every
// link between them. A controller loses its bonds when it is removed; until then an
// adapter that was once paired wants an agent for further pairings, which the radio
// is, for its own adapters only. Calls that remove or return one of the two, or switch
// it on or off, wait until Pair has ended. It needs CAP_NET_ADMIN.
func (l *Link) Pair() error {
	a, b := l.controllers[0], l.controllers[1]
	first, second := a, b
	if b.number < a.number {
		first, second = b, a
	}
	// An adapter that went away could leave its index to another, not of the radio.
	first.mu.Lock()
	defer first.mu.Unlock()
	second.mu.Lock()
	defer second.mu.Unlock()
	for _, c := range l.controllers {
		if err := c.usable(); err != nil {
			return err
		}
	}
	agent, err := l.agent()
	if err == nil {
		err = agent.Pair(a.device.Index(), a.address(), b.device.Index(), b.address())
	}
	if err != nil {
		return fmt.Errorf("rfcommtest: %w", err)
	}
	return nil
}

// agent returns the link's agent, which stays until the radio is closed. The
// controllers' locks are held.
func (l *Link) agent() (*adapter.Agent, error) {
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	if agent := l.radio.agents[l.conditions]; agent != nil {
		return agent, nil
	}
	agent, err := adapter.NewAgent()
	if err == nil {
		l.radio.agents[l.conditions] = agent
	}
	return agent, err
}
