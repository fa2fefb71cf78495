package serial

import (
	"encoding/binary"
	"os"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func newPTY(t *testing.T) *pty {
	t.Helper()
	p, err := openPTY(defaultMode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestPTYIsPrivate(t *testing.T) {
	for _, mode := range []os.FileMode{0o600, 0o660, 0o606} {
		p, err := openPTY(mode)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(p.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != mode {
			t.Errorf("the mode is %v, want %v", got, mode)
		}
		if group := int(info.Sys().(*syscall.Stat_t).Gid); mode&0o070 != 0 && group != os.Getegid() {
			t.Errorf("the group is %d, want %d", group, os.Getegid())
		}
		p.Close()
		if _, err := os.Stat(p.name); !os.IsNotExist(err) {
			t.Errorf("the node remains: %v", err)
		}
	}
}

func TestPTYIsRaw(t *testing.T) {
	p := newPTY(t)
	program := openProgram(t, p.name)
	all := string(everyByte(1 << 10))
	send(t, p, all)
	wantText(t, program, all)
	send(t, program, all)
	wantText(t, p, all)
}

// Exclusive use must end with the program, as at a port that is not open.
func TestPTYExclusiveUseEnds(t *testing.T) {
	p := newPTY(t)
	exclude := func() {
		program := openProgram(t, p.name)
		defer program.Close()
		raw, err := program.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) { err = unix.IoctlSetInt(int(fd), unix.TIOCEXCL, 0) })
		if err != nil {
			t.Fatal(err)
		}
		if !exclusive(t, p.slave) {
			t.Fatal("TIOCEXCL has no effect")
		}
	}
	for range 3 {
		exclude()
		hosttest.Eventually(t, "the exclusive use ends", func() bool { return !exclusive(t, p.slave) })
	}
}

// exclusive reports whether a program uses the terminal alone.
func exclusive(t *testing.T, fd int) bool {
	t.Helper()
	value, err := unix.IoctlGetInt(fd, unix.TIOCGEXCL)
	if err != nil {
		t.Fatal(err)
	}
	return value != 0
}

func TestCountUsersTakesAnyBytes(t *testing.T) {
	event := func(mask uint32, name string) (e []byte) {
		e = binary.NativeEndian.AppendUint32(make([]byte, 4), mask)
		e = append(e, 0, 0, 0, 0)
		e = binary.NativeEndian.AppendUint32(e, uint32(len(name)))
		return append(e, name...)
	}
	open, closed, named := event(unix.IN_OPEN, ""), event(unix.IN_CLOSE_WRITE, ""), event(unix.IN_IGNORED, "name")
	for _, tt := range []struct {
		before int
		events []byte
		want   int
	}{
		{0, slices.Concat(open, open), 2},
		{2, slices.Concat(closed, named, open, closed), 1},
		{1, slices.Concat(closed, closed), 0},
		{1, open[:len(open)-1], 1},
		{1, append(event(0, "long")[:16], open[:3]...), 1},
	} {
		if got := countUsers(tt.events, tt.before); got != tt.want {
			t.Errorf("%d users and %x: %d, want %d", tt.before, tt.events, got, tt.want)
		}
	}
}

func FuzzCountUsers(f *testing.F) {
	f.Add(make([]byte, 2*unix.SizeofInotifyEvent), 1)
	f.Fuzz(func(t *testing.T, events []byte, users int) {
		users = max(users, 0) % 1000
		got := countUsers(events, users)
		if limit := users + len(events)/unix.SizeofInotifyEvent; got < 0 || got > limit {
			t.Errorf("%d users after %d, with %d bytes of events", got, users, len(events))
		}
	})
}
