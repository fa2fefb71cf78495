package main

import (
	"cmp"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"slices"
	"strings"
)

// A host is the part of this machine, besides its adapters, that doctor reads.
// Tests replace it.
type host struct {
	system string // runtime.GOOS
	root   fs.FS  // the file system

	user   string
	uid    int   // -1 if the system has none
	groups []int // of the process

	// socket opens an RFCOMM socket, and closes it.
	socket func() error
	// daemon asks bluetoothd for the names of its adapters. The error matches
	// bluez.ErrNoBus, bluez.ErrNoDaemon or bluez.ErrDenied.
	daemon func(ctx context.Context) ([]string, error)
	// writable reports whether a file can be opened for writing.
	writable func(path string) bool
	// output returns the first line that a program prints, or "".
	output func(ctx context.Context, program string, arguments ...string) string
}

// thisHost returns the host of this process.
func thisHost() host {
	h := host{
		system:   runtime.GOOS,
		root:     os.DirFS("/"),
		user:     "USER",
		uid:      os.Geteuid(),
		socket:   openRFCOMMSocket,
		daemon:   adaptersOfDaemon,
		writable: canWrite,
		output:   firstLine,
	}
	if u, err := user.Current(); err == nil {
		h.user = u.Username
	}
	h.groups, _ = os.Getgroups()
	h.groups = append(h.groups, os.Getegid())
	return h
}

func canWrite(path string) bool {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return false
	}
	file.Close()
	return true
}

func firstLine(ctx context.Context, program string, arguments ...string) string {
	output, err := exec.CommandContext(ctx, program, arguments...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(output), "\n")
	return line
}

// isOn reports whether one of the files with the pattern, which are those of
// switches, contains 1.
func (h *host) isOn(pattern string) bool {
	files, _ := fs.Glob(h.root, pattern)
	return slices.ContainsFunc(files, func(file string) bool { return h.read(file) == "1" })
}

// read returns the text of a file without white space around it, or "".
func (h *host) read(file string) string {
	text, err := fs.ReadFile(h.root, file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// has reports whether one of the files exists.
func (h *host) has(files ...string) bool {
	return slices.ContainsFunc(files, func(file string) bool {
		_, err := fs.Stat(h.root, file)
		return err == nil
	})
}

// asRoot returns a command as a person without privileges has to enter it.
func (h *host) asRoot(command string) string {
	if h.uid == 0 {
		return command
	}
	return "sudo " + command
}

// onHost returns a command that a container leaves to its host.
func (h *host) onHost(command string) string {
	if h.container() != "" {
		return "on the host: sudo " + command
	}
	return h.asRoot(command)
}

// container returns the program that runs the container of this process, or ""
// outside of containers (systemd-detect-virt has the same files).
func (h *host) container() string {
	switch {
	case h.has(".dockerenv"):
		return "docker"
	case h.has("run/.containerenv"):
		return "podman"
	case h.has("run/systemd/container", "run/host/container-manager"):
		return cmp.Or(h.read("run/systemd/container"), h.read("run/host/container-manager"), "container")
	}
	return ""
}

// unblock returns the command that removes the block of rfkill. Users at the seat
// of the machine can often do so without privileges.
func (h *host) unblock() string {
	const command = "rfkill unblock bluetooth"
	if h.writable == nil || h.writable("/dev/rfkill") {
		return command
	}
	return h.onHost(command)
}

// installers are the commands that install a package, by the ID in os-release.
var installers = map[string]string{
	"debian": "apt install", "ubuntu": "apt install", "fedora": "dnf install", "rhel": "dnf install",
	"arch": "pacman -S", "suse": "zypper install", "opensuse": "zypper install", "alpine": "apk add",
}

// install returns the command that installs a package.
func (h *host) install(name string) string {
	for _, id := range h.distributions() {
		if command := installers[id]; command != "" {
			return h.asRoot(command + " " + name)
		}
	}
	return "install the package " + name
}

// distributions returns the names of the distribution and of those that it is
// based on (os-release(5)).
func (h *host) distributions() (ids []string) {
	text := h.read("etc/os-release")
	for _, key := range []string{"ID", "ID_LIKE"} {
		for line := range strings.Lines(text) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
				ids = append(ids, strings.Fields(strings.Trim(value, `"'`))...)
			}
		}
	}
	return ids
}

// start returns the command that starts a service: by its unit or its script.
func (h *host) start(unit, script string) string {
	if h.container() == "" && !h.has("run/systemd/system") && h.has("etc/init.d/"+script) {
		return h.asRoot("service " + script + " start")
	}
	return h.onHost("systemctl enable --now " + unit)
}
