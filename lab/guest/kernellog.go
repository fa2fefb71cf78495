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

// levelWarning is the least severe level of kernel messages that
// the lab reports.
const levelWarning = 4

// A kernelLog collects the kernel's messages of level warning or worse since
// the lab was ready.
type kernelLog struct {
	fd    int
	lines []string
}

func openKernelLog() (*kernelLog, error) {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the kernel's log: %w", err)
	}
	// The tests have not caused the messages of the boot.
	if _, err := unix.Seek(fd, 0, io.SeekEnd); err != nil {
		return nil, fmt.Errorf("skipping the old messages of the kernel's log: %w", err)
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

// read collects the new messages. Each read(2) returns one record:
// "PRIORITY,…;TEXT".
func (k *kernelLog) read() error {
	record := make([]byte, 8192)
	for {
		n, err := unix.Read(k.fd, record)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EPIPE): // EPIPE: the kernel has overwritten old records
			continue
		case err != nil:
			return err
		}
		head, text, _ := strings.Cut(string(record[:n]), ";")
		text, _, _ = strings.Cut(text, "\n") // without the record's properties
		priority, _, _ := strings.Cut(head, ",")
		// The higher bits are the facility: 0 is the kernel itself.
		if value, err := strconv.Atoi(priority); err == nil && value <= levelWarning {
			k.lines = append(k.lines, text)
		}
	}
}

// showBlockedTasks makes the kernel print the stacks of blocked tasks to its
// console, after a delay. They explain why a command hangs in the kernel.
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
