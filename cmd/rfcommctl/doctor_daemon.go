package main

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/go-rfcomm/rfcomm/bluez"
)

// adaptersOfDaemon is the daemon of thisHost.
func adaptersOfDaemon(ctx context.Context) ([]string, error) {
	client, err := bluez.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	adapters, err := client.Adapters(ctx)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, a := range adapters {
		names = append(names, a.Name())
	}
	return names, nil
}

// needDaemon lists the commands that need bluetoothd.
const needDaemon = "pair, unpair, trust, --publish and changes of adapters need it"

// bus returns whether the system bus can be reached.
func (d *diagnosis) bus() finding {
	d.managed, d.daemonErr = bounded(d.ctx, func() ([]string, error) { return d.host.daemon(d.ctx) })
	switch {
	case d.ctx.Err() != nil:
		return d.timeUp("the system bus or bluetoothd does not answer", d.restart("bluetooth"))
	case !errors.Is(d.daemonErr, bluez.ErrNoBus):
		return ok("the system bus can be reached")
	case isOneOf(d.daemonErr, syscall.EACCES, syscall.EPERM):
		return problem(statusPermission, "user "+d.host.user+" must not use the system bus, but "+needDaemon,
			"ls -l /run/dbus/system_bus_socket, whose mode should be 0666; see the profile of AppArmor or SELinux, too")
	case d.host.container() != "":
		return problem(statusOther, "the container does not have the system bus, but "+needDaemon, d.mountBus())
	case errors.Is(d.daemonErr, fs.ErrNotExist) && !d.host.has("usr/bin/dbus-daemon", "usr/bin/dbus-broker-launch"):
		return problem(statusOther, "there is no system bus (D-Bus), but "+needDaemon, d.host.install("dbus"))
	case isOneOf(d.daemonErr, fs.ErrNotExist, syscall.ECONNREFUSED):
		return problem(statusOther, "the system bus (D-Bus) is not running, but "+needDaemon, d.host.start("dbus.socket", "dbus"))
	}
	return problem(statusOther, d.daemonErr.Error(), d.restart("dbus"))
}

// mountBus returns the options of a container that has the system bus.
func (d *diagnosis) mountBus() string {
	const socket = "/run/dbus/system_bus_socket"
	if program := d.host.container(); program == "docker" || program == "podman" {
		return program + " run --network host -v " + socket + ":" + socket + " …"
	}
	return "mount " + socket + " of the host into the container"
}

// restart returns the command that restarts a service.
func (d *diagnosis) restart(service string) string {
	return strings.Replace(d.host.start(service, service), "enable --now", "restart", 1)
}

// bluetoothd returns whether the daemon runs.
func (d *diagnosis) bluetoothd() finding {
	if !errors.Is(d.daemonErr, bluez.ErrNoDaemon) {
		return ok("bluetoothd is running")
	}
	detail := "bluetoothd is not running, but " + needDaemon
	if d.host.container() == "" && !d.host.has("usr/libexec/bluetooth/bluetoothd", "usr/lib/bluetooth/bluetoothd", "usr/sbin/bluetoothd", "usr/bin/bluetoothd") {
		return problem(statusOther, "bluetoothd is not installed, but "+needDaemon, d.host.install("bluez"))
	}
	return problem(statusOther, detail, d.host.start("bluetooth", "bluetooth"))
}

// pairing returns whether the user may use the daemon, and for which adapters.
func (d *diagnosis) pairing() finding {
	switch {
	case errors.Is(d.daemonErr, bluez.ErrDenied):
		return problem(statusPermission, "user "+d.host.user+" must not use bluetoothd (policy of the bus)", d.host.asRoot("rfcommctl pair DEVICE"))
	case d.daemonErr != nil:
		return problem(statusOther, d.daemonErr.Error(), d.restart("bluetooth"))
	}
	for _, a := range d.adapters {
		if !slices.Contains(d.managed, a.Name) {
			return warning("bluetoothd does not know the adapter "+a.Name, d.restart("bluetooth"))
		}
	}
	return ok("user " + d.host.user + " may pair, publish services and change adapters")
}
