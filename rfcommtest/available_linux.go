package rfcommtest

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/adapter"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/vhci"
)

// requirements are checked in this order before a radio is created.
var requirements = []requirement{
	{adapter.Available, []remedy{{
		"use a kernel with Bluetooth, such as that of the virtual machine that lab/run starts; in a container, use the host's network",
		[]syscall.Errno{unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT},
	}}},
	{adapter.RFCOMMAvailable, []remedy{{
		"load the kernel module rfcomm, as root: modprobe rfcomm",
		[]syscall.Errno{unix.EPROTONOSUPPORT},
	}}},
	{vhci.Available, []remedy{{
		"load the kernel module hci_vhci, as root: modprobe hci_vhci",
		[]syscall.Errno{unix.ENOENT, unix.ENODEV, unix.ENXIO},
	}, {
		"run as root, or give the user access to the device: chown or chmod /dev/vhci, or a udev rule",
		[]syscall.Errno{unix.EACCES, unix.EPERM},
	}}},
	{netAdmin, useRemedies},
}

// useRemedies are the remedies of errors that occur when a radio is used.
var useRemedies = []remedy{{
	"run as root, or with the capability CAP_NET_ADMIN in the initial user namespace, for example by setcap or setpriv --ambient-caps",
	[]syscall.Errno{unix.EPERM, unix.EACCES},
}, {
	"Bluetooth is switched off for all adapters, so unblock it: rfkill unblock bluetooth",
	[]syscall.Errno{unix.ERFKILL},
}}

// available reports why virtual controllers cannot be created, or nil.
func available() error { return missing(requirements) }

// netAdmin returns an error if the process lacks the effective capability
// CAP_NET_ADMIN. The kernel also requires that of the initial user namespace,
// which only its first use can check.
func netAdmin() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("capget: %w", err)
	}
	if data[0].Effective&(1<<unix.CAP_NET_ADMIN) == 0 {
		return fmt.Errorf("the process lacks CAP_NET_ADMIN: %w", unix.EPERM)
	}
	return nil
}
