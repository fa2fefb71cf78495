package rfcomm

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/hci"
)

// findLink returns the link of an adapter to a device. If there is none,
// because the adapter or the link is gone, the error matches ENOTCONN.
func findLink(adapter, device BDAddr) (hci.Link, error) {
	all, err := adapters()
	if err != nil {
		return hci.Link{}, err
	}
	for _, a := range all {
		if a.Addr != adapter {
			continue
		}
		link, err := linkOf(a.Index, device)
		if err == nil || !errors.Is(err, syscall.ENOTCONN) {
			return link, err
		}
	}
	return hci.Link{}, errNoLink
}

// linkOf is like findLink for the adapter with the given index.
func linkOf(adapter int, device BDAddr) (hci.Link, error) {
	links, err := hci.Links(adapter)
	if err != nil && !errors.Is(err, syscall.ENODEV) {
		return hci.Link{}, err
	}
	for _, link := range links {
		if link.Device == device {
			return link, nil
		}
	}
	return hci.Link{}, errNoLink
}

// errNoLink is the error of findLink and linkOf if there is no link.
var errNoLink = os.NewSyscallError("ioctl", syscall.ENOTCONN)

// lookUpWait is the timeout of a look-up of links that only adds a hint to an
// error. The look-up takes hci_dev_lock, a mutex that the kernel can hold while
// it waits for a controller (hci_get_conn_list).
const lookUpWait = 100 * time.Millisecond

// linkTo returns the link to a device, of the local adapter or, if local is
// zero, of any adapter. It returns nil if there is no link, or if the look-up
// takes longer than lookUpWait or until ctx is done.
func linkTo(ctx context.Context, local, device BDAddr) *hci.Link {
	ctx, cancel := context.WithTimeout(ctx, lookUpWait)
	defer cancel()
	links, err := linksTo(ctx, device)
	if err != nil {
		return nil
	}
	for adapter, link := range links {
		if local.IsZero() || adapter == local {
			return &link
		}
	}
	return nil
}

// linksTo returns the links to a device by the addresses of their adapters,
// including links that are being opened or closed. It returns early if ctx is
// done.
func linksTo(ctx context.Context, device BDAddr) (map[[6]byte]hci.Link, error) {
	return btsocket.Await(ctx, func() (map[[6]byte]hci.Link, error) { return hci.LinksTo(device) })
}
