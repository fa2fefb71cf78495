package redial

import (
	"slices"
	"syscall"

	"github.com/go-rfcomm/rfcomm/internal/hci"
)

// The likely causes of failed dials for which no look-up is needed.
const (
	SelfDialed = "this is the address of this machine's own adapter, and a radio does not reach itself; " +
		"use a second adapter, or try over TCP"

	AdapterAway = "the adapter was switched off or removed"

	powerOn     = `switch it on, for example with "bluetoothctl power on", after "rfkill unblock bluetooth" if rfkill blocks it`
	linkClosing = "this machine was closing the link to the device, or both devices dialed at once; dial again"
)

// Facts are the facts about the adapters from which the likely cause of a
// failed dial can be determined.
type Facts struct {
	Local, Device [6]byte       // Local is zero for any adapter
	Gone          bool          // Retrier.Gone
	Adapters      []hci.Adapter // nil if not known
}

// NeedAdapters reports whether the hint for an errno depends on the adapters.
func NeedAdapters(errno syscall.Errno) bool {
	switch errno {
	case syscall.EHOSTUNREACH, syscall.EHOSTDOWN, syscall.ECONNABORTED:
		return true
	}
	return false
}

// Hint returns the likely cause of an errno for which NeedAdapters is true, or
// "" for another errno.
func (f *Facts) Hint(errno syscall.Errno) string {
	switch errno {
	case syscall.EHOSTUNREACH:
		return f.unreachable()
	case syscall.EHOSTDOWN:
		return f.unanswered()
	case syscall.ECONNABORTED:
		return f.aborted()
	}
	return ""
}

// aborted distinguishes the loss of the adapter from the end of the link by the
// current state of the adapters. That is not certain, because an adapter can
// return while the dial retries.
func (f *Facts) aborted() string {
	switch {
	case f.Gone:
		return AdapterAway
	case f.Adapters == nil:
		return AdapterAway + ", or " + linkClosing
	case f.anyUp():
		return linkClosing
	}
	return AdapterAway
}

// anyUp reports whether an adapter that the dial may use is up.
func (f *Facts) anyUp() bool {
	return slices.ContainsFunc(f.Adapters, func(a hci.Adapter) bool {
		return a.Flags&hci.Up != 0 && (f.anyAdapter() || a.Address == f.Local)
	})
}

func (f *Facts) anyAdapter() bool { return f.Local == [6]byte{} }

func (f *Facts) unreachable() string {
	if f.Adapters == nil {
		return "no Bluetooth adapter is up, or not the requested one: switch it on"
	}
	if len(f.Adapters) == 0 {
		return "this machine has no Bluetooth adapter: plug one in, or see with rfkill whether it is blocked"
	}
	if !f.anyAdapter() {
		adapter := f.adapter(f.Local)
		switch {
		case adapter == nil:
			return "the adapter has been removed"
		case adapter.Flags&hci.Up == 0:
			return "the adapter " + adapter.Name + " is down: " + powerOn
		}
	}
	if !f.anyUp() {
		return "no Bluetooth adapter is up: " + powerOn
	}
	if f.adapter(f.Device) != nil {
		return SelfDialed
	}
	return "the adapter was not up, but is now: dial again"
}

func (f *Facts) unanswered() string {
	if own := f.adapter(f.Device); own != nil {
		switch {
		case own.Flags&hci.Up == 0:
			return "this is the address of this machine's adapter " + own.Name + ", which is down: " + powerOn
		case own.Flags&hci.PageScan == 0:
			return "this is the address of this machine's adapter " + own.Name + ", whose page scan is off, " +
				`so that no device can connect: "bluetoothctl discoverable on" switches it on`
		}
	}
	return "the device is off, asleep, out of range, or not connectable; or it has forgotten this machine " +
		"and needs pairing again; or this is its LE address"
}

// adapter returns this machine's adapter with the address, or nil.
func (f *Facts) adapter(address [6]byte) *hci.Adapter {
	for i := range f.Adapters {
		if f.Adapters[i].Address == address {
			return &f.Adapters[i]
		}
	}
	return nil
}
