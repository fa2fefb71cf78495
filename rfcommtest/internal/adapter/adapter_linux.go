// Package adapter controls the kernel's adapters: it brings them up, takes them
// down, pairs them, and waits until the kernel has done so.
package adapter

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/hcictl"
	"github.com/go-rfcomm/rfcomm/internal/mgmt"
)

// patience limits every wait for the kernel, which gives a controller 10 s for
// its first answer.
const patience = 20 * time.Second

// Available reports why this process cannot use Bluetooth, or nil.
func Available() error {
	if _, err := hci.Adapters(); err != nil {
		return fmt.Errorf("the kernel has no Bluetooth, or not in this network namespace: %w", err)
	}
	return nil
}

// BringUp waits until the kernel has set up an adapter with the given address
// (the most significant byte first), brings it up, and makes it answer pages
// and inquiries.
func BringUp(index int, address [6]byte) error {
	return eventually(func() error {
		known, err := hci.AdapterByIndex(index)
		if err != nil {
			return err
		}
		// The kernel itself starts a new adapter to query its properties. If
		// the adapter is brought up just before, the management interface never
		// lists it.
		if known.Address != address || known.Flags&hci.Init != 0 {
			return fmt.Errorf("the kernel is still setting up hci%d", index)
		}
		if err := hcictl.PowerOn(index); err != nil {
			return err
		}
		if err := hcictl.SetScan(index, hcictl.ScanInquiryAndPage); err != nil {
			return err
		}
		if known, err = hci.AdapterByIndex(index); err == nil && known.Flags&(hci.Up|hci.PageScan) != hci.Up|hci.PageScan {
			err = fmt.Errorf("hci%d is not up or does not answer pages", index)
		}
		return err
	})
}

// TakeDown switches an adapter off.
func TakeDown(index int) error { return hcictl.PowerOff(index) }

// AwaitGone waits until the kernel has removed an adapter.
func AwaitGone(index int, address [6]byte) error {
	return eventually(func() error {
		known, err := hci.AdapterByIndex(index)
		switch {
		case errors.Is(err, unix.ENODEV):
			return nil
		case err == nil && known.Address == address:
			return fmt.Errorf("the kernel still has hci%d", index)
		}
		return err
	})
}

// AwaitNoLinks waits until the kernel has dropped all links of an adapter, at
// most 2 s.
func AwaitNoLinks(index int) {
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(pause) {
		if links, err := hci.AllLinks(index); err != nil || len(links) == 0 {
			return
		}
	}
}

// pause is the interval for polling the kernel's state, which has no
// notification.
const pause = 2 * time.Millisecond

// eventually calls attempt until it succeeds or patience has passed. It does
// not retry after a permission error.
func eventually(attempt func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		err := attempt()
		if err == nil || errors.Is(err, fs.ErrPermission) || time.Now().After(end) {
			return err
		}
	}
}

// An Agent pairs adapters. Until it is closed, it also answers the kernel's
// later pairing requests for them.
type Agent struct{ socket *mgmt.Socket }

// NewAgent returns an agent for no adapters yet.
func NewAgent() (*Agent, error) {
	socket, err := mgmt.Open()
	if err != nil {
		return nil, err
	}
	return &Agent{socket}, nil
}

// Pair bonds two adapters.
func (a *Agent) Pair(indexA int, addressA [6]byte, indexB int, addressB [6]byte) error {
	return a.socket.Pair(mgmt.Adapter{Index: indexA, Address: addressA}, mgmt.Adapter{Index: indexB, Address: addressB}, mgmt.JustWorks)
}

// Close ends the agent. The link keys remain.
func (a *Agent) Close() error { return a.socket.Close() }
