package bluez

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/godbus/dbus/v5"
)

// sysBluetooth is the directory of the kernel's adapters. Tests change it.
var sysBluetooth = "/sys/class/bluetooth"

// rfkilled reports whether rfkill blocks the adapter of an object
// (Documentation/ABI/stable/sysfs-class-rfkill).
func rfkilled(path dbus.ObjectPath) bool {
	rest, ok := strings.CutPrefix(string(path), "/org/bluez/")
	adapter, _, _ := strings.Cut(rest, "/")
	if !ok || adapter == "" {
		return false
	}
	base := filepath.Join(sysBluetooth, adapter, "rfkill*")
	soft, _ := filepath.Glob(filepath.Join(base, "soft"))
	hard, _ := filepath.Glob(filepath.Join(base, "hard"))
	return slices.ContainsFunc(append(soft, hard...), func(state string) bool {
		text, err := os.ReadFile(state)
		return err == nil && strings.TrimSpace(string(text)) == "1"
	})
}

// containerFiles exist in containers: of Docker, of Podman, and of those that
// systemd knows (systemd-detect-virt).
var containerFiles = []string{"/.dockerenv", "/run/.containerenv", "/run/systemd/container", "/run/host/container-manager"}

// explainBus adds the likely cause and the remedy to an error of a connection to
// the bus.
func explainBus(err error) error {
	inContainer := slices.ContainsFunc(containerFiles, func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	})
	var auth *authError
	switch {
	case errors.As(err, &auth):
		return &busReason{"the bus rejects user " + strconv.Itoa(os.Geteuid()) + " (" + err.Error() + "): a container needs the user namespace of the host", err}
	case errors.Is(err, syscall.ENOENT) && inContainer:
		return &busReason{"this container does not have the socket: mount /run/dbus/system_bus_socket of the host, and use its network namespace", err}
	case errors.Is(err, syscall.ENOENT):
		return &busReason{"the socket does not exist: install and start dbus, or in a container mount /run/dbus/system_bus_socket of the host", err}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &busReason{"nothing listens on the socket: start dbus, for example by: systemctl start dbus.socket", err}
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return &busReason{"permission denied: see the mode of the socket, and the profile of AppArmor or SELinux", err}
	}
	return &busReason{err.Error(), err}
}

// A busReason is a reason for ErrNoBus, with the error of the system.
type busReason struct {
	text string
	err  error
}

func (r *busReason) Error() string   { return ErrNoBus.Error() + ": " + r.text }
func (r *busReason) Unwrap() []error { return []error{ErrNoBus, r.err} }
