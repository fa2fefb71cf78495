package rfcomm

import (
	"context"
	"fmt"
	"syscall"

	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// A Security is the protection of the link between two devices. Its values are
// the levels of the kernel's socket option BT_SECURITY
// (include/net/bluetooth/bluetooth.h).
type Security uint8

const (
	// SecurityDefault leaves the choice to the kernel, which uses the low
	// level.
	SecurityDefault Security = iota
	// SecurityLow has no requirement. Devices with Secure Simple Pairing may
	// encrypt the link nevertheless.
	SecurityLow
	// SecurityMedium requires an encrypted link between paired devices. For a
	// listener, they may be paired for the time of the link alone, without a
	// question to anyone.
	SecurityMedium
	// SecurityHigh requires an encrypted link between devices whose pairing was
	// protected against a man in the middle, for example by comparing numbers.
	// The kernel also accepts a pairing by a PIN of 16 bytes. Linux 6.15 to 7.3
	// or later accept a pairing by any PIN, for dials and for listeners, once a
	// link has been encrypted with its key: they take the size of the
	// encryption key for the length of the PIN (hci_conn_key_enc_size).
	SecurityHigh
)

// String returns "default", "low", "medium" or "high".
func (s Security) String() string {
	switch s {
	case SecurityDefault:
		return "default"
	case SecurityLow:
		return "low"
	case SecurityMedium:
		return "medium"
	case SecurityHigh:
		return "high"
	}
	return fmt.Sprintf("Security(%d)", uint8(s))
}

// check returns an error if s is not one of the levels.
func (s Security) check() error {
	if s > SecurityHigh {
		return fmt.Errorf("no such security level: %v; the levels are SecurityDefault, SecurityLow, SecurityMedium and SecurityHigh", s)
	}
	return nil
}

// protected reports whether s requires an encrypted link.
func (s Security) protected() bool { return s >= SecurityMedium }

// securityOf returns the protection that the kernel's flags of a link show.
func securityOf(mode hci.Mode) Security {
	switch {
	case mode&hci.Encrypted == 0:
		return SecurityLow
	case mode&hci.FIPS == 0:
		return SecurityMedium
	default:
		return SecurityHigh
	}
}

// refuses reports whether an accepted connection does not have the level s, or
// its link has ended. For each connection to a listener, the kernel itself
// checks the level (rfcomm_check_security), so that a check for encryption is
// sufficient even for SecurityHigh.
func (s Security) refuses(c *Conn) (bool, error) {
	if !s.protected() {
		return false, nil
	}
	link, err := findLink(c.local.Device, c.remote.Device)
	switch {
	case err == errNoLink:
		return true, nil
	case err != nil:
		return false, err
	}
	return !securityOf(link.Mode).protected(), nil
}

// unencrypted returns the error of a dial over a link that is not encrypted.
func unencrypted(wanted Security) error {
	return neterr.WithHint(callConnect, syscall.EACCES, "the link is not encrypted, though security "+wanted.String()+
		" was requested: pair the devices, and close other connections between them, since an open link keeps its level")
}

// A linkCheck refuses a dialed connection whose link does not have the
// requested level.
//
// The kernel checks the level of the first connection over a link only. Any
// other connection joins the session at the session's level
// (__rfcomm_dlc_open), and getsockopt(2) still reports the requested level.
// Unless the key is a P-256 key, the kernel does not show whether the pairing
// was protected against a man in the middle. SecurityHigh therefore depends on
// whether there was a link before the dial.
type linkCheck struct {
	level   Security
	retried bool                 // the dial has made other attempts before
	links   map[[6]byte]hci.Link // to the device before the dial, by adapter
}

// before records the links to a device. It must be called immediately before
// connect(2), while no other dial of this process can open one. A link that
// another program opens in between is not detected.
func (k *linkCheck) before(ctx context.Context, device BDAddr) (err error) {
	if k.level >= SecurityHigh {
		k.links, err = linksTo(ctx, device)
	}
	return err
}

// after checks the link of a new connection. The error matches EACCES if the
// link is refused, and ENOTCONN if it is gone.
func (k *linkCheck) after(ctx context.Context, c *Conn) error {
	if !k.level.protected() {
		return nil
	}
	links, err := linksTo(ctx, c.remote.Device)
	if err != nil {
		return err
	}
	link, ok := links[c.local.Device]
	switch {
	case !ok || link.State != hci.Connected:
		return errNoLink
	case link.Mode&hci.Encrypted == 0:
		return unencrypted(k.level)
	case k.level < SecurityHigh:
		return nil
	}
	vouched := conns.highOver(c.local.Device, c.remote.Device, link.Handle)
	_, existed := k.links[c.local.Device]
	if !high(link, existed, vouched) {
		return neterr.WithHint(callConnect, syscall.EACCES, k.notHigh(existed))
	}
	conns.markHigh(c.held, link.Handle)
	return nil
}

// high reports whether an encrypted link is certain to have SecurityHigh: the
// key shows it, or the kernel has checked the link because this dial or an open
// connection of this process opened it, and with it the session.
func high(link hci.Link, existed, vouched bool) bool {
	return link.Mode&hci.FIPS != 0 || !existed && link.Outgoing || vouched
}

// notHigh returns the reason for refusing a link at SecurityHigh.
func (k *linkCheck) notHigh(existed bool) string {
	const unchecked = ", and then the kernel does not check the level of another connection: "
	switch {
	case !existed:
		return "security high was requested, but the link was opened by the device during the dial" + unchecked +
			closeOthers
	case k.retried:
		return "security high was requested, but the link was open after a failed attempt of this dial" + unchecked +
			"dial again in a few seconds, or " + closeOthers
	}
	return "security high was requested, but the link was open, or being opened, before the dial" + unchecked +
		closeOthers
}

// closeOthers is advice on how to get a link at SecurityHigh.
const closeOthers = "close the other connections to the device, wait a few seconds for the link to end, and make " +
	"this dial the first"
