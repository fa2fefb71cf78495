package daemons

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/hcictl"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// bluezName is the name of bluetoothd on the system bus.
const bluezName = "org.bluez"

// bluezState is the directory with bluetoothd's bonds and settings.
const bluezState = "/var/lib/bluetooth"

// SDPSocket is the Unix socket that bluetoothd opens with the option --compat,
// for programs that add records, and leaves behind.
const SDPSocket = "/run/sdp"

// bluezVariable is the environment variable with the directory of a newer BlueZ
// and its libraries, which lab/newer-bluez prints.
const bluezVariable = "RFCOMM_BLUEZ"

// A BlueZ is an installation of bluetoothd. The zero value is that of the
// machine.
type BlueZ struct {
	// Name is a word for the names of subtests.
	Name string

	directory string
}

// Versions returns the versions of bluetoothd: that of the machine and, with
// the option -long of lab/test, that of a newer Debian release.
func Versions() []BlueZ {
	versions := []BlueZ{{Name: "installed"}}
	if directory := os.Getenv(bluezVariable); directory != "" {
		versions = append(versions, BlueZ{"newer", directory})
	}
	return versions
}

// command returns the command line that starts bluetoothd. A newer one needs
// the libraries of its own release, and their loader.
func (z BlueZ) command() []string {
	const program = "/usr/libexec/bluetooth/bluetoothd"
	if z.directory == "" {
		return []string{program}
	}
	libraries := filepath.Join(z.directory, "usr/lib/x86_64-linux-gnu")
	return []string{filepath.Join(libraries, "ld-linux-x86-64.so.2"),
		"--library-path", libraries, filepath.Join(z.directory, program)}
}

// Bluetoothd starts bluetoothd, and the system bus unless it runs already. The
// daemon is ready when it has published all adapters that are up. It has no
// bonds at first, and keeps its bonds when it is restarted. The main.conf of
// the machine has no effect.
//
// While it has no bond, bluetoothd turns page scan off. The adapters that are
// up when it starts answer pages again as soon as it is ready, so a test must
// make its radios before. They do not answer inquiries. When the daemon has
// ended, they are up and answer both.
func Bluetoothd(t testing.TB, o Options) *Daemon {
	t.Helper()
	lab := labtest.Require(t)
	labtest.RequireRoot(t)
	bus := SystemBus(t)
	config := filepath.Join(t.TempDir(), "main.conf")
	if err := os.WriteFile(config, []byte(o.Config), 0o644); err != nil {
		t.Fatal(err)
	}
	emptyState(t)
	t.Cleanup(func() {
		// bluetoothd leaves the adapters under the control of the management
		// interface and with simple pairing, so that the kernel encrypts all
		// links. Adapters that are plugged in again are new to the kernel.
		lab.Sync()
		lab.Unplug() // at its end, the test plugs them in
	})
	var adapters []hci.Adapter
	var offset int
	return run(t, program{
		name:    "bluetoothd",
		pkg:     "bluez",
		command: append(append(o.BlueZ.command(), "--nodetach", "--debug", "--configfile="+config), o.Args...),
		before: func() {
			adapters = adaptersUp(t)
			// If the adapters answered pages now, bluetoothd would turn that
			// off at some time after it has published them.
			setScan(t, adapters, hcictl.ScanNothing)
			offset = bus.monitor.output.size()
		},
		ready: func(d *Daemon) {
			d.await("its name is on the bus", &bus.monitor.output, func() bool { return bus.named(offset, bluezName) })
			for _, a := range adapters {
				d.await(a.Name+" is on the bus", &bus.monitor.output, func() bool { return bus.added(offset, "/org/bluez/"+a.Name) })
			}
			setScan(t, adapters, hcictl.ScanPage)
		},
		after: func() {
			os.Remove(SDPSocket)
			restore(t, adapters)
		},
	})
}

// emptyState gives bluetoothd an empty directory for its state, until the end
// of the test.
func emptyState(t testing.TB) {
	t.Helper()
	if err := os.MkdirAll(bluezState, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("bluetooth", bluezState, "tmpfs", 0, "mode=0700"); err != nil {
		t.Fatalf("mounting a file system on %s: %v", bluezState, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(bluezState, 0); err != nil {
			t.Errorf("unmounting %s: %v", bluezState, err)
		}
	})
}

// adaptersUp returns the adapters that are up.
func adaptersUp(t testing.TB) (up []hci.Adapter) {
	t.Helper()
	all, err := hci.Adapters()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Flags&hci.Up != 0 {
			up = append(up, a)
		}
	}
	return up
}

func setScan(t testing.TB, adapters []hci.Adapter, scan hcictl.Scan) {
	t.Helper()
	for _, a := range adapters {
		if err := hcictl.SetScan(a.Index, scan); err != nil {
			t.Fatal(err)
		}
	}
}

// restore powers adapters on and makes them answer pages and inquiries again.
// bluetoothd powers all adapters off when it ends.
func restore(t testing.TB, adapters []hci.Adapter) {
	t.Helper()
	for _, a := range adapters {
		if err := hcictl.PowerOn(a.Index); err != nil {
			t.Error(err)
		}
		if err := hcictl.SetScan(a.Index, hcictl.ScanInquiryAndPage); err != nil {
			t.Error(err)
		}
	}
}
