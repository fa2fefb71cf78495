//go:build linux

package main

import (
	"fmt"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/hcictl"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// firstAddress is that of the adapter to dial from; the other's is one more.
var firstAddress = rfcomm.BDAddr{0x00, 0xAA, 0x01, 0x00, 0x00, 0x00}

// How long a page without an answer takes: not long, unless the radio is paused.
const (
	pageTimeout       = 100 * time.Millisecond
	stalledPageTimeout = time.Hour
)

// patience bounds every wait for the kernel.
const patience = 20 * time.Second

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

// between returns what is between the two adapters.
func (l *lab) link() *rfcommtest.Link {
	return l.radio.Link(l.radio.Controllers()[0], l.radio.Controllers()[1])
}

// both does something with both controllers.
func (l *lab) both(do func(*rfcommtest.Controller) error) error {
	for _, c := range l.radio.Controllers() {
		if err := do(c); err != nil {
			return err
		}
	}
	return nil
}

// pause stops the radio: pages have no end, and links stall.
func (l *lab) stall() {
	for _, c := range l.radio.Controllers() {
		c.SetPageTimeout(stalledPageTimeout)
	}
	l.link().Stall()
}

// resume starts the radio again.
func (l *lab) resume() {
	for _, c := range l.radio.Controllers() {
		c.SetPageTimeout(pageTimeout)
	}
	l.link().Resume()
}

// remove takes both adapters away, whatever they are doing.
func (l *lab) unplug() error {
	if err := l.both((*rfcommtest.Controller).Unplug); err != nil {
		return err
	}
	time.Sleep(settleTime)
	return nil
}

// restore brings the adapters back to their normal state, whatever that was.
func (l *lab) plug() error {
	l.resume()
	return l.both((*rfcommtest.Controller).Plug)
}

// replace gives the kernel new adapters for the old ones. It hangs up first: the
// kernel's RFCOMM thread can get stuck, for good and for all adapters, when they
// vanish while it closes a connection.
func (l *lab) replace() error {
	l.resume()
	l.link().Disconnect(rfcommtest.RemoteUserTerminated)
	if err := l.waitIdle(); err != nil {
		return err
	}
	time.Sleep(settleTime)
	if err := l.unplug(); err != nil {
		return err
	}
	return l.plug()
}

// settleTime is given to the kernel's RFCOMM thread to drop the sessions over
// links or adapters that are gone; nothing tells when it has.
const settleTime = 100 * time.Millisecond

// up brings an adapter up. The other may hold a link from before still, over which
// nothing would pass until its supervision timeout; so that ends.
func (l *lab) up(number int) error {
	if err := l.radio.Controllers()[number].Up(); err != nil {
		return err
	}
	l.link().Disconnect(rfcommtest.RemoteUserTerminated)
	return nil
}

// disconnect breaks the link, and tells both ends the reason at once.
func (l *lab) endLink(reason rfcommtest.Reason) error {
	link := l.link()
	link.SetSupervisionTimeout(time.Millisecond)
	defer link.SetSupervisionTimeout(0)
	if !link.Disconnect(reason) {
		return fmt.Errorf("there is no link to disconnect")
	}
	for link.Disconnect(reason) { // until both ends have noticed their silence
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

// setScan says whether an adapter answers pages.
func (l *lab) setScan(number int, scan hcictl.Scan) error {
	index, err := l.index(number)
	if err != nil {
		return err
	}
	return hcictl.SetScan(index, scan)
}

// waitIdle waits until no adapter has a link. The kernel itself hangs up a link a
// while after its last use.
func (l *lab) waitIdle() error {
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		links, err := l.links()
		if err != nil {
			return err
		}
		if len(links) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("gave up waiting for all links to end: %s", links[0])
		}
	}
}

// links lists every link, with the number of its adapter first.
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
