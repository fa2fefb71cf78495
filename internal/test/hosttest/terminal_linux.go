package hosttest

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// A Terminal is a pseudo terminal: Slave is for the streams of a program, and
// the methods are for the person in front of it.
type Terminal struct {
	Slave  *os.File
	master *os.File

	mu      sync.Mutex
	printed strings.Builder
}

// OpenTerminal returns a terminal that is closed at the end of the test.
func OpenTerminal(t testing.TB) *Terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no pseudo terminals: ", err)
	}
	terminal := &Terminal{master: os.NewFile(uintptr(fd), "/dev/ptmx")}
	number, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		terminal.Slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() { // until the last slave is closed
		defer close(read)
		io.Copy(terminal, terminal.master)
	}()
	t.Cleanup(func() {
		terminal.Slave.Close()
		<-read
		terminal.master.Close()
	})
	return terminal
}

// Write receives the output of the program.
func (t *Terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.printed.Write(p)
}

// String returns the output of the program so far, and the text that was typed,
// which the terminal echoes.
func (t *Terminal) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.printed.String()
}

// Type types a text. The Enter key is "\n".
func (t *Terminal) Type(tb testing.TB, text string) {
	tb.Helper()
	if _, err := io.WriteString(t.master, text); err != nil {
		tb.Fatal(err)
	}
}
