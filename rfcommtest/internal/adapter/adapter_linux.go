// Package adapter does with the kernel's adapters what the person at a machine
// does: it brings them up, takes them down, and waits until that is so.
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

// patience bounds every wait for the kernel, which gives a controller 10 s for
// its first answer.
const patience = 20 * time.Second

// Available tells whether the kernel has Bluetooth for this process.
func Available() error {
	if _, err := hci.Adapters(); err != nil {
		return fmt.Errorf("the kernel has no Bluetooth here, or not in this network namespace: %w", err)
	}
	return nil
}

// BringUp waits until the kernel knows an adapter by its address, the most
// significant byte first, and has it answer pages and inquiries.
func BringUp(index int, address [6]byte) error {
	return eventually(func() error {
		known, err := hci.AdapterByIndex(index)
		if err != nil {
			return err
		}
		// The kernel runs a new adapter by itself to learn about it. Whoever brings
		// it up a moment before leaves an adapter that the management interface
		// never gets to know.
		if known.Address != address || known.Flags&hci.Init != 0 {
			return fmt.Errorf("the kernel is still setting hci%d up", index)
		}
		if err := hcictl.PowerOn(index); err != nil {
			return err
		}
		if err := hcictl.SetScan(index, hcictl.ScanInquiryAndPage); err != nil {
			return err
		}
		if known, err = hci.AdapterByIndex(index); err == nil && known.Flags&(hci.Up|hci.PageScan) != hci.Up|hci.PageScan {
			err = fmt.Errorf("hci%d is not up, or does not answer pages", index)
		}
		return err
	})
}

// TakeDown switches an adapter off.
func TakeDown(index int) error { return hcictl.PowerOff(index) }

// AwaitGone waits until the kernel has forgotten an adapter.
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

// AwaitNoLinks waits until the kernel has let go of all links of an adapter, for
// some seconds at most.
func AwaitNoLinks(index int) {
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(pause) {
		if links, err := hci.AllLinks(index); err != nil || len(links) == 0 {
			return
		}
	}
}

// pause is between two looks at the kernel's state, of which nothing tells.
const pause = 2 * time.Millisecond

// eventually tries until attempt succeeds or patience ends. Rights do not come by
// waiting.
func eventually(attempt func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		err := attempt()
		if err == nil || errors.Is(err, fs.ErrPermission) || time.Now().After(end) {
			return err
		}
	}
}

// An Agent pairs adapters, and answers the kernel's questions about them from then on
// until it is closed.
type Agent struct{ socket *mgmt.Socket }

// NewAgent returns an agent that has paired nothing yet.
func NewAgent() (*Agent, error) {
	socket, err := mgmt.Open()
	if err != nil {
		return nil, err
	}
	return &Agent{socket}, nil
}

// Pair bonds two adapters.
func (a *Agent) Pair(indexA int, addressA [6]byte, indexB int, addressB [6]byte) error {
	return a.socket.Pair(mgmt.Adapter{Index: indexA, Address: addressA}, mgmt.Adapter{Index: indexB, Address: addressB})
}

// Close ends the agent. The keys stay.
func (a *Agent) Close() error { return a.socket.Close() }
