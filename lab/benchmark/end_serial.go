//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/serial"
)

// The roles of the processes at a serial port. Which way the data goes, the flag
// -out specifies.
const (
	roleSupply = "supply" // the device: accepts and writes forever

	rolePlain    = "plain"     // dials, and is the program
	rolePort     = "port"      // the same, as a Port
	roleDevice   = "device"    // dials, and makes a pty
	roleNode     = "node"      // dials, and makes a tty
	roleRelay    = "relay"     // dials, and relays to the port
	roleRelayTTY = "relay-tty" // the same, as a Port

	roleProgramSend    = "program-send"    // opens the port, or makes a cable, and writes forever
	roleProgramReceive = "program-receive" // the same, and reads and counts
)

var serialRoles = map[string]func(stack, endJob) error{
	roleSupply: supply,
	rolePlain:  plain, rolePort: plainPort,
	roleDevice: device(serial.PTY), roleNode: device(serial.TTY),
	roleRelay: relay, roleRelayTTY: relay,
	roleProgramSend: program, roleProgramReceive: program,
}

func supply(s stack, j endJob) error {
	c, err := acceptOne(s, j)
	if err != nil {
		return err
	}
	return j.writeForever(c)
}

func plain(s stack, j endJob) error {
	c, err := dialOne(s, j)
	if err != nil {
		return err
	}
	return j.transfer(c)
}

func plainPort(_ stack, j endJob) error {
	p, err := j.dialPort(context.Background())
	if err != nil {
		return err
	}
	return j.transfer(p)
}

func (j endJob) dialPort(ctx context.Context) (net.Conn, error) {
	c, err := dialLibrary(j.near[0], j.far, j.channel)
	if err != nil {
		return nil, err
	}
	return serial.NewPort(ctx, c)
}

func (j endJob) dialConn(context.Context) (net.Conn, error) {
	return dialLibrary(j.near[0], j.far, j.channel)
}

// device returns the role of a program that makes a device of a kind.
func device(kind serial.Kind) func(stack, endJob) error {
	return func(_ stack, j endJob) error {
		link := j.port
		if kind == serial.TTY {
			link = j.tty
		}
		d, err := serial.Open(context.Background(), &serial.DeviceOptions{Connect: j.dialConn, Kind: kind, Link: link})
		if err != nil {
			return err
		}
		return d.Wait()
	}
}

func relay(_ stack, j endJob) error {
	r := serial.Relay{
		Open: func(context.Context) (serial.Line, error) {
			return serial.OpenLine(j.port, &serial.LineOptions{Baud: 38400})
		},
		Connect: j.dialConn,
	}
	if j.role == roleRelayTTY {
		r.Connect = j.dialPort
	}
	return r.Run(context.Background())
}

// program is a program at a serial port.
func program(_ stack, j endJob) error {
	var f *os.File
	var err error
	if j.cable {
		f, err = makeCable(j.port)
	} else {
		f, err = openRaw(j.port)
	}
	if err != nil {
		return err
	}
	return j.transfer(f)
}

// transfer writes forever, or reads and counts.
func (j endJob) transfer(c io.ReadWriter) error {
	if j.out {
		return j.writeForever(c)
	}
	return j.readAll(c)
}

// makeCable makes a pseudo terminal in raw mode and a link to its slave, and
// returns the master.
func makeCable(link string) (*os.File, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	control, err := master.SyscallConn()
	if err != nil {
		return nil, err
	}
	var number int
	var failed error
	err = control.Control(func(fd uintptr) {
		if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed == nil {
			number, failed = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err != nil || failed != nil {
		return nil, fmt.Errorf("a pseudo terminal: %v, %v", err, failed)
	}
	slave := fmt.Sprintf("/dev/pts/%d", number)
	// It stays open until the end of the process: without one, reading the master
	// fails.
	if _, err := openRaw(slave); err != nil {
		return nil, err
	}
	return master, os.Symlink(slave, link)
}

// kept holds files that stay open.
var kept []*os.File

// openRaw opens a terminal and sets raw mode.
func openRaw(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f := os.NewFile(uintptr(fd), path)
	kept = append(kept, f)
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B38400
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return f, unix.IoctlSetTermios(fd, unix.TCSETS, t)
}
