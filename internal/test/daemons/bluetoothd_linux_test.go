package daemons

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/hcictl"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// wantAnswers checks whether all adapters answer pages and inquiries.
func wantAnswers(t *testing.T, pages, inquiries bool) {
	t.Helper()
	all, err := hci.Adapters()
	if err != nil || len(all) < 2 {
		t.Fatalf("%d adapters, %v", len(all), err)
	}
	for _, a := range all {
		if got := a.Flags&hci.PageScan != 0; got != pages {
			t.Errorf("%s answers pages: %v, want %v", a.Name, got, pages)
		}
		if got := a.Flags&hci.InquiryScan != 0; got != inquiries {
			t.Errorf("%s answers inquiries: %v, want %v", a.Name, got, inquiries)
		}
	}
}

// objects returns the objects of bluetoothd, as dbus-send prints them.
func objects(t *testing.T) string {
	t.Helper()
	reply, err := SystemBus(t).Call("org.bluez", "/", "org.freedesktop.DBus.ObjectManager.GetManagedObjects")
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// wantObjects checks that bluetoothd has published both adapters of the lab.
func wantObjects(t *testing.T) {
	t.Helper()
	lab, reply := labtest.Require(t), objects(t)
	for _, address := range []rfcomm.BDAddr{lab.Dialer(), lab.Device()} {
		if !strings.Contains(reply, fmt.Sprintf("string \"%v\"", address)) {
			t.Errorf("bluetoothd has no adapter %v:\n%s", address, reply)
		}
	}
}

func TestBluetoothdPublishesAdapters(t *testing.T) {
	lab := inLab(t)
	for _, version := range Versions() {
		t.Run(version.Name, func(t *testing.T) {
			wantEndsWithTest(t, func(t *testing.T) *Daemon {
				d := Bluetoothd(t, Options{BlueZ: version})
				wantObjects(t)
				wantAnswers(t, true, false)
				conntest.Pair(t, lab.Dialer(), lab.Device())
				return d
			})
			wantAnswers(t, true, true)
		})
	}
}

func TestBluetoothdTakesOptions(t *testing.T) {
	inLab(t)
	socketExists := func() bool {
		_, err := os.Stat(SDPSocket)
		return err == nil
	}
	t.Run("running", func(t *testing.T) {
		Bluetoothd(t, Options{Args: []string{"--compat", "--noplugin=sap"}, Config: "[General]\nName = Thermometer\n"})
		if !socketExists() {
			t.Errorf("the option --compat has not made %s", SDPSocket)
		}
		if reply := objects(t); !strings.Contains(reply, `string "Thermometer"`) {
			t.Errorf("the name in main.conf is not that of an adapter:\n%s", reply)
		}
	})
	if socketExists() {
		t.Errorf("%s has outlived bluetoothd", SDPSocket)
	}
}

func TestBluetoothdDiscoversDevice(t *testing.T) {
	lab := inLab(t)
	for _, version := range Versions() {
		t.Run(version.Name, func(t *testing.T) {
			d := Bluetoothd(t, Options{BlueZ: version, Config: "[General]\nName = Thermometer\n"})
			setScan(t, adaptersUp(t), hcictl.ScanInquiryAndPage)
			shown := bluetoothctlShows(t, fmt.Sprintf("Device (%v|%v) Thermometer",
				rfcomm.BDAddr(lab.Dialer()), rfcomm.BDAddr(lab.Device())), "scan", "on")
			if !shown {
				t.Error("bluetoothctl has not shown the other device")
			}
			// bluetoothd logs the end of each inquiry.
			if strings.Contains(d.Output(), "discovering 0 ") {
				t.Error("the first inquiry has not found the device")
			}
		})
	}
}

// bluetoothctlShows runs a command of bluetoothctl for at most a minute, and
// reports whether it prints a line that matches a pattern. It returns at that
// line, and the command ends with the test.
func bluetoothctlShows(t *testing.T, pattern string, arguments ...string) bool {
	t.Helper()
	screen, terminal := openPTY(t) // bluetoothctl prints to a pipe only at its end
	command := exec.CommandContext(t.Context(), "bluetoothctl", append([]string{"--timeout", "60"}, arguments...)...)
	command.Stdout = terminal
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close() // so that reading ends with the command
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	var printed []string
	for lines := bufio.NewScanner(screen); lines.Scan(); {
		if regexp.MustCompile(pattern).MatchString(lines.Text()) {
			return true
		}
		printed = append(printed, lines.Text())
	}
	t.Logf("bluetoothctl printed %q", printed)
	return false
}
