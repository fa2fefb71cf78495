package rfcomm

import (
	"context"
	"fmt"
	"syscall"

	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// Security is how a link between two devices is protected: a level of the
// kernel's option BT_SECURITY (include/net/bluetooth/bluetooth.h).
type Security uint8

const (
	// SecurityDefault leaves the choice to the kernel, which takes low.
	SecurityDefault Security = iota
	// SecurityLow asks for nothing, though devices with Secure Simple Pairing
	// may encrypt all the same.
	SecurityLow
	// SecurityMedium asks for an encrypted link between paired devices.
	SecurityMedium
	// SecurityHigh asks for an encrypted link between devices whose pairing
	// was protected against a man in the middle, as by comparing numbers.
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

// check refuses values that are no level.
func (s Security) check() error {
	if s > SecurityHigh {
		return fmt.Errorf("no such security level: %v; the levels are SecurityDefault, SecurityLow, SecurityMedium and SecurityHigh", s)
	}
	return nil
}

// protected reports whether s asks for an encrypted link.
func (s Security) protected() bool { return s >= SecurityMedium }

// securityOf translates the kernel's flags of a link.
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

// refuses reports whether an accepted connection does not have the wanted level,
// or has no link any more. For each connection to a listener, the kernel checks
// the level itself (rfcomm_check_security), so that the look for encryption is
// enough for SecurityHigh, too.
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
	return neterr.WithHint("connect", syscall.EACCES, "the link is not encrypted, though security "+wanted.String()+
		" was asked for: pair the devices, and close other connections between them, since an open link keeps its level")
}

// A linkCheck refuses a dialed connection whose link does not have the level
// that was asked for.
//
// The kernel checks the level of the first connection over a link only: any
// other joins the session, at the level that this has (__rfcomm_dlc_open), and
// getsockopt(2) reports the level that was asked for all the same. Nor does the
// kernel show whether the pairing was protected against a man in the middle,
// unless the key is one of P-256. So SecurityHigh depends on whether there was
// a link before the dial.
type linkCheck struct {
	level   Security
	retried bool                // the dial has made other attempts before
	links   map[BDAddr]hci.Link // to the device, by adapter; before the dial
}

// before looks at the links to a device. It must be called right before
// connect(2), while no other dial of this process can make one: a link that
// another program makes in between goes unnoticed.
func (k *linkCheck) before(ctx context.Context, device BDAddr) (err error) {
	if k.level >= SecurityHigh {
		k.links, err = linksTo(ctx, device)
	}
	return err
}

// after checks the link of a connection that has been made. Its error matches
// EACCES if the link is refused, and ENOTCONN if it is gone.
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
		return neterr.WithHint("connect", syscall.EACCES, k.notHigh(existed))
	}
	conns.markHigh(c.held, link.Handle)
	return nil
}

// high reports whether an encrypted link has SecurityHigh for certain.
//
// The link has it if the key shows it, or if the kernel has checked it: because
// this dial opened the link, and with it the session, or because an open
// connection of this process did.
func high(link hci.Link, existed, vouched bool) bool {
	return link.Mode&hci.FIPS != 0 || !existed && link.Outgoing || vouched
}

// notHigh returns the reason for which a link is refused at SecurityHigh.
func (k *linkCheck) notHigh(existed bool) string {
	const unchecked = ", and then the kernel does not check the level of another connection: "
	switch {
	case !existed:
		return "security high was asked for, but the link was opened by the device during the dial" + unchecked +
			closeOthers
	case k.retried:
		return "security high was asked for, but the link was open after a failed attempt of this dial" + unchecked +
			"dial again in some seconds, or " + closeOthers
	}
	return "security high was asked for, but the link was open, or being opened, before the dial" + unchecked +
		closeOthers
}

const closeOthers = "close the other connections to the device, wait some seconds for the link to end, and make " +
	"this dial the first"
