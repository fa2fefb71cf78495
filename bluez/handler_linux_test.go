package bluez

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/bluez/internal/fakebus"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

const (
	exportPath      = dbus.ObjectPath("/profile")
	exportInterface = "org.bluez.Profile1"
)

// exportTest exports an object to a bluetoothd, which may call it.
func exportTest(t testing.TB, m methods) (*fakebus.Profile, *fakebus.BlueZ, func()) {
	t.Helper()
	c, z, _ := clientOfBlueZ(t)
	remove := c.export(exportPath, exportInterface, m)
	_, err := c.call(t.Context(), bluezPath, "org.bluez.ProfileManager1.RegisterProfile",
		exportPath, "0000feed-0000-1000-8000-00805f9b34fb", map[string]dbus.Variant{})
	if err != nil {
		t.Fatal(err)
	}
	return z.Profiles()[0], z, remove
}

// wantAnswer checks the D-Bus name of the error with which a call was answered.
func wantAnswer(t *testing.T, err error, name string) {
	t.Helper()
	var e dbus.Error
	if !errors.As(err, &e) || e.Name != name {
		t.Errorf("the answer is %#v, want the error %s", err, name)
	}
}

func TestExportAnswersCalls(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	p, _, _ := exportTest(t, methods{
		"Double": {"u", func(m *message) { m.reply(2 * m.body[0].(uint32)) }},
		"Later":  {"", func(m *message) { go m.reply("text") }},
		"Reject": {"", func(m *message) { m.fail("org.bluez.Error.Rejected", "no") }},
	})
	for method, want := range map[string]any{"Double": uint32(42), "Later": "text"} {
		var arguments []any
		if method == "Double" {
			arguments = append(arguments, uint32(21))
		}
		body, err := p.Call(t.Context(), method, arguments...)
		if err != nil || len(body) != 1 || body[0] != want {
			t.Errorf("%s returned %v, %v, want %v", method, body, err, want)
		}
	}
	_, err := p.Call(t.Context(), "Reject")
	wantAnswer(t, err, "org.bluez.Error.Rejected")
}

// A method that answers later does not hold up the ones after it, which may end
// it, as Cancel of an agent does.
func TestExportHandlesCallsInOrder(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	const count = 500
	var got []uint32
	done := make(chan struct{})
	p, _, _ := exportTest(t, methods{"Count": {"u", func(m *message) {
		got = append(got, m.body[0].(uint32))
		if len(got) == count {
			close(done)
		}
		go m.reply()
	}}})
	answers := make(chan error, count)
	for i := range uint32(count) {
		// The call is on the bus when Call waits for the answer; the context ends
		// that wait, not the call.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := p.Call(ctx, "Count", i)
		answers <- err
	}
	hosttest.Receive(t, done)
	if !slices.IsSorted(got) {
		t.Error("calls were handled out of order")
	}
}

func TestExportRefusesWrongCalls(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	p, _, remove := exportTest(t, methods{"NewConnection": {"oha{sv}", func(m *message) {
		t.Errorf("called with %v", m.body)
		m.reply()
	}}})
	for name, tt := range map[string]struct {
		method    string
		arguments func(fd int) []any
		want      string
	}{
		"unknown method": {"OldConnection", func(fd int) []any {
			return []any{dbus.ObjectPath("/d"), dbus.UnixFD(fd), map[string]dbus.Variant{}}
		}, "org.freedesktop.DBus.Error.UnknownMethod"},
		"wrong signature": {"NewConnection", func(fd int) []any {
			return []any{dbus.UnixFD(fd), dbus.ObjectPath("/d"), map[string]dbus.Variant{}}
		}, "org.freedesktop.DBus.Error.InvalidArgs"},
		"one more argument": {"NewConnection", func(fd int) []any {
			return []any{dbus.ObjectPath("/d"), dbus.UnixFD(fd), map[string]dbus.Variant{}, "more"}
		}, "org.freedesktop.DBus.Error.InvalidArgs"},
	} {
		t.Run(name, func(t *testing.T) {
			r, w := pipeEnds(t)
			_, err := p.Call(t.Context(), tt.method, tt.arguments(w)...)
			wantAnswer(t, err, tt.want)
			wantAllClosed(t, r)
		})
	}
	t.Run("removed object", func(t *testing.T) {
		remove()
		r, w := pipeEnds(t)
		err := p.NewConnection(t.Context(), "/d", w, nil)
		wantAnswer(t, err, "org.freedesktop.DBus.Error.UnknownObject")
		wantAllClosed(t, r)
	})
}

func TestExportRefusesOtherPrograms(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	_, z, _ := exportTest(t, methods{"Take": {"h", func(m *message) {
		t.Error("another program called the object")
		m.reply()
	}}})
	client := clientName(t, z)
	r, w := pipeEnds(t)
	other := anotherProgram(t)
	err := other.Object(client, exportPath).Call(exportInterface+".Take", 0, dbus.UnixFD(w)).Err
	wantAnswer(t, err, "org.freedesktop.DBus.Error.AccessDenied")
	unix.Close(w)
	wantAllClosed(t, r)
}

func TestExportAnswersPing(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	_, z, _ := exportTest(t, methods{})
	client := clientName(t, z)
	if err := anotherProgram(t).Object(client, "/").Call("org.freedesktop.DBus.Peer.Ping", 0).Err; err != nil {
		t.Error(err)
	}
}

func TestMessageTakesDescriptor(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	fds := make(chan int, 2)
	p, _, _ := exportTest(t, methods{"Take": {"hh", func(m *message) {
		fds <- m.takeDescriptor(m.body[1])
		fds <- m.takeDescriptor(m.body[1]) // again
		m.reply()
	}}})
	r0, w0 := pipeEnds(t)
	r1, w1 := pipeEnds(t)
	if _, err := p.Call(t.Context(), "Take", dbus.UnixFD(w0), dbus.UnixFD(w1)); err != nil {
		t.Fatal(err)
	}
	wantAllClosed(t, r0)
	fd, again := <-fds, <-fds
	if fd < 0 || again != -1 {
		t.Fatalf("the descriptors are %d and %d", fd, again)
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("the descriptor is inherited by other programs: %#x, %v", flags, err)
	}
	f := os.NewFile(uintptr(fd), "pipe")
	fmt.Fprint(f, "text")
	f.Close()
	got := make([]byte, 10)
	if n, err := r1.Read(got); string(got[:n]) != "text" {
		t.Errorf("read %q, %v", got[:n], err)
	}
}

func TestTakeDescriptorOfOtherValues(t *testing.T) {
	m := &message{descriptors: []int{-1}}
	for _, value := range []any{dbus.UnixFDIndex(1), dbus.UnixFDIndex(1<<32 - 1), dbus.UnixFD(0), uint32(0), nil} {
		if fd := m.takeDescriptor(value); fd != -1 {
			t.Errorf("%#v has the descriptor %d", value, fd)
		}
	}
}

// Descriptors come in calls alone.
func TestClientClosesDescriptorsOfSignals(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	_, z, _ := clientOfBlueZ(t)
	client := clientName(t, z)
	r, w := pipeEnds(t)
	sendSignal(anotherProgram(t), client, "/x", "org.example", "Signal", dbus.UnixFD(w))
	unix.Close(w)
	wantAllClosed(t, r)
}

// Close ends calls that have not been handled yet, and closes their descriptors.
func TestCloseEndsExports(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := fakebus.NewBlueZ(t)
	c := connectClient(t)
	running, resume := make(chan struct{}), make(chan struct{})
	calls := 0
	c.export(exportPath, exportInterface, methods{"Take": {"h", func(m *message) {
		calls++
		close(running)
		<-resume
		if m.ctx.Err() == nil {
			t.Error("the context of the call has not ended")
		}
	}}})
	if _, err := c.call(t.Context(), bluezPath, "org.bluez.ProfileManager1.RegisterProfile",
		exportPath, "0000feed-0000-1000-8000-00805f9b34fb", map[string]dbus.Variant{}); err != nil {
		t.Fatal(err)
	}
	p := z.Profiles()[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var readers []*os.File
	for range 3 {
		r, w := pipeEnds(t)
		readers = append(readers, r)
		p.Call(ctx, "Take", dbus.UnixFD(w)) // does not wait for the answer
	}
	hosttest.Receive(t, running)
	closed := hosttest.InBackground(c.Close)
	hosttest.Receive(t, c.closed.Done())
	select {
	case <-closed:
		t.Error("Close returned while a method ran")
	default:
	}
	close(resume)
	hosttest.Receive(t, closed)
	for _, r := range readers {
		wantAllClosed(t, r)
	}
	if calls != 1 {
		t.Errorf("%d methods ran", calls)
	}
}

func TestExportWithoutReply(t *testing.T) {
	m := &message{raw: &dbus.Message{Flags: dbus.FlagNoReplyExpected}}
	m.reply() // sends nothing: there is no connection
	m.fail("org.bluez.Error.Rejected", "no")
}
