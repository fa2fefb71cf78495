//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// portName is the name that lab/run gives the port.
const portName = "rfcomm-lab"

// Kinds of frames on the port.
const (
	frameOutput = 'o' // a part of the command's output
	frameReport = 'r' // a report line
)

// Kinds of report lines, the first word of each.
const (
	reportStarted = "started" // the command is about to run
	reportNote    = "note"    // a note for the user
	reportExit    = "exit"    // the command's exit status; the last report
	reportFailed  = "failed"  // why the lab could not run the command; the last report
)

// A port is a virtio-serial port. It carries the command's output out of the
// machine unaltered, separate from the kernel's console. Output and reports are
// sent in frames of a kind, a length of four bytes and the content. The last
// report confirms that all output has arrived: the kernel cannot report that a
// port's queue is empty, and when the machine ends, the queue is lost.
type port struct {
	mu sync.Mutex // one frame at a time
	fd int
}

// openPort opens the port. It waits for it, since the kernel finds a port some
// time after it has loaded the driver.
func openPort() (*port, error) {
	deadline := time.Now().Add(patience)
	for {
		if path, ok := findPort(); ok {
			fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				return nil, fmt.Errorf("opening the port: %w", err)
			}
			return &port{fd: fd}, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("the machine has no port named %s, which lab/run configures", portName)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func findPort() (path string, ok bool) {
	files, _ := filepath.Glob("/sys/class/virtio-ports/*/name")
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err == nil && strings.TrimSpace(string(content)) == portName {
			return filepath.Join("/dev", filepath.Base(filepath.Dir(file))), true
		}
	}
	return "", false
}

// Write sends a part of the command's output.
func (p *port) Write(b []byte) (int, error) {
	if err := p.frame(frameOutput, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// report sends a report line. Line ends in the text become spaces, since
// lab/run reads line by line.
func (p *port) report(kind, text string) {
	line := strings.TrimSpace(kind + " " + strings.Join(strings.Fields(text), " "))
	if err := p.frame(frameReport, []byte(line)); err != nil {
		fmt.Fprintln(os.Stderr, "guest: reporting to lab/run:", err)
	}
}

func (p *port) frame(kind byte, content []byte) error {
	frame := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(content)))
	frame = append(frame, content...)
	p.mu.Lock()
	defer p.mu.Unlock()
	// The driver itself takes at most 32 KiB at a time.
	for len(frame) > 0 {
		n, err := unix.Write(p.fd, frame)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
			continue
		}
		if err != nil {
			return err
		}
		frame = frame[n:]
	}
	return nil
}
