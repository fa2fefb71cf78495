package adapter

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/hcictl"
)

// patience limits every wait for the kernel, which gives a controller 10 s for
// its first answer.
const patience = time.Minute

// Available reports why this process cannot use Bluetooth, or nil.
func Available() error {
	if _, err := hci.Adapters(); err != nil {
		return fmt.Errorf("the kernel has no Bluetooth, or not in this network namespace: %w", err)
	}
	return nil
}

// BringUp waits until the kernel has set up an adapter, brings it up, and sets
// the requests that it answers.
func BringUp(a Adapter, scan Scan) error {
	return eventually(func() error {
		known, err := hci.AdapterByIndex(a.Index)
		if err != nil {
			return err
		}
		// The kernel itself starts a new adapter to query its properties. If
		// the adapter is brought up just before, the management interface never
		// lists it.
		if known.Address != a.Address || known.Flags&hci.Init != 0 {
			return fmt.Errorf("the kernel is still setting up hci%d", a.Index)
		}
		if err := hcictl.PowerOn(a.Index); err != nil {
			return err
		}
		if err := hcictl.SetScan(a.Index, hcictl.Scan(scan)); err != nil {
			return err
		}
		known, err = hci.AdapterByIndex(a.Index)
		if answers := known.Flags&hci.PageScan != 0; err == nil && (known.Flags&hci.Up == 0 || answers != (scan&PageScan != 0)) {
			err = fmt.Errorf("hci%d is not up, or has not set its page scan", a.Index)
		}
		return err
	})
}

// SetScan sets the requests that an adapter answers. It does nothing if the
// adapter is down: BringUp sets them.
func SetScan(a Adapter, scan Scan) error {
	known, err := hci.AdapterByIndex(a.Index)
	if err != nil || known.Address != a.Address || known.Flags&hci.Up == 0 {
		return err
	}
	err = hcictl.SetScan(a.Index, hcictl.Scan(scan))
	if errors.Is(err, unix.ENETDOWN) { // taken down just now
		return nil
	}
	return err
}

// TakeDown switches an adapter off.
func TakeDown(a Adapter) error { return hcictl.PowerOff(a.Index) }

// AwaitGone waits until the kernel has removed an adapter.
func AwaitGone(a Adapter) error {
	return eventually(func() error {
		known, err := hci.AdapterByIndex(a.Index)
		switch {
		case errors.Is(err, unix.ENODEV):
			return nil
		case err == nil && known.Address == a.Address:
			return fmt.Errorf("the kernel still has hci%d", a.Index)
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

// AwaitRFCOMMIdle waits until the kernel's RFCOMM thread has dropped the sessions of
// links and adapters that are gone, at most 2 s.
func AwaitRFCOMMIdle() { hcictl.AwaitRFCOMMIdle() }

// pause is the interval for polling the kernel's state, which has no
// notification.
const pause = 2 * time.Millisecond

// eventually calls attempt until it succeeds or patience has passed. It does
// not retry after a permission error, or if rfkill blocks the adapter.
func eventually(attempt func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		err := attempt()
		if err == nil || errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ERFKILL) || time.Now().After(end) {
			return err
		}
	}
}
