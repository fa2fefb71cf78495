package hci

import (
	"errors"
	"syscall"
)

// LinksTo returns the links to a device by the addresses of their adapters,
// including links that are being opened or closed. It can wait for the kernel's
// lock of an adapter (hci_dev_lock).
func LinksTo(device [6]byte) (map[[6]byte]Link, error) {
	all, err := Adapters()
	if err != nil {
		return nil, err
	}
	found := make(map[[6]byte]Link)
	for _, a := range all {
		links, err := AllLinks(a.Index)
		if err != nil && !errors.Is(err, syscall.ENODEV) {
			return nil, err
		}
		for _, link := range links {
			if link.Device == device {
				found[a.Address] = link
			}
		}
	}
	return found, nil
}
