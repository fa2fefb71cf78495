package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// The tests on real adapters are named TestRFCOMM…: the lab runs those alone.
// The program has no privileges in them.

// nobody is the ID of the user and group without rights in Debian.
const nobody = 65534

// A radio is two adapters in range of each other, and the cache directory of the
// program.
type radio struct {
	*labtest.Lab
	near, far rfcomm.BDAddr
	cache     string
}

// overRFCOMM skips a test that is not run in the lab.
func overRFCOMM(t *testing.T) *radio {
	t.Helper()
	l := labtest.Require(t)
	labtest.RequireRoot(t)
	cache, err := os.MkdirTemp("", "rfcommctl-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(cache) })
	if err := os.Chown(cache, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return &radio{l, l.Dialer(), l.Device(), cache}
}

// program returns a command that runs the program as user nobody.
func (r *radio) program(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	c := labtest.AsNobody(t, arguments...)
	c.Env = programEnvironment(r.cache)
	return c
}

// runs runs the program and checks its exit status.
func (r *radio) runs(t *testing.T, status int, input string, arguments ...string) (stdout, stderr string) {
	t.Helper()
	return checked(t, status, input, r.program(t, arguments...))
}

// checked runs a command and checks its exit status.
func checked(t *testing.T, status int, input string, c *exec.Cmd) (stdout, stderr string) {
	t.Helper()
	var out, complaints strings.Builder
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &complaints
	if got := exitStatus(t, c.Run()); got != status {
		t.Errorf("%q: status %d, want %d\n%s%s", c.Args[1:], got, status, &out, &complaints)
	}
	t.Logf("rfcommctl %s\n%.2000q\n%s", strings.Join(c.Args[1:], " "), out.String(), &complaints)
	return out.String(), complaints.String()
}

// listen returns a listener of the far adapter.
func (r *radio) listen(t *testing.T) (*rfcomm.Listener, int) {
	t.Helper()
	channel := labtest.NextChannel()
	l, err := new(rfcomm.ListenConfig).ListenRFCOMM(t.Context(), rfcomm.Addr{Device: r.far, Channel: channel})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, channel
}

// publish serves records of the far adapter until the end of the test.
func (r *radio) publish(t *testing.T, records ...*sdp.Record) {
	t.Helper()
	l, err := sdp.Listen(r.far)
	if err != nil {
		t.Fatal(err)
	}
	var s sdp.Server
	for _, record := range records {
		if _, err := s.Add(record); err != nil {
			t.Fatal(err)
		}
	}
	served := hosttest.InBackground(func() error { return s.Serve(l) })
	t.Cleanup(func() {
		s.Close()
		hosttest.Receive(t, served)
	})
}

func TestRFCOMMAdapters(t *testing.T) {
	r := overRFCOMM(t)
	stdout, _ := r.runs(t, 0, "", "adapters")
	wantParts(t, stdout, r.near.String()+"  up, connectable", r.far.String()+"  up, connectable")
	r.NoScan(labtest.DeviceAdapter)
	r.Down(labtest.DialerAdapter)
	stdout, _ = r.runs(t, 0, "", "adapters")
	wantParts(t, stdout, r.near.String()+"  down\n", "power on", r.far.String()+"  up, not connectable", "--discoverable 3m")
	r.Up(labtest.DialerAdapter)
	stdout, _ = r.runs(t, 0, "", "adapters", "--json", "-i", r.far.String())
	wantParts(t, stdout, `"address":"`+r.far.String()+`","up":true,"page_scan":false,"inquiry_scan":false,"problems":["no device`)
}

func TestRFCOMMScanFindsNames(t *testing.T) {
	r := overRFCOMM(t)
	stdout, _ := r.runs(t, 0, "", "scan", "-t", "3s", "-i", r.near.String())
	line := ""
	for l := range strings.Lines(stdout) {
		if strings.HasPrefix(l, r.far.String()) {
			line = l
		}
	}
	wantParts(t, line, " dBm  ")
	stdout, _ = r.runs(t, 0, "", "__complete", "connect", "")
	wantParts(t, stdout, r.far.String())
	stdout, _ = r.runs(t, 0, "", "scan", "-t", "5s", "-i", r.near.String(), "--json")
	wantParts(t, stdout, `{"address":"`+r.far.String()+`",`, `"rssi":-`)
}

func TestRFCOMMServices(t *testing.T) {
	r := overRFCOMM(t)
	channel := labtest.NextChannel()
	r.publish(t, sdp.NewSerialPort("GPS \x1b[31m", channel), sdp.NewObjectPush("Inbox", 12))
	device := r.far.String()
	stdout, _ := r.runs(t, 0, "", "services", device)
	wantParts(t, stdout, `GPS \x1b[31m`, "Serial Port (0x1101)", fmt.Sprintf("channel   %d\n", channel), "Inbox", "Object Push")
	stdout, _ = r.runs(t, 0, "", "services", device+"/opp")
	wantParts(t, stdout, "Inbox")
	if strings.Contains(stdout, "GPS") {
		t.Errorf("opp is %s", stdout)
	}
	stdout, _ = r.runs(t, 0, "", "services", device+"/spp", "--xml", "-i", r.near.String())
	wantParts(t, stdout, "<record>", `<uuid value="0x1101"`)
	stdout, _ = r.runs(t, 0, "", "services", device+"/spp", "--json")
	wantParts(t, stdout, `"0x0001":{"sequence":[{"uuid":"0x1101"}]}`)
	_, stderr := r.runs(t, statusNotFound, "", "services", device+"/ftp")
	wantError(t, stderr, device)
}

func TestRFCOMMServicesOfBluetoothd(t *testing.T) {
	r := overRFCOMM(t)
	daemons.Bluetoothd(t, daemons.Options{})
	stdout, _ := r.runs(t, 0, "", "services", r.far.String())
	wantParts(t, stdout, "PnP Information (0x1200)", "A/V Remote Control (0x110e)", "L2CAP     PSM 0x0017")
}

func TestRFCOMMConnectSendsFile(t *testing.T) {
	r := overRFCOMM(t)
	listener, channel := r.listen(t)
	r.publish(t, sdp.NewSerialPort("Sink", channel))
	content := make([]byte, 1<<20)
	if testing.Short() {
		content = content[:1<<17]
	}
	rand.Read(content)
	for _, target := range []string{fmt.Sprintf("%s/%d", r.far, channel), r.far.String() + "/spp"} {
		received := hosttest.InBackground(func() []byte {
			conn, err := listener.Accept()
			if err != nil {
				return nil
			}
			defer conn.Close()
			data, _ := io.ReadAll(conn)
			return data
		})
		_, stderr := r.runs(t, 0, string(content), "connect", target, "-v", "--wait", "0")
		wantParts(t, stderr, "Connected to ", "everything was received", fmt.Sprintf("sent %d bytes, received 0", len(content)))
		if got := hosttest.Receive(t, received); !bytes.Equal(got, content) {
			t.Errorf("%s: the server received %d bytes of %d", target, len(got), len(content))
		}
	}
}

func TestRFCOMMConnectBothWays(t *testing.T) {
	r := overRFCOMM(t)
	listener, channel := r.listen(t)
	content := make([]byte, 1<<16)
	rand.Read(content)
	served := hosttest.InBackground(func() error {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = io.Copy(conn, io.LimitReader(conn, int64(len(content))))
		return err
	})
	stdout, _ := r.runs(t, 0, string(content), "connect", fmt.Sprintf("%s/%d", r.far, channel), "--wait", "2m")
	if stdout != string(content) {
		t.Errorf("%d bytes of %d came back", len(stdout), len(content))
	}
	if err := hosttest.Receive(t, served); err != nil {
		t.Error(err)
	}
}

func TestRFCOMMConnectNamesWhatIsWrong(t *testing.T) {
	r := overRFCOMM(t)
	free := fmt.Sprintf("%s/%d", r.far, labtest.NextChannel())
	_, stderr := r.runs(t, statusNotFound, "", "connect", free)
	wantError(t, stderr, "connection refused")
	r.publish(t, sdp.NewObjectPush("Inbox", 12))
	_, stderr = r.runs(t, statusNotFound, "", "connect", r.far.String()+"/spp")
	wantError(t, stderr, "Serial Port", "Inbox", "channel 12")
	r.Sync()
	r.NoScan(labtest.DeviceAdapter)
	_, stderr = r.runs(t, statusNotFound, "", "connect", free)
	wantError(t, stderr, "host is down")
	_, stderr = r.runs(t, statusNotFound, "", "services", r.far.String())
	wantError(t, stderr, "host is down")
	_, stderr = r.runs(t, statusNotFound, "", "connect", free, "-i", "hci7")
	wantError(t, stderr, "hci7", r.near.String())
}

// The command gets no connection over a link that is not encrypted.
func TestRFCOMMConnectExecIsEncrypted(t *testing.T) {
	r := overRFCOMM(t)
	listener, channel := r.listen(t)
	target := fmt.Sprintf("%s/%d", r.far, channel)
	_, other := r.listen(t)
	plain, err := (&rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: r.near}}).DialRFCOMM(t.Context(), rfcomm.Addr{Device: r.far, Channel: other})
	if err != nil {
		t.Fatal(err)
	}
	_, stderr := r.runs(t, statusPermission, "", "connect", target, "--exec", "echo unpaired")
	wantError(t, stderr, "not encrypted")
	plain.Close()
	r.Sync()
	r.Pair()
	received := hosttest.InBackground(func() string {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return err.Error()
			}
			fmt.Fprintln(conn, "question")
			data, _ := io.ReadAll(conn)
			conn.Close()
			if len(data) > 0 { // else it is the refused connection
				return string(data)
			}
		}
	})
	r.runs(t, 0, "", "connect", target, "--exec", "read word; echo answer to $word")
	if got := hosttest.Receive(t, received); got != "answer to question\n" {
		t.Errorf("the server received %q", got)
	}
}

// Ctrl-C during a scan and a dial ends them orderly: the adapters can be used at
// once.
func TestRFCOMMInterrupted(t *testing.T) {
	r := overRFCOMM(t)
	r.Stall()
	for _, arguments := range [][]string{
		{"scan", "-t", "1000s", "-v", "-i", r.near.String()},
		{"services", r.far.String(), "-v"},
		{"connect", r.far.String() + "/spp", "-v"},
	} {
		c := r.program(t, arguments...)
		stderr, err := c.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(stderr)
		if first, err := lines.ReadString('\n'); err != nil {
			t.Fatal(first, err)
		}
		c.Process.Signal(os.Interrupt)
		rest, _ := io.ReadAll(lines)
		if status := exitStatus(t, c.Wait()); status != 130 {
			t.Errorf("%q: status %d, want 130\n%s", arguments, status, rest)
		}
		wantError(t, string(rest), "interrupted")
	}
	r.Resume()
	stdout, _ := r.runs(t, 0, "", "scan", "-t", "3s", "-i", r.near.String())
	wantParts(t, stdout, r.far.String())
}
