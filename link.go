package rfcomm

import (
	"errors"
	"os"
	"syscall"

	"github.com/go-rfcomm/rfcomm/internal/hci"
)

// findLink returns the link of an adapter to a device. Its error matches
// ENOTCONN if there is none, because the adapter is gone or the link is.
func findLink(adapter, device BDAddr) (hci.Link, error) {
	all, err := adapters()
	if err != nil {
		return hci.Link{}, err
	}
	for _, a := range all {
		if a.Addr != adapter {
			continue
		}
		links, err := hci.Links(a.Index)
		if err != nil && !errors.Is(err, syscall.ENODEV) {
			return hci.Link{}, err
		}
		for _, link := range links {
			if link.Device == device {
				return link, nil
			}
		}
	}
	return hci.Link{}, os.NewSyscallError("ioctl", syscall.ENOTCONN)
}

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

// checkLink refuses a link that is not encrypted where the wanted level asks
// for it. The kernel does not see to that: over a link that is open already it
// connects at any level (__rfcomm_dlc_open). SecurityHigh is not compared with
// what securityOf can tell, since the kernel does not show all of it.
func checkLink(wanted Security, c *Conn, syscallName string) error {
	if !wanted.protected() {
		return nil
	}
	link, err := findLink(c.local.Device, c.remote.Device)
	if err != nil {
		return err
	}
	if securityOf(link.Mode).protected() {
		return nil
	}
	return &os.SyscallError{Syscall: syscallName, Err: &hint{
		errno: syscall.EACCES,
		text: "the link is not encrypted, though security " + wanted.String() + " was asked for: " +
			"pair the devices, and close other connections between them, since an open link keeps its level",
		// A stranger must not end the accept loop of a server.
		temporary: syscallName == "accept4",
	}}
}
