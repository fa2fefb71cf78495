package serial

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// An exclusion ends the exclusive use (TIOCEXCL) of a terminal when the last
// program has closed it. The kernel does that only when no process has it open,
// so a program that was killed would exclude every later one.
type exclusion struct {
	events *os.File // of inotify, nil if the system has no free instance
	done   chan struct{}
}

// watchExclusion watches a terminal that this process has open. When no other
// program has it open, it calls end.
func watchExclusion(name string, end func()) *exclusion {
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return &exclusion{}
	}
	x := &exclusion{events: os.NewFile(uintptr(watch), "inotify"), done: make(chan struct{})}
	if _, err := unix.InotifyAddWatch(watch, name, unix.IN_OPEN|unix.IN_CLOSE); err != nil {
		x.events.Close()
		return &exclusion{}
	}
	go x.run(end)
	return x
}

// run counts the programs.
func (x *exclusion) run(end func()) {
	defer close(x.done)
	users := 0
	for buffer := make([]byte, 4096); ; {
		n, err := x.events.Read(buffer)
		if err != nil {
			return
		}
		users = countUsers(buffer[:n], users)
		if users == 0 {
			end()
		}
	}
}

// countUsers returns the number of open descriptions after the events.
func countUsers(events []byte, users int) int {
	for len(events) >= unix.SizeofInotifyEvent {
		mask := binary.NativeEndian.Uint32(events[4:])
		switch {
		case mask&unix.IN_OPEN != 0:
			users++
		case mask&unix.IN_CLOSE != 0:
			users--
		}
		name := binary.NativeEndian.Uint32(events[12:])
		events = events[unix.SizeofInotifyEvent:]
		events = events[min(uint64(name), uint64(len(events))):]
	}
	return max(users, 0)
}

// stop ends the watch.
func (x *exclusion) stop() {
	if x.events != nil {
		x.events.Close()
		<-x.done
	}
}

// endExclusiveUse lets other programs open the terminal.
func endExclusiveUse(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) }

func (p *Port) endExclusiveUse() { p.tty.control(endExclusiveUse) }
