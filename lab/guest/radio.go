//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/hcictl"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// firstAddress is the address of adapter 0. That of adapter 1 is one more.
var firstAddress = rfcomm.BDAddr{0x00, 0xAA, 0x01, 0x00, 0x00, 0x00}

// The page timeouts: short, except during a stall. A kernel that has just ended a
// link can have page scan off for a moment, which on a busy machine is longer than
// 100 ms.
const (
	pageTimeout        = time.Second
	stalledPageTimeout = time.Hour
)

// patience limits every wait for the kernel.
const patience = time.Minute

// newRadio makes the two adapters.
func newRadio() (*rfcommtest.Radio, error) {
	r, err := rfcommtest.NewRadio(rfcommtest.Config{Address: firstAddress})
	if err != nil {
		return nil, err
	}
	for _, c := range r.Controllers() {
		c.SetPageTimeout(pageTimeout)
	}
	return r, nil
}

// link returns the link between the two adapters.
func (l *lab) link() *rfcommtest.Link {
	return l.radio.Link(l.radio.Controllers()[0], l.radio.Controllers()[1])
}

// both calls do for both controllers.
func (l *lab) both(do func(*rfcommtest.Controller) error) error {
	for _, c := range l.radio.Controllers() {
		if err := do(c); err != nil {
			return err
		}
	}
	return nil
}

// stall stops the radio: pages do not end, and the link carries no data.
func (l *lab) stall() {
	for _, c := range l.radio.Controllers() {
		c.SetPageTimeout(stalledPageTimeout)
	}
	l.link().Stall()
}

// resume ends a stall.
func (l *lab) resume() {
	for _, c := range l.radio.Controllers() {
		c.SetPageTimeout(pageTimeout)
	}
	l.link().Resume()
}

// unplug removes both adapters, in any state.
func (l *lab) unplug() error {
	if err := l.both((*rfcommtest.Controller).Unplug); err != nil {
		return err
	}
	hcictl.AwaitRFCOMMIdle()
	return nil
}

// plug plugs both adapters in, in any state, makes them connectable, and ends a
// stall.
func (l *lab) plug() error {
	l.resume()
	return l.both(func(c *rfcommtest.Controller) error {
		return errors.Join(c.SetScan(everyScan), c.Plug())
	})
}

// replace replaces the adapters by new ones with the same addresses. It
// disconnects them first: if they vanish while the kernel's RFCOMM thread
// closes a connection, that thread can block forever, for all adapters.
func (l *lab) replace() error {
	l.resume()
	l.link().Disconnect(rfcommtest.RemoteUserTerminated)
	if err := l.waitIdle(); err != nil {
		return err
	}
	hcictl.AwaitRFCOMMIdle()
	if err := l.unplug(); err != nil {
		return err
	}
	return l.plug()
}

// everyScan makes an adapter answer pages and inquiries.
const everyScan = rfcommtest.InquiryScan | rfcommtest.PageScan

// up powers an adapter on and makes it connectable. It ends a link that the
// other adapter still has from before, which would carry no data until its
// supervision timeout, and waits until the kernel has dropped that link: a dial
// over it could hang.
func (l *lab) up(number int) error {
	before, err := l.links()
	if err != nil {
		return err
	}
	c := l.radio.Controllers()[number]
	if err := errors.Join(c.SetScan(everyScan), c.Up()); err != nil {
		return err
	}
	if !l.link().Disconnect(rfcommtest.RemoteUserTerminated) {
		return nil
	}
	defer hcictl.AwaitRFCOMMIdle()
	return l.waitUntil(func(links []string) bool {
		return !slices.ContainsFunc(links, func(link string) bool { return slices.Contains(before, link) })
	})
}

// endLink ends the link at both ends at once, with a reason.
func (l *lab) endLink(reason rfcommtest.Reason) error {
	link := l.link()
	link.SetSupervisionTimeout(time.Millisecond)
	defer link.SetSupervisionTimeout(0)
	if !link.Disconnect(reason) {
		return fmt.Errorf("there is no link to disconnect")
	}
	for link.Disconnect(reason) { // until the supervision timeout at both ends
		time.Sleep(time.Millisecond)
	}
	return nil
}

// index returns the kernel's index of adapter 0 or 1.
func (l *lab) index(number int) (int, error) {
	name := l.radio.Controllers()[number].Name()
	var index int
	if _, err := fmt.Sscanf(name, "hci%d", &index); err != nil {
		return 0, fmt.Errorf("adapter %d is unplugged; plug it in first", number)
	}
	return index, nil
}

// waitIdle waits until no adapter has a link. The kernel disconnects a link
// some time after its last use.
func (l *lab) waitIdle() error {
	return l.waitUntil(func(links []string) bool { return len(links) == 0 })
}

// waitUntil waits until the links of both adapters are as condition demands.
func (l *lab) waitUntil(condition func(links []string) bool) error {
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		links, err := l.links()
		if err != nil {
			return err
		}
		if condition(links) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("a link did not end in time: %s", links[0])
		}
	}
}

// links describes every link, beginning with the number of its adapter.
func (l *lab) links() ([]string, error) {
	var all []string
	for number := range l.radio.Controllers() {
		index, err := l.index(number)
		if err != nil {
			return nil, err
		}
		links, err := hci.AllLinks(index)
		if err != nil {
			return nil, err
		}
		for _, link := range links {
			outgoing := 0
			if link.Outgoing {
				outgoing = 1
			}
			all = append(all, fmt.Sprintf("adapter=%d handle=%d address=%v out=%d state=%d mode=0x%04x",
				number, link.Handle, rfcomm.BDAddr(link.Device), outgoing, link.State, uint32(link.Mode)))
		}
	}
	return all, nil
}
