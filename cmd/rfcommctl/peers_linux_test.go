package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// The tests in this file have programs of PyBluez and BlueZ on the other side.

// everyByte returns random data that has every byte value.
func everyByte(size int) []byte {
	data := make([]byte, size)
	rand.Read(data)
	for i := range 256 {
		data[i] = byte(i)
	}
	return data
}

// digest returns the SHA-256 of data, as sha256sum prints it.
func digest(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

// A peer is a program on the far side.
type peer struct {
	*exec.Cmd
	lines  *bufio.Reader // of standard output
	stderr bytes.Buffer
}

// startPeer starts a program of the far side.
func startPeer(t *testing.T, c *exec.Cmd) *peer {
	t.Helper()
	p := &peer{Cmd: c}
	p.Stderr = &p.stderr
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Process.Kill()
		p.Wait()
	})
	p.lines = bufio.NewReader(stdout)
	return p
}

// line returns the next line of standard output.
func (p *peer) line(t *testing.T) string {
	t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		p.Process.Kill()
		p.Wait()
		t.Fatalf("%q, %v\n%s", line, err, &p.stderr)
	}
	return strings.TrimSpace(line)
}

// pyServer accepts connections one after the other. Each sends the length of its
// data and the data, which the server sends back before it closes the connection.
const pyServer = `
import sys, hashlib, bluetooth
s = bluetooth.BluetoothSocket(bluetooth.RFCOMM)
s.bind((sys.argv[1], bluetooth.PORT_ANY))
s.listen(1)
print(s.getsockname()[1], flush=True)
for _ in range(int(sys.argv[3])):
    c, _ = s.accept()
    data = b""
    while len(data) < int(sys.argv[2]):
        data += c.recv(4096)
    print(hashlib.sha256(data).hexdigest(), flush=True)
    c.sendall(data)
    c.close()
`

// startPyServer starts pyServer for a number of connections.
func (r *radio) startPyServer(t *testing.T, length, connections int) (p *peer, target string) {
	t.Helper()
	p = startPeer(t, labtest.PyBluez(t, pyServer, r.far.String(), strconv.Itoa(length), strconv.Itoa(connections)))
	return p, r.far.String() + "/" + p.line(t)
}

func TestRFCOMMConnectReachesPyBluez(t *testing.T) {
	r := overRFCOMM(t)
	content := everyByte(1 << 13)
	server, target := r.startPyServer(t, len(content), 1)
	stdout, stderr := r.runs(t, 0, string(content), "connect", target, "-v", "--wait", "2m")
	if got, want := server.line(t), digest(content); got != want {
		t.Errorf("PyBluez received data with the digest %s, want %s", got, want)
	}
	if digest([]byte(stdout)) != digest(content) {
		t.Errorf("%d bytes of %d came back", len(stdout), len(content))
	}
	wantParts(t, stderr, "sent 8192 bytes, received 8192")
}

// With --listen-tcp, one TCP client after the other has a connection of its own.
func TestRFCOMMConnectListensOnTCP(t *testing.T) {
	r := overRFCOMM(t)
	content := everyByte(1 << 13)
	server, target := r.startPyServer(t, len(content), 2)
	b := r.starts(t, "", "connect", target, "--listen-tcp", "0", "--wait", "2m", "-v")
	address := ""
	for address == "" {
		line, err := b.errors.ReadString('\n')
		if err != nil {
			t.Fatal(line, err)
		}
		_, address, _ = strings.Cut(strings.TrimSpace(line), "listening on ")
	}
	for range 2 {
		client, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		sent := hosttest.InBackground(func() error { _, err := client.Write(content); return err })
		back, err := io.ReadAll(client)
		if err != nil || digest(back) != digest(content) || server.line(t) != digest(content) {
			t.Errorf("%d bytes of %d came back, %v", len(back), len(content), err)
		}
		if err := hosttest.Receive(t, sent); err != nil {
			t.Error(err)
		}
		client.Close()
	}
	b.ends(t, os.Interrupt, 130)
}

// pyClient sends standard input and prints the digest of the received data, up to
// a number of bytes.
const pyClient = `
import sys, hashlib, bluetooth
s = bluetooth.BluetoothSocket(bluetooth.RFCOMM)
s.bind((sys.argv[1], 0))
s.connect((sys.argv[2], int(sys.argv[3])))
s.sendall(sys.stdin.buffer.read())
data = b""
while len(data) < int(sys.argv[4]):
    data += s.recv(4096)
s.close()
print(hashlib.sha256(data).hexdigest())
`

func TestRFCOMMListenServesPyBluez(t *testing.T) {
	r := overRFCOMM(t)
	channel := labtest.NextChannel()
	there, back := everyByte(1<<13), everyByte(1<<12)
	c := r.program(t, "listen", "--channel", fmt.Sprint(channel), "-v")
	c.Stdin = bytes.NewReader(back)
	l := startBackground(t, "listening on channel", c)
	client := labtest.PyBluez(t, pyClient, r.far.String(), r.near.String(), fmt.Sprint(channel), fmt.Sprint(len(back)))
	client.Stdin = bytes.NewReader(there)
	if got, want := strings.TrimSpace(printedBy(t, client)), digest(back); got != want {
		t.Errorf("PyBluez received data with the digest %s, want %s", got, want)
	}
	if l.ends(t, nil, 0); digest([]byte(l.stdout.String())) != digest(there) {
		t.Errorf("it printed %d bytes of %d", l.stdout.Len(), len(there))
	}
}

// printedBy returns the standard output of a command.
func printedBy(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	c.Stderr = &stderr
	printed, err := c.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s", c.Args, err, &stderr)
	}
	return string(printed)
}

// An rfcommProgram is rfcomm(1), which makes a node of its connection.
type rfcommProgram struct {
	*hosttest.Terminal // its standard output, which it does not write to a pipe in time
	node               string
}

// startRfcomm starts rfcomm(1) at the far adapter.
func (r *radio) startRfcomm(t *testing.T, command string, arguments ...string) *rfcommProgram {
	t.Helper()
	p := &rfcommProgram{hosttest.OpenTerminal(t), "/dev/rfcomm7"}
	c := exec.CommandContext(t.Context(), labtest.Program(t, "rfcomm", "bluez"),
		append([]string{"-r", "-i", r.far.String(), command, p.node}, arguments...)...)
	c.Stdout, c.Stderr = p.Slave, p.Slave
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Signal(os.Interrupt)
		c.Wait()
		r.wantNoNodes(t)
	})
	return p
}

// awaits waits for a text of standard output.
func (p *rfcommProgram) awaits(t *testing.T, text string) {
	t.Helper()
	hosttest.Eventually(t, text, func() bool { return strings.Contains(p.String(), text) })
}

// pipes is the program in the background with pipes for its input and its output.
type pipes struct {
	*background
	input  io.Writer
	output io.Reader
}

// startsWithPipes starts the program and waits for a text on standard error.
func (r *radio) startsWithPipes(t *testing.T, text string, arguments ...string) *pipes {
	t.Helper()
	c := r.program(t, arguments...)
	input, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	return &pipes{startBackground(t, text, c), input, output}
}

func TestRFCOMMListenServesRfcomm(t *testing.T) {
	r := overRFCOMM(t)
	channel := fmt.Sprint(labtest.NextChannel())
	l := r.startsWithPipes(t, "listening on channel", "listen", "-i", r.near.String(), "--channel", channel, "-v")
	p := r.startRfcomm(t, "connect", r.near.String(), channel)
	p.awaits(t, "Connected "+p.node)
	l.awaits(t, "Connection from ["+r.far.String())
	port := openPort(t, p.node)
	crosses(t, port, l.output, "question"+awkward)
	crosses(t, l.input, port, "answer"+awkward)
	stdout, _ := r.runs(t, 0, "", "tty", "--list")
	wantParts(t, stdout, p.node+"  ", r.near.String()+"/"+channel, "connected, open")
	l.ends(t, os.Interrupt, 130)
	port.Close()
}

func TestRFCOMMConnectReachesRfcomm(t *testing.T) {
	r := overRFCOMM(t)
	channel := fmt.Sprint(labtest.NextChannel())
	p := r.startRfcomm(t, "listen", channel)
	p.awaits(t, "Waiting for connection on channel "+channel)
	c := r.startsWithPipes(t, "Connected to ", "connect", r.far.String()+"/"+channel, "-i", r.near.String(), "-v")
	p.awaits(t, "Connection from "+r.near.String())
	port := openPort(t, p.node)
	crosses(t, port, c.output, "login: "+awkward)
	crosses(t, c.input, port, "root"+awkward)
	c.ends(t, os.Interrupt, 130)
	port.Close()
}

// sdptool finds the record of listen, and services prints it in the same form.
func testPeersFindRecord(t *testing.T, r *radio) {
	l := r.starts(t, `published as "Clock"`, "listen", "--publish", "Clock", "--keep", "--security", "low")
	defer l.ends(t, os.Interrupt, 130)
	sdptool := labtest.Program(t, "sdptool", "bluez")
	found := printedBy(t, exec.CommandContext(t.Context(), sdptool, "-i", r.far.String(), "search", "--bdaddr", r.near.String(), "SP"))
	wantParts(t, found, "Service Name: Clock\n", `"Serial Port" (0x1101)`)
	stdout, _ := r.runs(t, 0, "", "services", r.near.String()+"/spp", "-i", r.far.String())
	_, channel, _ := strings.Cut(found, "Channel: ")
	channel, _, _ = strings.Cut(channel, "\n")
	wantParts(t, stdout, "Clock\n", "channel   "+channel+"\n")
	stdout, _ = r.runs(t, 0, "", "services", r.near.String()+"/spp", "-i", r.far.String(), "--xml")
	browsed := printedBy(t, exec.CommandContext(t.Context(), sdptool, "-i", r.far.String(), "browse", "--xml", r.near.String()))
	if printed := xmlRecords(stdout); len(printed) != 1 || !slices.Contains(xmlRecords(browsed), printed[0]) {
		t.Errorf("services printed %s\nsdptool %s", stdout, browsed)
	}
	records := printedBy(t, labtest.PyBluez(t, `
import sys, bluetooth
for s in bluetooth.find_service(address=sys.argv[1], uuid=bluetooth.SERIAL_PORT_CLASS):
    print(s["name"], s["port"], s["protocol"])
`, r.near.String()))
	if want := "Clock " + channel + " RFCOMM\n"; records != want {
		t.Errorf("PyBluez found %q, want %q", records, want)
	}
}

// xmlRecords returns the records in the output of services or sdptool, without
// spaces between elements.
func xmlRecords(text string) (records []string) {
	for part := range strings.SplitSeq(text, "<record>") {
		if body, _, found := strings.Cut(part, "</record>"); found {
			records = append(records, strings.Join(strings.Fields(body), " "))
		}
	}
	return records
}

// A connection whose link is lost fails: the exit status is not 0, although data
// was sent before.
func TestRFCOMMConnectReportsLostLink(t *testing.T) {
	r := overRFCOMM(t)
	accepted, target := r.target(t)
	c := r.startsWithPipes(t, "Connected to ", "connect", target, "-v")
	conn := accepted()
	crosses(t, c.input, conn, "question")
	r.Disconnect(0x08) // supervision timeout
	rest, _ := io.ReadAll(c.errors)
	if status := exitStatus(t, c.Wait()); status != statusBusy {
		t.Errorf("status %d, want %d", status, statusBusy)
	}
	_, last, _ := strings.Cut(string(rest), "rfcommctl: sent 8 bytes, received 0\n")
	wantError(t, last, target[:17])
}

// picocom talks to the device through the port of tty, both as user nobody.
func TestRFCOMMTTYServesPicocom(t *testing.T) {
	r := overRFCOMM(t)
	accepted, target := r.target(t)
	link := filepath.Join(r.cache, "modem")
	j := startTTY(t, r.program(t, "tty", target, "--pty", "--link", link), link)
	j.opens(t).Close()
	conn := accepted()
	terminal := hosttest.OpenTerminal(t)
	c := exec.CommandContext(t.Context(), labtest.Program(t, "picocom", "picocom"), "--nolock", link)
	c.Stdin, c.Stdout, c.Stderr = terminal.Slave, terminal.Slave, terminal.Slave
	labtest.SetNobody(c)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	shows := func(text string) {
		t.Helper()
		hosttest.Eventually(t, text, func() bool { return strings.Contains(terminal.String(), text) })
	}
	shows("Terminal ready") // picocom has discarded its input
	io.WriteString(conn, "login: ")
	shows("login: ")
	terminal.Type(t, "root\n")
	got := make([]byte, 5)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "root\n" {
		t.Errorf("the device received %q, %v", got, err)
	}
	terminal.Type(t, "\x01\x11") // Ctrl-A Ctrl-Q: exit without a reset
	if err := c.Wait(); err != nil {
		t.Errorf("picocom: %v: %s", err, terminal)
	}
	conn.Close()
	j.ends(t, 0)
}

// wantBluetoothctl checks that bluetoothctl describes a device by some texts.
func (r *radio) wantBluetoothctl(t *testing.T, device rfcomm.BDAddr, parts ...string) {
	t.Helper()
	d := &dialogue{Terminal: hosttest.OpenTerminal(t)}
	c := exec.CommandContext(t.Context(), labtest.Program(t, "bluetoothctl", "bluez"))
	c.Stdin, c.Stdout, c.Stderr = d.Slave, d.Slave, d.Slave
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	shows := func(text string) {
		t.Helper()
		hosttest.Eventually(t, text, func() bool { return strings.Contains(d.String(), text) })
	}
	shows("Agent registered")
	d.Type(t, "select "+r.near.String()+"\n")
	d.Type(t, "info "+device.String()+"\n")
	for _, part := range parts {
		shows(part)
	}
	d.Type(t, "quit\n")
	c.Wait()
}
