package main

import (
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"github.com/go-rfcomm/rfcomm"
)

// kernel returns whether the kernel has Bluetooth. Listing the adapters makes it
// load the module, as every other command does.
func (d *diagnosis) kernel() finding {
	d.adapters, d.kernelErr = bounded(d.ctx, d.tool.adapters)
	release := d.host.release()
	switch {
	case d.ctx.Err() != nil:
		return d.timeUp("the kernel does not answer", d.host.onHost("dmesg"))
	case errors.Is(d.kernelErr, errors.ErrUnsupported):
		return problem(statusOther, "Bluetooth sockets need Linux, and this system is "+d.host.system, "rfcommctl demo, to try without Bluetooth")
	case d.kernelErr == nil || d.host.loaded("bluetooth"):
		return ok("Linux " + release + " has Bluetooth")
	case errors.Is(d.kernelErr, syscall.EAFNOSUPPORT):
		detail, remedy := d.host.missingModule("bluetooth", "CONFIG_BT")
		return problem(statusOther, detail, remedy)
	}
	return ok("Linux " + release) // the next check has the reason
}

// sockets returns whether the process gets Bluetooth sockets: the kernel has
// them for its first network namespace alone (bt_sock_create in Linux).
func (d *diagnosis) sockets() finding {
	switch {
	case d.kernelErr == nil:
		return ok("the process is in the network namespace with Bluetooth")
	case isOneOf(d.kernelErr, syscall.EPERM, syscall.EACCES):
		return problem(statusPermission, "a filter of system calls or a security module forbids Bluetooth sockets: "+d.kernelErr.Error(),
			d.unconfined())
	case !errors.Is(d.kernelErr, syscall.EAFNOSUPPORT):
		return problem(statusOf(d.kernelErr), d.kernelErr.Error(), d.host.onHost("dmesg"))
	case d.host.firstNamespace():
		return problem(statusPermission, "a filter of system calls (seccomp) hides Bluetooth sockets from the process", d.unconfined())
	}
	return problem(statusOther, "the process is in another network namespace than the first, which alone has Bluetooth, as in most containers", d.firstNamespace())
}

// unconfined returns the remedy for a filter of system calls.
func (d *diagnosis) unconfined() string {
	switch program := d.host.container(); program {
	case "docker", "podman":
		return program + " run --network host --security-opt seccomp=unconfined …"
	}
	return "add AF_BLUETOOTH to RestrictAddressFamilies= of the systemd unit, or run it outside of its sandbox"
}

// firstNamespace returns the remedy for a process in another network namespace.
func (d *diagnosis) firstNamespace() string {
	switch program := d.host.container(); program {
	case "docker", "podman":
		return program + " run --network host …"
	case "":
		return d.host.asRoot("nsenter --target 1 --net rfcommctl doctor")
	}
	return "give the container the network of the host (in Kubernetes, hostNetwork: true)"
}

// rfcomm returns whether the kernel has RFCOMM.
func (d *diagnosis) rfcomm() finding {
	_, err := bounded(d.ctx, func() (any, error) { return nil, d.host.socket() })
	switch {
	case d.ctx.Err() != nil:
		return d.timeUp("the kernel does not answer", d.host.onHost("dmesg"))
	case errors.Is(err, syscall.EPROTONOSUPPORT):
		detail, remedy := d.host.missingModule("rfcomm", "CONFIG_BT_RFCOMM")
		return problem(statusOther, detail, remedy)
	case err != nil:
		return problem(statusOf(err), "cannot open an RFCOMM socket: "+err.Error(), d.unconfined())
	}
	return ok("the module rfcomm is loaded")
}

// release returns the version of the kernel.
func (h *host) release() string { return h.read("proc/sys/kernel/osrelease") }

// loaded reports whether a module of the kernel is loaded, or part of the kernel:
// those with parameters, as bluetooth is, have a directory then, too.
func (h *host) loaded(module string) bool { return h.has("sys/module/" + module) }

// firstNamespace reports whether the process is in the first network namespace.
// That alone has this file (sysctl_core_init in Linux).
func (h *host) firstNamespace() bool { return h.has("proc/sys/net/core/dev_weight") }

// missingModule returns why a module of the kernel is missing, and the remedy.
func (h *host) missingModule(module, option string) (detail, remedy string) {
	release := h.release()
	directory := "lib/modules/" + release
	dependencies := h.read(directory + "/modules.dep")
	others, _ := fs.Glob(h.root, "lib/modules/*/modules.dep")
	switch {
	case strings.Contains(h.config(), "# "+option+" is not set"), dependencies != "" && !strings.Contains(dependencies, "/"+module+".ko"):
		return "the kernel " + release + " is built without the module " + module + " (" + option + ")", h.otherKernel(option)
	case h.blacklist(module) != "":
		return "the module " + module + " is not loaded: /" + h.blacklist(module) + " forbids it", "remove the line from /" + h.blacklist(module) + ", and " + h.asRoot("modprobe "+module)
	case dependencies == "" && len(others) > 0 && h.container() == "":
		return "the modules of the running kernel " + release + " are gone, as after its update", h.asRoot("reboot")
	}
	return "the module " + module + " is not loaded", h.onHost("modprobe " + module)
}

// config returns the options of the kernel, or "" if they are not known.
func (h *host) config() string {
	file, err := h.root.Open("proc/config.gz")
	if err != nil {
		return h.read("boot/config-" + h.release())
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return ""
	}
	text, _ := io.ReadAll(io.LimitReader(unpacked, 1<<22))
	return string(text)
}

// blacklist returns the file that forbids to load a module (modprobe.d(5)).
func (h *host) blacklist(module string) string {
	files, _ := fs.Glob(h.root, "etc/modprobe.d/*.conf")
	for _, file := range files {
		for line := range strings.Lines(h.read(file)) {
			words := strings.Fields(line)
			if len(words) >= 2 && words[1] == module && (words[0] == "blacklist" || words[0] == "install") {
				return file
			}
		}
	}
	return ""
}

// otherKernel returns the remedy for a kernel that is built without a module.
func (h *host) otherKernel(option string) string {
	release := h.release()
	ids := strings.Join(h.distributions(), " ")
	switch {
	case h.container() != "":
		return "boot a kernel with " + option + " on the host; to try without Bluetooth: rfcommctl demo"
	case strings.Contains(strings.ToLower(release), "microsoft"):
		return "build a kernel for WSL with " + option + "; to try without Bluetooth: rfcommctl demo"
	case strings.Contains(ids, "ubuntu"):
		return h.asRoot("apt install linux-modules-extra-" + release)
	case strings.Contains(ids, "debian") && strings.Contains(release, "cloud"):
		architecture := release[strings.LastIndexByte(release, '-')+1:]
		return h.asRoot("apt install linux-image-" + architecture + " && " + h.asRoot("reboot"))
	}
	return "boot a kernel with " + option + "; to try without Bluetooth: rfcommctl demo"
}

// adapter returns whether there is an adapter and, if not, whether one has no
// driver.
func (d *diagnosis) adapter() finding {
	switch {
	case d.only != "":
		one, err := findAdapter(d.adapters, d.only)
		if err != nil {
			return problem(statusNotFound, err.Error(), "rfcommctl adapters")
		}
		d.adapters = []rfcomm.Adapter{one}
		return ok(adapterList(d.adapters))
	case len(d.adapters) > 0:
		return ok(adapterList(d.adapters))
	}
	return d.noAdapter()
}

// noAdapter returns why there is no adapter.
func (d *diagnosis) noAdapter() finding {
	usb, driven := d.host.usbAdapters()
	switch {
	case usb == "" && d.host.switched("hard"):
		return problem(statusNotFound, "there is no Bluetooth adapter: a switch of this machine turns it off (rfkill)", "use the switch, or the key for airplane mode")
	case usb == "" && d.host.switched("soft"):
		return problem(statusNotFound, "there is no Bluetooth adapter: it is blocked (rfkill)", d.host.unblock())
	case usb == "":
		return problem(statusNotFound, "there is no Bluetooth adapter", noAdapterRemedy)
	case !driven:
		return problem(statusNotFound, "the USB device "+usb+" is a Bluetooth adapter, but has no driver", d.host.onHost("modprobe btusb"))
	}
	return problem(statusNotFound, "the USB device "+usb+" is a Bluetooth adapter, but its driver did not start it, perhaps without its firmware",
		d.host.onHost("dmesg | grep -i -e bluetooth -e firmware"))
}

// switched reports whether a switch for Bluetooth is in a state.
func (h *host) switched(state string) bool {
	types, _ := fs.Glob(h.root, "sys/class/rfkill/*/type")
	for _, file := range types {
		if h.read(file) == "bluetooth" && h.isOn(strings.TrimSuffix(file, "type")+state) {
			return true
		}
	}
	return false
}

// usbAdapters returns the name in sysfs of a USB interface for Bluetooth (class
// 0xe0, subclass 1, protocol 1), if possible of one without a driver.
func (h *host) usbAdapters() (name string, driven bool) {
	classes, _ := fs.Glob(h.root, "sys/bus/usb/devices/*/bInterfaceClass")
	for _, file := range classes {
		directory := strings.TrimSuffix(file, "/bInterfaceClass")
		if h.read(file) != "e0" || h.read(directory+"/bInterfaceSubClass") != "01" || h.read(directory+"/bInterfaceProtocol") != "01" {
			continue
		}
		name = strings.TrimPrefix(directory, "sys/bus/usb/devices/")
		if !h.has(directory + "/driver") {
			return name, false
		}
		driven = true
	}
	return name, driven
}
