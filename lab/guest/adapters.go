//go:build linux

package main

import (
	"errors"
	"fmt"
	"time"
)

// adapterAddresses are the addresses that btvirt gives its two controllers.
// Adapters are known by them: the kernel gives out a removed adapter's index
// again only when nobody holds the old one any more.
var adapterAddresses = [2]address{
	{0x00, 0xAA, 0x01, 0x00, 0x00, 0x00},
	{0x00, 0xAA, 0x01, 0x01, 0x00, 0x01},
}

// patience bounds every wait for the kernel or btvirt.
const patience = 20 * time.Second

// settleTime is given to the kernel's RFCOMM thread to drop the sessions over
// links or adapters that are gone; nothing tells when it has.
const settleTime = 100 * time.Millisecond

// reasonRemoteUser is the error code of a link that the other end hung up.
const reasonRemoteUser = 0x13

// adapterIndex returns the kernel's index of adapter 0 or 1.
func adapterIndex(number int) (int, error) {
	adapters, err := listAdapters()
	if err != nil {
		return 0, err
	}
	for _, adapter := range adapters {
		if adapter.address == adapterAddresses[number] {
			return adapter.index, nil
		}
	}
	return 0, fmt.Errorf("adapter %d (%v) is not there", number, adapterAddresses[number])
}

// bringUp waits until the kernel has both adapters and makes each connectable.
func bringUp() error {
	err := eventually("two adapters", func() error {
		adapters, err := listAdapters()
		if err != nil {
			return err
		}
		if len(adapters) != len(adapterAddresses) {
			return fmt.Errorf("the kernel has %d", len(adapters))
		}
		// The kernel runs a new adapter by itself to learn about it. Whoever
		// brings it up a moment before leaves an adapter that the management
		// interface never gets to know.
		for _, adapter := range adapters {
			known := adapter.address != address{}
			if !known || adapter.flags&flagRunning == 0 || adapter.flags&flagInit != 0 {
				return fmt.Errorf("hci%d is being set up", adapter.index)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for number := range adapterAddresses {
		if err := makeConnectable(number); err != nil {
			return err
		}
	}
	return nil
}

// makeConnectable brings an adapter up and has it answer pages and inquiries.
func makeConnectable(number int) error {
	return eventually(fmt.Sprintf("adapter %d to be connectable", number), func() error {
		index, err := adapterIndex(number)
		if err != nil {
			return err
		}
		if err := setUp(index); err != nil {
			return err
		}
		if err := setScan(index, scanInquiryAndPage); err != nil {
			return err
		}
		return checkConnectable(number)
	})
}

// bringBack brings an adapter up that was down. The other adapter never heard
// that their links are gone, since btvirt has no supervision of links, and a new
// connection would go over a dead one; so it goes down and up, too, if it has any.
func bringBack(number int) error {
	if err := makeConnectable(number); err != nil {
		return err
	}
	own, err := linksOf(number)
	if err != nil || len(own) != 0 {
		return err
	}
	other, err := adapterIndex(1 - number)
	if err != nil {
		return err
	}
	dead, err := listLinks(other)
	if err != nil || len(dead) == 0 {
		return err
	}
	if err := setDown(other); err != nil {
		return err
	}
	return makeConnectable(1 - number)
}

// checkConnectable fails unless the adapter is up and answers pages.
func checkConnectable(number int) error {
	adapters, err := listAdapters()
	if err != nil {
		return err
	}
	for _, adapter := range adapters {
		if adapter.address != adapterAddresses[number] {
			continue
		}
		if adapter.flags&flagUp == 0 {
			return fmt.Errorf("hci%d is down", adapter.index)
		}
		if adapter.flags&flagPageScan == 0 {
			return fmt.Errorf("hci%d is not connectable", adapter.index)
		}
		return nil
	}
	return fmt.Errorf("adapter %d (%v) is not there", number, adapterAddresses[number])
}

// waitGone waits until the kernel has forgotten all adapters.
func waitGone() error {
	return eventually("the adapters to vanish", func() error {
		adapters, err := listAdapters()
		if err == nil && len(adapters) != 0 {
			err = fmt.Errorf("the kernel has %d", len(adapters))
		}
		return err
	})
}

// waitIdle waits until no adapter has a link. The kernel itself hangs up a
// link a while after its last use.
func waitIdle() error {
	return eventually("all links to end", func() error {
		for number := range adapterAddresses {
			links, err := linksOf(number)
			if err != nil {
				return err
			}
			if len(links) != 0 {
				return fmt.Errorf("adapter %d has one: %v", number, links[0])
			}
		}
		return nil
	})
}

// hangUp ends all links.
func hangUp() error {
	index, err := adapterIndex(0)
	if err != nil {
		return err
	}
	links, err := listLinks(index)
	if err != nil {
		return err
	}
	for _, link := range links {
		if err := sendDisconnect(index, link.handle, reasonRemoteUser); err != nil {
			return err
		}
	}
	if err := waitIdle(); err != nil {
		return err
	}
	time.Sleep(settleTime)
	return nil
}

func linksOf(number int) ([]link, error) {
	index, err := adapterIndex(number)
	if err != nil {
		return nil, err
	}
	return listLinks(index)
}

// errGivenUp marks what eventually waited for in vain.
var errGivenUp = errors.New("gave up waiting")

// eventually tries until attempt succeeds, and says in its error what it
// waited for and why the last attempt failed.
func eventually(what string, attempt func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := attempt()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w for %s: %w", errGivenUp, what, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
