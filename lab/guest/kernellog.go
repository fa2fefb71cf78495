//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// levelWarning is the least urgent level of the kernel's messages that the
// lab reports.
const levelWarning = 4

// A kernelLog collects the kernel's warnings, and anything worse, since the
// lab was ready.
type kernelLog struct {
	fd    int
	lines []string
}

func openKernelLog() (*kernelLog, error) {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the kernel's log: %w", err)
	}
	// What came while the machine booted is not the tests' doing.
	if _, err := unix.Seek(fd, 0, io.SeekEnd); err != nil {
		return nil, fmt.Errorf("passing over the kernel's log: %w", err)
	}
	return &kernelLog{fd: fd}, nil
}

// describe returns the lines so far as one quoted Go string.
func (k *kernelLog) describe() (string, error) {
	if err := k.read(); err != nil {
		return "", fmt.Errorf("reading the kernel's log: %w", err)
	}
	return strconv.Quote(strings.Join(k.lines, "\n")), nil
}

// read takes what is new. The kernel gives one record a read: "PRIORITY,…;TEXT".
func (k *kernelLog) read() error {
	record := make([]byte, 8192)
	for {
		n, err := unix.Read(k.fd, record)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EPIPE): // EPIPE: the oldest records are lost
			continue
		case err != nil:
			return err
		}
		head, text, _ := strings.Cut(string(record[:n]), ";")
		text, _, _ = strings.Cut(text, "\n") // what follows are the record's properties
		priority, _, _ := strings.Cut(head, ",")
		// The higher bits name who wrote the message: 0 is the kernel itself.
		if value, err := strconv.Atoi(priority); err == nil && value <= levelWarning {
			k.lines = append(k.lines, text)
		}
	}
}

// showBlockedTasks has the kernel print to its console, after a time, where
// tasks are blocked. A command that hangs in the kernel is understood from that.
func showBlockedTasks(after time.Duration) {
	time.Sleep(after)
	for _, setting := range []struct{ path, value string }{
		{"/proc/sys/kernel/printk", "8"}, // everything to the console
		{"/proc/sysrq-trigger", "w"},
		{"/proc/sys/kernel/printk", "5"},
	} {
		if err := os.WriteFile(setting.path, []byte(setting.value), 0); err != nil {
			fmt.Fprintln(os.Stderr, "guest: showing the blocked tasks:", err)
			return
		}
	}
}
