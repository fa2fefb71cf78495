package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/sdp"
	"github.com/go-rfcomm/rfcomm/serial"
)

// asRoot returns a command that runs the program with all privileges.
func (r *radio) asRoot(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	c := program(t, arguments...)
	c.Env = programEnvironment(r.cache)
	return c
}

// runsAsRoot runs the program with all privileges, and checks its exit status.
func (r *radio) runsAsRoot(t *testing.T, status int, arguments ...string) (stdout, stderr string) {
	t.Helper()
	return checked(t, status, "", r.asRoot(t, arguments...))
}

// target returns a target that accepts one connection, and that connection.
func (r *radio) target(t *testing.T) (accepted func() net.Conn, target string) {
	t.Helper()
	l, channel := r.listen(t)
	connections := hosttest.InBackground(func() net.Conn {
		conn, err := l.Accept()
		if err != nil {
			return nil
		}
		return conn
	})
	return func() net.Conn {
		t.Helper()
		conn := hosttest.Receive(t, connections)
		if conn == nil {
			t.Fatal("no connection")
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}, fmt.Sprintf("%s/%d", r.far, channel)
}

// wantNoNodes checks that the kernel has no nodes.
func (r *radio) wantNoNodes(t *testing.T) {
	t.Helper()
	hosttest.Eventually(t, "no node is left", func() bool {
		nodes, err := serial.Devices()
		left, _ := filepath.Glob("/dev/rfcomm*")
		return err == nil && len(nodes) == 0 && len(left) == 0
	})
}

// Without privileges, and without udev, the port is a pty.
func TestRFCOMMTTYIsPTYForNobody(t *testing.T) {
	r := overRFCOMM(t)
	accepted, target := r.target(t)
	link := filepath.Join(r.cache, "gps")
	j := startTTY(t, r.program(t, "tty", target, "--link", link, "-v"), link)
	port := j.opens(t)
	conn := accepted()
	crosses(t, port, conn, "question"+awkward)
	crosses(t, conn, port, "answer"+awkward)
	conn.Close()
	wantParts(t, j.ends(t, 0), "is a pty", "dialout", "Connected to ")
	r.wantNoNodes(t)

	accepted, target = r.target(t)
	_, stderr := r.runs(t, statusPermission, "", "tty", target, "--kernel")
	accepted()
	wantError(t, stderr, "dialout")
	r.wantNoNodes(t)
}

func TestRFCOMMTTYIsNode(t *testing.T) {
	r := overRFCOMM(t)
	accepted, target := r.target(t)
	link := filepath.Join(r.cache, "gps")
	j := startTTY(t, r.asRoot(t, "tty", target, "--link", link, "-v"), link)
	port := j.opens(t)
	conn := accepted()
	crosses(t, port, conn, "question")
	crosses(t, conn, port, "answer")
	if node, err := os.Readlink(link); err != nil || !strings.HasPrefix(node, "/dev/rfcomm") {
		t.Errorf("the link is %q, %v", node, err)
	}
	stdout, _ := r.runs(t, 0, "", "tty", "--list")
	wantParts(t, stdout, "/dev/rfcomm", target+" ", "connected, open", r.near.String())
	stdout, _ = r.runs(t, 0, "", "tty", "--list", "--json")
	wantParts(t, stdout, `"address":"`+r.far.String()+`"`, `"state":"connected"`)
	j.Process.Signal(os.Interrupt)
	wantParts(t, j.ends(t, 130), "is a node of the kernel")
	if n, err := port.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the program reads %d, %v after the end", n, err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the device reads %d, %v", n, err)
	}
	port.Close() // until then, the kernel keeps the node
	r.wantNoNodes(t)
}

func TestRFCOMMTTYKeepReconnects(t *testing.T) {
	r := overRFCOMM(t)
	l, channel := r.listen(t)
	link := filepath.Join(r.cache, "gps")
	j := startTTY(t, r.program(t, "tty", fmt.Sprintf("%s/%d", r.far, channel), "--link", link, "--keep", "--pty"), link)
	for _, text := range []string{"first", "second"} {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		var port *os.File
		if text == "first" {
			port = j.opens(t)
		} else {
			port = openPort(t, link)
		}
		crosses(t, conn, port, "hello") // what the program writes before the port is joined is discarded
		crosses(t, port, conn, text)
		conn.Close()
		if n, err := port.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("the program reads %d, %v after the end", n, err)
		}
		port.Close()
	}
	j.Process.Signal(syscall.SIGTERM)
	wantParts(t, j.ends(t, 143), "the device closed the connection", "connected again")
}

func TestRFCOMMTTYListens(t *testing.T) {
	r := overRFCOMM(t)
	link, channel := filepath.Join(r.cache, "console"), labtest.NextChannel()
	j := startTTY(t, r.program(t, "tty", "--listen", "--channel", fmt.Sprint(channel), "-i", r.near.String(), "--security", "low", "--link", link), link)
	awaitLine(t, j.lines, fmt.Sprintf("listening on channel %d of %s", channel, r.near))
	conn := r.dials(t, channel)
	port := j.opens(t)
	crosses(t, conn, port, "question")
	crosses(t, port, conn, "answer")
	conn.Close()
	j.ends(t, 0)
}

// A bound node stays until it is released, and needs root.
func TestRFCOMMTTYBinds(t *testing.T) {
	r := overRFCOMM(t)
	channel := labtest.NextChannel()
	r.publish(t, sdp.NewSerialPort("GPS", channel))
	_, stderr := r.runs(t, statusPermission, "", "tty", "--bind", r.far.String())
	wantError(t, stderr, "root")
	stdout, _ := r.runsAsRoot(t, 0, "tty", "--bind", r.far.String(), "-i", r.near.String())
	name := strings.TrimSpace(stdout)
	if !regexp.MustCompile(`^/dev/rfcomm\d+$`).MatchString(name) {
		t.Fatalf("bound %q", stdout)
	}
	shown := printedBy(t, exec.CommandContext(t.Context(), labtest.Program(t, "rfcomm", "bluez"), "-a"))
	wantParts(t, shown, fmt.Sprintf("%s: %s -> %s channel %d clean", filepath.Base(name), r.near, r.far, channel))
	stdout, _ = r.runs(t, 0, "", "tty", "--list")
	wantParts(t, stdout, name, fmt.Sprintf("%s/%d ", r.far, channel), "clean, bound", r.near.String())
	_, stderr = r.runs(t, statusPermission, "", "tty", "--release", name)
	wantError(t, stderr, "root")
	r.runsAsRoot(t, 0, "tty", "--release", name)
	_, stderr = r.runsAsRoot(t, statusNotFound, "tty", "--release", name)
	wantError(t, stderr, filepath.Base(name))
	r.wantNoNodes(t)

	printedBy(t, exec.CommandContext(t.Context(), labtest.Program(t, "rfcomm", "bluez"), "bind", "/dev/rfcomm4", r.far.String(), "5"))
	stdout, _ = r.runs(t, 0, "", "tty", "--list")
	wantParts(t, stdout, "/dev/rfcomm4  ", r.far.String()+"/5 ", "clean, bound")
	r.runsAsRoot(t, 0, "tty", "--release", "rfcomm4")
	r.wantNoNodes(t)
}

// instrument opens the serial port that is joined to ttyS1 of the lab.
func instrument(t *testing.T) serial.Line {
	t.Helper()
	line, err := serial.OpenLine("/dev/ttyS2", nil)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("this machine has no joined serial ports")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { line.Close() })
	return line
}

func TestRFCOMMRelay(t *testing.T) {
	r := overRFCOMM(t)
	line := instrument(t)
	accepted, target := r.target(t)
	c := startBackground(t, "Connected to ", r.asRoot(t, "relay", target, "/dev/ttyS1", "-v", "--baud", "115200"))
	conn := accepted()
	crosses(t, conn, line, "question"+awkward)
	crosses(t, line, conn, "answer"+awkward)
	conn.Close()
	c.ends(t, nil, 0)
}

// With --keep, a relay serves one device after the other. The modem signals need
// a node of the kernel.
func TestRFCOMMRelayListens(t *testing.T) {
	r := overRFCOMM(t)
	line := instrument(t)
	for _, lines := range []string{"--lines=false", "--lines"} {
		channel := labtest.NextChannel()
		c := startBackground(t, "listening on channel ", r.asRoot(t, "relay", "--listen", "--channel", fmt.Sprint(channel), "--security", "low", "--keep", "/dev/ttyS1", lines))
		for _, text := range []string{"first", "second"} {
			conn := r.dials(t, channel)
			crosses(t, conn, line, text)
			crosses(t, line, conn, text)
			conn.Close()
		}
		c.ends(t, os.Interrupt, 130)
	}
	r.wantNoNodes(t)
}

// testRelayPublish finds a relay as a Serial Port service.
func testRelayPublish(t *testing.T, r *radio) {
	line := instrument(t)
	c := startBackground(t, `published as "Scale"`, r.asRoot(t, "relay", "--publish", "Scale", "--security", "low", "/dev/ttyS1"))
	d := &sdp.Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: r.far}}}
	conn, err := d.Dial(t.Context(), r.near, sdp.SerialPort)
	if err != nil {
		t.Fatal(err)
	}
	crosses(t, conn, line, "question")
	crosses(t, line, conn, "answer")
	conn.Close()
	c.ends(t, nil, 0)
}
