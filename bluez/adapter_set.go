package bluez

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxAlias is the maximum length of an adapter's name in bytes. The
// specification permits 248, but bluetoothd cuts off the last one (set_name in
// src/adapter.c).
const maxAlias = 247

// SetPowered switches the adapter on or off. It returns when that is done.
// Switching it off ends all connections of the adapter. An adapter that rfkill
// blocks cannot be switched on.
func (a *Adapter) SetPowered(ctx context.Context, on bool) error {
	return a.set(ctx, "Powered", on)
}

// SetAlias sets the name that other devices see, of at most 247 bytes of UTF-8.
// An empty alias restores the name that bluetoothd gives the adapter, usually
// that of the machine. bluetoothd stores the alias. It replies before the
// adapter has the new name, so Properties may return the former one for a
// moment.
func (a *Adapter) SetAlias(ctx context.Context, alias string) error {
	if err := checkAlias(alias, maxAlias); err != nil {
		return err
	}
	return a.set(ctx, "Alias", alias)
}

// checkAlias returns an error if D-Bus or the adapter cannot transfer the alias.
func checkAlias(alias string, limit int) error {
	switch {
	case !utf8.ValidString(alias):
		return fmt.Errorf("bluez: alias %q is not valid UTF-8", alias)
	case strings.ContainsRune(alias, 0):
		return fmt.Errorf("bluez: alias %q contains a zero byte", alias)
	case len(alias) > limit:
		return fmt.Errorf("bluez: alias of %d bytes; the maximum is %d", len(alias), limit)
	}
	return nil
}

// SetDiscoverable makes the adapter discoverable without a time limit, or not
// discoverable. bluetoothd stores both, and the absence of a limit, for other
// programs too. To limit the time, use [Adapter.Discoverable].
func (a *Adapter) SetDiscoverable(ctx context.Context, on bool) error {
	return a.setMode(ctx, discoverable, on)
}

// SetPairable makes the adapter pairable without a time limit, or not pairable.
// bluetoothd stores the absence of a limit, for other programs too, and itself
// makes the adapter pairable when a default agent is registered. To limit the
// time, use [Adapter.Pairable].
func (a *Adapter) SetPairable(ctx context.Context, on bool) error {
	return a.setMode(ctx, pairable, on)
}

// A mode is a state of an adapter that bluetoothd can limit in time.
type mode string

// The modes are named after their properties.
const (
	discoverable mode = "Discoverable"
	pairable     mode = "Pairable"
)

// timeout returns the property with the limit in seconds.
func (m mode) timeout() string { return string(m) + "Timeout" }

// setMode sets a mode without a time limit.
func (a *Adapter) setMode(ctx context.Context, m mode, on bool) error {
	if on {
		if err := a.set(ctx, m.timeout(), uint32(0)); err != nil {
			return err
		}
	}
	return a.set(ctx, string(m), on)
}
