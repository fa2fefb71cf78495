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

// patience limits every wait for the kernel.
const patience = time.Minute

// setUpPatience limits the wait for the set-up of a new adapter. The kernel gives a
// controller 10 s for its first answer.
const setUpPatience = 20 * time.Second

// errSettingUp means that the kernel does not know the controller's address yet.
var errSettingUp = errors.New("the kernel is still setting up")

// Available reports why this process cannot use Bluetooth, or nil.
func Available() error {
	if _, err := hci.Adapters(); err != nil {
		return fmt.Errorf("the kernel has no Bluetooth, or not in this network namespace: %w", err)
	}
	return nil
}

// AwaitSetUp waits until the kernel has set up a new adapter, and brings it up. It
// returns ErrSetUp if the set-up failed, as it does if the controller does not answer
// a command within 2 s, which happens on a busy machine. Such an adapter can be
// brought up nevertheless, but the management interface never lists it (hci_power_on).
func AwaitSetUp(a Adapter) error {
	if err := bringUp(a, 0, setUpPatience); errors.Is(err, errSettingUp) {
		return fmt.Errorf("%w: %w", ErrSetUp, err)
	} else if err != nil {
		return err
	}
	m, err := mgmt.Open()
	if err != nil {
		return err
	}
	defer m.Close()
	listed, err := m.Lists(a.Index)
	if err == nil && !listed {
		err = ErrSetUp
	}
	return err
}

// BringUp waits until the kernel has set up an adapter, brings it up, and sets
// the requests that it answers.
func BringUp(a Adapter, scan Scan) error { return bringUp(a, scan, patience) }

func bringUp(a Adapter, scan Scan, timeout time.Duration) error {
	return eventually(timeout, func() error {
		known, err := hci.AdapterByIndex(a.Index)
		if err != nil {
			return err
		}
		// The kernel itself starts a new adapter to query its properties. If
		// the adapter is brought up just before, the management interface never
		// lists it.
		if known.Address != a.Address || known.Flags&hci.Init != 0 {
			return fmt.Errorf("%w hci%d", errSettingUp, a.Index)
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
	return eventually(patience, func() error {
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

// eventually calls attempt until it succeeds or the timeout has passed. It does
// not retry after a permission error, or if rfkill blocks the adapter.
func eventually(timeout time.Duration, attempt func() error) error {
	for end := time.Now().Add(timeout); ; time.Sleep(pause) {
		err := attempt()
		if err == nil || errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ERFKILL) || time.Now().After(end) {
			return err
		}
	}
}
