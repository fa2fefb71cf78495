package serial_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/programs"
	"github.com/go-rfcomm/rfcomm/serial"
)

func init() {
	subprograms["port"] = portProgram
}

// portProgram dials, makes a Port when it has received "!", prints the name of
// the tty, reads and prints a number of bytes, and answers.
func portProgram(ctx context.Context, arguments []string) error {
	c, err := dialArguments(ctx, arguments)
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		return err
	}
	p, err := serial.NewPort(ctx, c)
	if err != nil {
		return err
	}
	defer p.Close()
	fmt.Println(p.Name())
	length, err := strconv.Atoi(arguments[2])
	if err != nil {
		return err
	}
	received := make([]byte, length)
	if _, err := io.ReadFull(p, received); err != nil {
		return err
	}
	fmt.Printf("%q\n", received)
	if _, err := p.Write([]byte("answer")); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// dialArguments dials from an adapter to an address.
func dialArguments(ctx context.Context, arguments []string) (*rfcomm.Conn, error) {
	from, err := rfcomm.ParseBDAddr(arguments[0])
	if err != nil {
		return nil, err
	}
	to, err := rfcomm.ParseAddr(arguments[1])
	if err != nil {
		return nil, err
	}
	return conntest.DialContext(ctx, from, to)
}

// startPort starts a program that dials far, and returns it with the accepted
// connection.
func startPort(t testing.TB, a *air, length int, start func(t testing.TB, words ...string) *programs.Process) (*programs.Process, *rfcomm.Conn) {
	t.Helper()
	l := a.listen(t)
	p := start(t, "port", a.near.Addr().String(), l.Addr().String(), strconv.Itoa(length))
	return p, conntest.Accept(t, l)
}

// inGroups returns a function that starts a program as user nobody.
func inGroups(groups ...string) func(t testing.TB, words ...string) *programs.Process {
	return func(t testing.TB, words ...string) *programs.Process {
		t.Helper()
		return startAsNobody(t, groups, words...)
	}
}

// withoutNodes starts a program that does not see the nodes of the kernel, as in
// a container.
func withoutNodes(t testing.TB, words ...string) *programs.Process {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	hide := `mount -t tmpfs none /dev && exec "$0"`
	return programs.Start(t, exec.Command("unshare", "--mount", "sh", "-c", hide, path), words...)
}

// cook puts the next tty into the mode that the first open of a machine finds.
// The kernel keeps the mode of a tty for the next one with the same number
// (tty_save_termios).
func cook(t testing.TB, a *air) {
	t.Helper()
	dialed, accepted := a.connect(t)
	defer accepted.Close()
	port := newPort(t, dialed)
	f := openNode(t, port.Name())
	defer f.Close()
	defer port.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		mode, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		if err == nil {
			mode.Iflag |= unix.ICRNL | unix.IXON
			mode.Oflag |= unix.OPOST | unix.ONLCR
			mode.Lflag |= unix.ECHO | unix.ISIG
			err = unix.IoctlSetTermios(int(fd), unix.TCSETS, mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}

// awaitNode waits until a node exists.
func awaitNode(t testing.TB, name string) {
	t.Helper()
	hosttest.Eventually(t, name+" exists", func() bool {
		_, err := os.Stat(name)
		return err == nil
	})
}

const (
	early  = "early\x03\r\n"
	late   = "late\x11\x13\x03\r\n"
	normal = "normal"
)

// Data that arrives while the node cannot be opened yet reaches the reader
// unaltered and is not echoed.
func TestPortReadsDataOfHandover(t *testing.T) {
	for _, early := range []string{"", early} {
		t.Run(fmt.Sprintf("%q before", early), func(t *testing.T) {
			a := newAir(t)
			cook(t, a)
			wantNoDevice(t)
			program, accepted := startPort(t, a, len(early+late), inGroups())
			conntest.Send(t, accepted, "!"+early)
			awaitNode(t, "/dev/rfcomm0")
			conntest.Send(t, accepted, late)
			a.arrive(t)
			if err := os.Chmod("/dev/rfcomm0", 0o666); err != nil {
				t.Fatal(err)
			}
			program.WantLine("/dev/rfcomm0")
			program.WantLine(fmt.Sprintf("%q", early+late))
			conntest.Receive(t, accepted, "answer")
		})
	}
}

func TestPortAsNobodyInGroupDialout(t *testing.T) {
	a := newAir(t)
	daemons.Udevd(t, daemons.Options{})
	program, accepted := startPort(t, a, len(normal), inGroups("dialout"))
	conntest.Send(t, accepted, "!"+normal)
	program.WantLine("/dev/rfcomm0")
	program.WantLine(fmt.Sprintf("%q", normal))
	conntest.Receive(t, accepted, "answer")
	if problem := program.End(); problem != "" {
		t.Error(problem)
	}
	conntest.ReceiveEOF(t, accepted)
}

func TestNewPortNamesGroup(t *testing.T) {
	a := newAir(t)
	daemons.Udevd(t, daemons.Options{})
	program, accepted := startPort(t, a, 0, inGroups())
	conntest.Send(t, accepted, "!")
	conntest.ReceiveEOF(t, accepted)
	wantProblem(t, program, "permission denied", "/dev/rfcomm0 belongs to group dialout (mode 0660)", "add the user to group dialout", "pseudo terminal")
}

func TestNewPortWithoutNodes(t *testing.T) {
	a := newAir(t)
	program, accepted := startPort(t, a, 0, withoutNodes)
	conntest.Send(t, accepted, "!")
	conntest.ReceiveEOF(t, accepted)
	wantProblem(t, program, "no such file", "/dev/rfcomm0 has not appeared", "pseudo terminal")
}

// A context that ends while NewPort waits for the permission.
func TestNewPortEndsWithContext(t *testing.T) {
	a := newAir(t)
	program, accepted := startPort(t, a, 0, inGroups())
	conntest.Send(t, accepted, "!")
	awaitNode(t, "/dev/rfcomm0")
	wantProblem(t, program, "context canceled")
	conntest.ReceiveEOF(t, accepted)
}

// The open of a tty whose connection has ended would dial again.
func TestNewPortSeesEndBeforeOpen(t *testing.T) {
	a := newAir(t)
	for name, tt := range map[string]struct {
		end  func(accepted *rfcomm.Conn)
		says string
	}{
		"peer closed": {func(accepted *rfcomm.Conn) { accepted.Close() }, "connection reset"},
		"link lost":   {func(*rfcomm.Conn) { a.link().Disconnect(0x08) }, "connection timed out"},
	} {
		t.Run(name, func(t *testing.T) {
			program, accepted := startPort(t, a, 0, inGroups())
			conntest.Send(t, accepted, "!")
			awaitNode(t, "/dev/rfcomm0")
			tt.end(accepted)
			wantNoDevice(t) // long before NewPort gives up
			wantProblem(t, program, tt.says)
		})
	}
}

// wantProblem ends a program and looks for texts in its error.
func wantProblem(t testing.TB, p *programs.Process, texts ...string) {
	t.Helper()
	problem := p.End()
	for _, text := range texts {
		if !strings.Contains(problem, text) {
			t.Errorf("the program prints %q, which lacks %q", problem, text)
		}
	}
	if left := devices(t); left != "" {
		t.Errorf("left behind: %s", left)
	}
}

// The device of a killed process remains if the process had not opened it. Its
// next NewPort for the same connection removes it.
func TestNewPortRemovesAbandonedDevice(t *testing.T) {
	a := newAir(t)
	l := a.listen(t)
	program := startAsNobody(t, nil, "port", a.near.Addr().String(), l.Addr().String(), "0")
	accepted := conntest.Accept(t, l)
	conntest.Send(t, accepted, "!")
	awaitNode(t, "/dev/rfcomm0")
	program.Kill()
	accepted.Close()
	hosttest.Eventually(t, "the device is closed", func() bool { return strings.Contains(show(t), "closed") })

	port := newPort(t, a.dial(t, l))
	wantNames(t, port.Name())
}

// wantNames compares the names of the devices of the machine.
func wantNames(t testing.TB, want ...string) {
	t.Helper()
	all, err := serial.Devices()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range all {
		names = append(names, d.Name)
	}
	if got := strings.Join(names, " "); got != strings.Join(want, " ") {
		t.Errorf("the devices are %s, want %s", got, want)
	}
}
