package serial_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/programs"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/serial"
)

func init() { subprograms["device"] = deviceProgram }

var kinds = map[string]serial.Kind{"auto": serial.Auto, "tty": serial.TTY, "pty": serial.PTY}

// deviceProgram offers a connection from one address to another as a device of a
// kind, with a link unless its path is "-", and prints the events.
func deviceProgram(ctx context.Context, arguments []string) error {
	from, err := rfcomm.ParseBDAddr(arguments[0])
	if err != nil {
		return err
	}
	to, err := rfcomm.ParseAddr(arguments[1])
	if err != nil {
		return err
	}
	o := serial.DeviceOptions{
		Connect: dialing(from, to),
		Kind:    kinds[arguments[2]],
		Report:  func(e serial.Event) { fmt.Println(e.State, e.Kind, e.Node, e.Reason) },
	}
	if arguments[3] != "-" {
		o.Link = arguments[3]
	}
	d, err := serial.Open(ctx, &o)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { d.Close() })
	return d.Wait()
}

// A starter starts one of subprograms.
type starter func(t testing.TB, words ...string) *programs.Process

// startDevice starts deviceProgram, and returns it with the accepted connection
// and the first event.
func (a *air) startDevice(t testing.TB, l *rfcomm.Listener, kind, link string, start starter) (*programs.Process, *rfcomm.Conn) {
	t.Helper()
	p := start(t, "device", a.near.Addr().String(), l.Addr().String(), kind, link)
	return p, conntest.Accept(t, l)
}

// asNobody returns a starter for user nobody, who is a member of groups.
func asNobody(groups ...string) starter {
	return func(t testing.TB, words ...string) *programs.Process {
		t.Helper()
		return startAsNobody(t, groups, words...)
	}
}

// inContainer starts a program that has pseudo terminals of its own, and none of
// the kernel's other nodes.
func inContainer(t testing.TB, words ...string) *programs.Process {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const script = `mount -t tmpfs none /dev && mkdir /dev/pts &&
		mount -t devpts -o newinstance,ptmxmode=666 none /dev/pts && ln -s pts/ptmx /dev/ptmx && exec "$0"`
	return programs.Start(t, exec.Command("unshare", "--mount", "sh", "-c", script, path), words...)
}

// wantOpen checks that the program opens a device of a kind, and that the reason
// has a text.
func wantOpen(t testing.TB, p *programs.Process, kind, reason string) (node string) {
	t.Helper()
	line := p.Line()
	words := strings.SplitN(line, " ", 4)
	if len(words) != 4 || words[0] != "open" || words[1] != kind || !strings.Contains(words[3], reason) {
		t.Fatalf("the program prints %q, want a %s with the reason %q", line, kind, reason)
	}
	p.WantLine("connected " + kind + " " + words[2] + " ")
	return words[2]
}

func TestOpenTakesPTYAsNobody(t *testing.T) {
	a := newAir(t)
	p, peer := a.startDevice(t, a.listen(t), "auto", "-", asNobody())
	node := wantOpen(t, p, "pty", "not in group dialout")
	program := openNode(t, node)
	conntest.Send(t, peer, "hello")
	wantText(t, program, "hello")
	if problem := p.End(); problem != "" {
		t.Error(problem)
	}
	conntest.ReceiveEOF(t, peer)
	wantHangUp(t, program)
}

// The program closes the device while another program has it open, which it can
// do without a privilege.
func TestOpenTakesTTYInGroupDialout(t *testing.T) {
	a := newAir(t)
	daemons.Udevd(t, daemons.Options{})
	p, peer := a.startDevice(t, a.listen(t), "auto", "-", asNobody("dialout"))
	program := openNode(t, wantOpen(t, p, "tty", ""))
	conntest.Send(t, peer, "hello")
	wantText(t, program, "hello")
	if _, err := io.WriteString(program, "last words"); err != nil {
		t.Fatal(err)
	}
	if problem := p.End(); problem != "" {
		t.Error(problem)
	}
	conntest.Receive(t, peer, "last words")
	conntest.ReceiveEOF(t, peer)
	wantHangUp(t, program)
	program.Close()
}

func TestOpenTakesPTYInContainer(t *testing.T) {
	a := newAir(t)
	l := a.listen(t)
	p, peer := a.startDevice(t, l, "auto", "-", inContainer)
	conntest.ReceiveEOF(t, peer) // the connection that was handed to the kernel
	peer = conntest.Accept(t, l)
	wantOpen(t, p, "pty", "/dev/rfcomm0 has not appeared")
	if problem := p.End(); problem != "" {
		t.Error(problem)
	}
	conntest.ReceiveEOF(t, peer)
}

func TestOpenTakesPTYAfterData(t *testing.T) {
	a := newAir(t)
	l := a.listen(t)
	dial := dialing(a.near.Addr(), l.Addr())
	var opened serial.Event
	d, err := serial.Open(t.Context(), &serial.DeviceOptions{
		Connect: func(ctx context.Context) (net.Conn, error) {
			c, err := dial(ctx)
			if err != nil {
				return nil, err
			}
			conntest.Send(t, conntest.Accept(t, l), "greeting")
			awaitData(t, c.(*rfcomm.Conn))
			return c, nil
		},
		Report: func(e serial.Event) {
			if e.State == serial.StateOpen {
				opened = e
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.Kind() != serial.PTY || !strings.Contains(opened.Reason, "already sent data") {
		t.Errorf("opened %+v", opened)
	}
	wantText(t, openNode(t, d.Name()), "greeting")
}

// awaitData waits until data can be read.
func awaitData(t testing.TB, c *rfcomm.Conn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err == nil {
		err = raw.Read(func(fd uintptr) bool { return btsocket.PollEvents(fd, unix.POLLIN)&unix.POLLIN != 0 })
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestDeviceReplacesLinkOfKilled(t *testing.T) {
	forEachKind(t, func(t *testing.T, a *air, kind serial.Kind) {
		path := filepath.Join(t.TempDir(), "instrument")
		l := a.listen(t)
		p, peer := a.startDevice(t, l, kind.String(), path, start)
		wantOpen(t, p, kind.String(), "")

		second := start(t, "device", a.near.Addr().String(), l.Addr().String(), kind.String(), path)
		if problem := second.End(); !strings.Contains(problem, path) || !strings.Contains(problem, "another process uses it") {
			t.Errorf("a second program with the link prints %q", problem)
		}

		p.Kill()
		conntest.ReceiveEOF(t, peer)
		wantNoDevice(t)
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("the link of the killed program: %v", err)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("the link of the killed program: %v", err)
		}
		p, peer = a.startDevice(t, l, kind.String(), path, start)
		wantOpen(t, p, kind.String(), "")
		program := openNode(t, path)
		conntest.Send(t, peer, "hello")
		wantText(t, program, "hello")
		program.Close()
		if problem := p.End(); problem != "" {
			t.Error(problem)
		}
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("the link remains: %v", err)
		}
	})
}

// The loss of a link must be noticed although data waits in all buffers.
func TestDeviceNoticesLossWithoutReader(t *testing.T) {
	a := newAir(t)
	d, peer := a.openDevice(t, a.listen(t), serial.DeviceOptions{Kind: serial.PTY})
	conntest.Fill(t, peer)
	a.link().Disconnect(rfcommtest.ConnectionTimeout)
	if err := d.Wait(); !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("Wait: %v, want ETIMEDOUT", err)
	}
}
