package bluez

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestUnixPathFindsSocket(t *testing.T) {
	for address, want := range map[string]string{
		"unix:path=/run/dbus/system_bus_socket":   "/run/dbus/system_bus_socket",
		"unix:guid=0123,path=/tmp/a%20bus":        "/tmp/a bus",
		"unix:abstract=/tmp/dbus-Zn4gQ,guid=0123": "@/tmp/dbus-Zn4gQ",
		"tcp:host=localhost,port=1":               "",
		"unix:tmpdir=/tmp":                        "",
		"unix:path=/tmp/%zz":                      "",
		"/run/dbus/system_bus_socket":             "",
		"":                                        "",
	} {
		got, err := unixPath(address)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", address, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "unix:path=") {
			t.Errorf("%q: the error %q does not name a valid address", address, err)
		}
	}
}

// withBus makes path the system bus of the test.
func withBus(t *testing.T, path string) string {
	t.Helper()
	address := "unix:path=" + path
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
	return address
}

// shortDirectory returns a directory whose path fits in the address of a socket.
func shortDirectory(t *testing.T) string {
	t.Helper()
	directory, err := os.MkdirTemp("", "bus")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(directory) })
	return directory
}

func TestConnectWithoutSocket(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	inContainer(t) // no file
	address := withBus(t, filepath.Join(shortDirectory(t), "none"))
	_, err := Connect(t.Context())
	wantLine(t, err, "bluez: connect to the system bus at "+address+": no system bus: the socket does not exist: ")
	hosttest.WantMatches(t, err, []error{ErrNoBus, fs.ErrNotExist}, []error{ErrNoDaemon})
}

// wantLine checks that an error is one line that begins with a text, and has a
// remedy after it.
func wantLine(t *testing.T, err error, prefix string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	line := err.Error()
	if !strings.HasPrefix(line, prefix) || len(line) <= len(prefix) || strings.Contains(line, "\n") {
		t.Errorf("got %q, want a line that begins with %q", line, prefix)
	}
}

func TestConnectToDeadSocket(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	path := filepath.Join(shortDirectory(t), "dead")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	address := withBus(t, path)
	_, err = Connect(t.Context())
	wantLine(t, err, "bluez: connect to the system bus at "+address+": no system bus: nothing listens on the socket: ")
	hosttest.WantMatches(t, err, []error{ErrNoBus, syscall.ECONNREFUSED}, []error{ErrNoDaemon})
}

func TestConnectNamesBadAddress(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "tcp:host=localhost")
	_, err := Connect(t.Context())
	wantLine(t, err, `bluez: connect to the system bus at tcp:host=localhost: no system bus: unsupported bus address "tcp:host=localhost": want unix:path=`)
	hosttest.WantMatches(t, err, []error{ErrNoBus}, nil)
}

// inContainer makes the process look like that of a container if one of the files
// exists.
func inContainer(t *testing.T, files ...string) {
	before := containerFiles
	t.Cleanup(func() { containerFiles = before })
	containerFiles = files
}

func TestExplainBusNamesContainer(t *testing.T) {
	missing := &os.PathError{Op: "dial", Path: "/run/dbus/system_bus_socket", Err: syscall.ENOENT}
	file := filepath.Join(t.TempDir(), "containerenv")
	inContainer(t, file)
	outside := explainBus(missing).Error()
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	inside := explainBus(missing).Error()
	if strings.Contains(outside, "this container") || !strings.Contains(inside, "this container does not have the socket: mount /run/dbus/system_bus_socket") {
		t.Errorf("outside of a container: %s\ninside: %s", outside, inside)
	}
	for _, errno := range []syscall.Errno{syscall.EACCES, syscall.EPERM} {
		if got := explainBus(errno); !strings.Contains(got.Error(), "permission denied: ") || !errors.Is(got, ErrNoBus) {
			t.Errorf("%v: %v", errno, got)
		}
	}
}

// A scriptedBus is one connection to a bus that a test plays.
type scriptedBus struct {
	t    *testing.T
	conn *net.UnixConn
	in   *bufio.Reader
}

// scriptBus listens as the system bus, and plays it for one connection.
func scriptBus(t *testing.T, play func(*scriptedBus)) {
	t.Helper()
	path := filepath.Join(shortDirectory(t), "bus")
	withBus(t, path)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.AcceptUnix()
		if err != nil {
			return
		}
		defer conn.Close()
		play(&scriptedBus{t, conn, bufio.NewReader(conn)})
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
}

// answer reads a line of the authentication, and answers it.
func (b *scriptedBus) answer(want, answer string) {
	line, err := b.in.ReadString('\n')
	if line = strings.TrimRight(strings.TrimLeft(line, "\x00"), "\r\n"); err != nil || line != want {
		b.t.Errorf("the client sent %q, %v, want %q", line, err, want)
		return
	}
	if answer != "" {
		b.conn.Write([]byte(answer + "\r\n"))
	}
}

// untilClosed reads until the client closes the connection.
func (b *scriptedBus) untilClosed() {
	for {
		if _, err := b.in.ReadByte(); err != nil {
			return
		}
	}
}

// An expiring is a context whose deadline passes when done is closed.
type expiring struct {
	context.Context
	done chan struct{}
}

func (e *expiring) Done() <-chan struct{} { return e.done }

func (e *expiring) Err() error {
	select {
	case <-e.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestConnectEndsWithContext(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	reached := make(chan struct{}, 1)
	for name, play := range map[string]func(*scriptedBus){
		"in the authentication": func(b *scriptedBus) {
			b.answer("AUTH", "")
			reached <- struct{}{}
			b.untilClosed()
		},
		"in Hello": func(b *scriptedBus) {
			b.answer("AUTH", "REJECTED EXTERNAL")
			b.answer("AUTH EXTERNAL", "OK 0123")
			b.answer("NEGOTIATE_UNIX_FD", "AGREE_UNIX_FD")
			b.answer("BEGIN", "")
			b.in.ReadByte()
			reached <- struct{}{}
			b.untilClosed()
		},
	} {
		t.Run(name, func(t *testing.T) {
			scriptBus(t, play)
			ctx, cancel := context.WithCancel(t.Context())
			done := hosttest.InBackground(func() error {
				_, err := Connect(ctx)
				return err
			})
			hosttest.Receive(t, reached)
			cancel()
			err := hosttest.Receive(t, done)
			hosttest.WantMatches(t, err, []error{context.Canceled}, []error{ErrNoBus})
		})
		t.Run(name+", by a deadline", func(t *testing.T) {
			scriptBus(t, play)
			ctx := &expiring{Context: t.Context(), done: make(chan struct{})}
			done := hosttest.InBackground(func() error {
				_, err := Connect(ctx)
				return err
			})
			hosttest.Receive(t, reached)
			close(ctx.done)
			hosttest.WantTimeoutTemporary(t, hosttest.Receive(t, done), true, true)
		})
	}
}

func TestConnectNamesRejectedUser(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	scriptBus(t, func(b *scriptedBus) {
		b.answer("AUTH", "REJECTED EXTERNAL")
		b.answer("AUTH EXTERNAL", "REJECTED EXTERNAL")
		b.untilClosed()
	})
	_, err := Connect(t.Context())
	want := fmt.Sprintf("the bus rejects user %d (", os.Geteuid())
	if err == nil || !errors.Is(err, ErrNoBus) || !strings.Contains(err.Error(), want) ||
		!strings.HasSuffix(err.Error(), "): a container needs the user namespace of the host") {
		t.Errorf("got %v", err)
	}
}

func TestConnectToBusThatEnds(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	scriptBus(t, func(b *scriptedBus) {
		b.answer("AUTH", "REJECTED EXTERNAL")
		b.answer("AUTH EXTERNAL", "OK 0123")
		b.answer("NEGOTIATE_UNIX_FD", "ERROR")
		b.answer("BEGIN", "")
	})
	_, err := Connect(t.Context())
	hosttest.WantMatches(t, err, []error{ErrNoBus}, []error{context.Canceled})
}

// rawMessage returns a message with a body of some bytes.
func rawMessage(body string) []byte {
	return append([]byte{
		'l', 4, 0, 1, byte(len(body)), 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0,
		1, 2, 3, 4, 5, 0, 0, 0, // header fields, and their padding
	}, body...)
}

// busSocketPair returns a socket that has been authenticated, and its other end.
func busSocketPair(t *testing.T) (*busSocket, int) {
	t.Helper()
	a, b := hosttest.UnixPair(t)
	file := os.NewFile(uintptr(a), "bus")
	conn, err := net.FileConn(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	s := newBusSocket(conn.(*net.UnixConn), "")
	s.begun = true
	t.Cleanup(func() {
		s.Close()
		unix.Close(b)
	})
	return s, b
}

// pipeEnds returns the ends of a pipe. The pipe's reader sees the end when all
// copies of the writer have been closed.
func pipeEnds(t *testing.T) (r *os.File, w int) {
	t.Helper()
	r, file, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w, err = unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, w
}

// passMessage sends a message with the only copy of a descriptor.
func passMessage(t *testing.T, to int, message []byte, fd int) {
	t.Helper()
	if err := unix.Sendmsg(to, message, unix.UnixRights(fd), nil, 0); err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
}

// wantAllClosed waits until no copy of a pipe's writer is open.
func wantAllClosed(t *testing.T, r *os.File) {
	t.Helper()
	done := hosttest.InBackground(func() error {
		_, err := r.Read(make([]byte, 1))
		return err
	})
	if err := hosttest.Receive(t, done); err == nil || err.Error() != "EOF" {
		t.Errorf("reading from the pipe: %v, want EOF", err)
	}
}

func TestBusSocketKeepsMessagesApart(t *testing.T) {
	s, other := busSocketPair(t)
	var readers []*os.File
	for _, text := range []string{"first", "second"} {
		r, w := pipeEnds(t)
		readers = append(readers, r)
		passMessage(t, other, rawMessage(text), w)
	}
	for _, text := range []string{"first", "second"} {
		want := string(rawMessage(text))
		got := make([]byte, len(want))
		for n := 0; n < len(got); {
			// Larger than the message, as a Read must not read beyond it.
			buffer := make([]byte, 1000)
			m, err := s.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			n += copy(got[n:], buffer[:m])
		}
		if string(got) != want {
			t.Fatalf("read %q, want %q", got, want)
		}
		fds := s.takeDescriptors()
		if len(fds) != 1 {
			t.Fatalf("%d descriptors, want that of the message", len(fds))
		}
		unix.Write(fds[0], []byte(text))
		closeAll(fds)
	}
	for i, text := range []string{"first", "second"} {
		got := make([]byte, 10)
		if n, _ := readers[i].Read(got); string(got[:n]) != text {
			t.Errorf("the descriptor of message %d is that of %q", i, got[:n])
		}
	}
}

func TestBusSocketClosesLostDescriptors(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	for name, lose := range map[string]func(s *busSocket, other int){
		"that nothing takes":     func(s *busSocket, other int) { unix.Write(other, rawMessage("next")); s.Read(make([]byte, 100)) },
		"when the socket closes": func(s *busSocket, _ int) { s.Close() },
		"when the bus ends":      func(s *busSocket, other int) { unix.Shutdown(other, unix.SHUT_RDWR); s.Read(make([]byte, 100)) },
		"of an oversized message": func(s *busSocket, other int) {
			unix.Write(other, []byte("l\x04\x00\x01\xff\xff\xff\xff\x01\x00\x00\x00\xff\xff\xff\xff"))
			s.Read(make([]byte, 100))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, other := busSocketPair(t)
			r, w := pipeEnds(t)
			message := rawMessage("text")
			passMessage(t, other, message, w)
			if n, err := s.Read(make([]byte, 100)); n != len(message) || err != nil {
				t.Fatalf("read %d bytes, %v", n, err)
			}
			lose(s, other)
			wantAllClosed(t, r)
		})
	}
}

func TestBusSocketRefusesLongMessage(t *testing.T) {
	s, other := busSocketPair(t)
	unix.Write(other, []byte("B\x04\x00\x01\x07\xff\xff\xff\x00\x00\x00\x01\x00\x00\x00\x08"))
	if _, err := s.Read(make([]byte, 100)); err == nil || err.Error() != "message too long" {
		t.Errorf("read a message of 128 MiB: %v", err)
	}
}

// Whatever the bus sends, Read returns it in order, or an error.
func FuzzBusSocketRead(f *testing.F) {
	f.Add(rawMessage("text"))
	f.Add(slices.Concat(rawMessage("first"), rawMessage("second"), []byte("l")))
	f.Add([]byte("B\x04\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00x"))
	f.Add([]byte("l\x04\x00\x01\xff\xff\xff\xff\x01\x00\x00\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		if len(sent) > 10000 {
			t.Skip("more than the buffer of a socket")
		}
		s, other := busSocketPair(t)
		if _, err := unix.Write(other, sent); err != nil && len(sent) > 0 {
			t.Fatal(err)
		}
		unix.Shutdown(other, unix.SHUT_WR)
		read, err := io.ReadAll(s)
		if !bytes.HasPrefix(sent, read) {
			t.Fatalf("sent %q, read %q, %v", sent, read, err)
		}
	})
}

func TestErrorNamesBlockedAdapter(t *testing.T) {
	before := sysBluetooth
	t.Cleanup(func() { sysBluetooth = before })
	sysBluetooth = t.TempDir()
	for path, content := range map[string]string{
		"hci0/rfkill0/soft": "0\n", "hci0/rfkill0/hard": "0\n", "hci0/rfkill0/state": "1\n",
		"hci1/rfkill1/soft": "1\n", "hci1/rfkill1/hard": "0\n",
		"hci2/rfkill2/soft": "0\n", "hci2/rfkill2/hard": "1\n",
	} {
		path = filepath.Join(sysBluetooth, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	notReady := dbus.Error{Name: "org.bluez.Error.NotReady", Body: []any{"Resource Not Ready"}}
	for path, want := range map[dbus.ObjectPath]error{
		"/org/bluez/hci0":                       ErrPowerOff,
		"/org/bluez/hci1":                       ErrBlocked,
		"/org/bluez/hci2/dev_00_AA_01_00_00_42": ErrBlocked,
		"/org/bluez/hci3":                       ErrPowerOff,
		"/org/bluez":                            ErrPowerOff,
		"/":                                     ErrPowerOff,
	} {
		err := convert(&dbus.Call{Err: notReady}, path, "StartDiscovery")
		if !errors.Is(err, want) || errors.Is(err, ErrBlocked) != (want == ErrBlocked) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	for text, want := range map[string]bool{"Failed": true, "Powering down": false} {
		failed := dbus.Error{Name: "org.bluez.Error.Failed", Body: []any{text}}
		err := convert(&dbus.Call{Err: failed}, "/org/bluez/hci1", "set Powered of")
		if errors.Is(err, ErrBlocked) != want {
			t.Errorf("switching on a blocked adapter: %v", err)
		}
	}
}
