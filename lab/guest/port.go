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

// What a frame on the port carries: a part of the command's output, or a line
// about the job.
const (
	frameOutput = 'o'
	frameReport = 'r'
)

// Kinds of report lines, the first word of each.
const (
	reportStarted = "started" // the command is about to run
	reportNote    = "note"    // something for the user
	reportExit    = "exit"    // the command's exit status; nothing follows
	reportFailed  = "failed"  // why the lab could not run the command; nothing follows
)

// A port is a virtio-serial port: a way out of the machine beside the kernel's
// console, so that what the command prints arrives unaltered. Output and reports
// share it in frames, each a kind, a length of four bytes and the content. That
// way the end is known to have come through: the kernel does not tell when a
// port's queue is empty, and a machine that ends takes the queue with it.
type port struct {
	mu sync.Mutex // one frame at a time
	fd int
}

// openPort opens the port. The kernel learns of it a while after the driver is
// loaded, hence the waiting.
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
			return nil, fmt.Errorf("the machine has no port named %s; lab/run starts it with one", portName)
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

// report sends one line. Line ends in the text become spaces, since lab/run
// reads line by line.
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
