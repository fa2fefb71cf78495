//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// hangLimit is the time without output after which a process counts as hanging.
// The slowest process prints a line every few seconds.
const hangLimit = 20 * time.Second

// errHangs is the error of a process that runs but makes no progress.
var errHangs = errors.New("hangs")

// A process is one end of a connection, or a daemon.
type process struct {
	name  string
	id    int
	lines chan string // the lines of both outputs; closed at the end of the process
	ended chan struct{}
}

// start starts a command in a process group of its own.
func start(command ...string) (*process, error) {
	output, input, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = input, input
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	input.Close()
	if err != nil {
		output.Close()
		return nil, err
	}
	p := &process{
		name:  command[0],
		id:    cmd.Process.Pid,
		lines: make(chan string, 256),
		ended: make(chan struct{}),
	}
	go func() {
		defer output.Close()
		defer close(p.lines)
		scanner := bufio.NewScanner(output)
		scanner.Split(splitSayings)
		for scanner.Scan() {
			select {
			case p.lines <- scanner.Text():
			default: // the line is not needed
			}
		}
	}()
	go func() {
		cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// splitSayings splits at the ends of lines, and at the characters by which
// obexftp steps back to redraw its progress.
func splitSayings(data []byte, atEnd bool) (advance int, token []byte, err error) {
	if i := bytes.IndexAny(data, "\n\b"); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEnd && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// waitFor waits until the process prints a line that contains one of the texts,
// and returns the line.
func (p *process) waitFor(texts ...string) (string, error) {
	var said []string
	limit := time.NewTimer(hangLimit)
	defer limit.Stop()
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				return "", fmt.Errorf("%s ended: %s", p.name, strings.Join(said, "; "))
			}
			for _, text := range texts {
				if strings.Contains(line, text) {
					return line, nil
				}
			}
			said = append(said, line)
		case <-limit.C:
			if len(said) > 0 {
				progress("%s said last: %s", p.name, said[len(said)-1])
			}
			return "", errHangs
		}
	}
}

// last returns the last unread line.
func (p *process) last() string {
	var line string
	for {
		select {
		case next, ok := <-p.lines:
			if !ok {
				return line
			}
			line = next
		case <-time.After(100 * time.Millisecond):
			return line
		}
	}
}

// kill kills the process and the processes that it has started.
func (p *process) kill() {
	if p == nil {
		return
	}
	unix.Kill(-p.id, unix.SIGKILL)
	select {
	case <-p.ended:
	case <-time.After(hangLimit):
		progress("%s (process %d) does not end", p.name, p.id)
	}
}

// cpu returns the CPU time that the process and its children have used, in user
// mode and in the kernel.
func (p *process) cpu() (time.Duration, error) {
	total, err := cpuOf(p.id)
	if err != nil {
		return 0, err
	}
	// rctest handles each connection in a process of its own.
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", p.id))
	if err != nil {
		return 0, err
	}
	for _, word := range strings.Fields(string(list)) {
		id, err := strconv.Atoi(word)
		if err != nil {
			return 0, err
		}
		child, err := cpuOf(id)
		if err != nil {
			return 0, err
		}
		total += child
	}
	return total, nil
}

// cpuOf reads the CPU-time clock of another process. /proc has the same time in
// hundredths of a second, which is too coarse.
func cpuOf(id int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED of the kernel's posix-timers.h: the time that the scheduler has counted
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^id<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", id, err)
	}
	return time.Duration(t.Nano()), nil
}
