package main

import (
	"slices"
	"strconv"
	"strings"
)

// serialPorts returns whether the user may open serial ports.
func (d *diagnosis) serialPorts() finding {
	if d.host.uid == 0 {
		return ok("root may open /dev/rfcommN, /dev/ttyUSBN and /dev/ttySN")
	}
	for _, name := range []string{"dialout", "uucp"} { // of Debian and Fedora, of Arch
		id, members, found := d.host.group(name)
		switch {
		case !found:
		case slices.Contains(d.host.groups, id):
			return ok("user " + d.host.user + " may open /dev/rfcommN, /dev/ttyUSBN and /dev/ttySN (group " + name + ")")
		case slices.Contains(members, d.host.user):
			return warning("user "+d.host.user+" is in the group "+name+" since the last login only: log in again to open serial ports", "newgrp "+name)
		default:
			return warning("user "+d.host.user+" is not in the group "+name+", and must not open /dev/rfcommN, /dev/ttyUSBN and /dev/ttySN (relay, tty --bind)",
				"sudo usermod -aG "+name+" "+d.host.user+"   # and log in again")
		}
	}
	return unchecked("this system has no group dialout or uucp")
}

// group returns the ID and the members of a group (group(5)).
func (h *host) group(name string) (id int, members []string, found bool) {
	for line := range strings.Lines(h.read("etc/group")) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) != 4 || fields[0] != name {
			continue
		}
		id, err := strconv.Atoi(fields[2])
		return id, strings.Split(fields[3], ","), err == nil
	}
	return 0, nil, false
}

// Capabilities (include/uapi/linux/capability.h).
const (
	capNetBindService = 10
	capNetAdmin       = 12
)

// privileges returns whether the process may bind ports of the kernel. Nothing
// else needs a privilege.
func (d *diagnosis) privileges() finding {
	capabilities := d.host.capabilities()
	d.tool.detail("CAP_NET_ADMIN (tty --bind): %t; CAP_NET_BIND_SERVICE (L2CAP PSM 1, for SDP servers without bluetoothd): %t",
		capabilities>>capNetAdmin&1 == 1, capabilities>>capNetBindService&1 == 1)
	if capabilities>>capNetAdmin&1 == 1 {
		return ok("tty --bind is possible (CAP_NET_ADMIN)")
	}
	return ok("no root: only tty --bind needs it (sudo)")
}

// capabilities returns the capabilities of the process (proc_pid_status(5)).
func (h *host) capabilities() uint64 {
	for line := range strings.Lines(h.read("proc/self/status")) {
		if text, ok := strings.CutPrefix(line, "CapEff:"); ok {
			capabilities, _ := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
			return capabilities
		}
	}
	return 0
}
