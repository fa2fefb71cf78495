package sdp_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A capture is the log of a radio, in the btsnoop format.
type capture struct {
	test      string
	malformed bool // on purpose

	mu     sync.Mutex
	log    bytes.Buffer
	frames int
}

// Write appends a packet, as [rfcommtest.Radio] does with one call for each.
func (c *capture) Write(packet []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames++
	return c.log.Write(packet)
}

// packets returns the log so far and the number of its packets.
func (c *capture) packets() (log []byte, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.log.Bytes()), c.frames
}

// sendsMalformed excludes the capture from tshark's check, because the test
// sends malformed packets on purpose.
func (c *capture) sendsMalformed() { c.malformed = true }

// captureList holds the captures of all tests. It is not safe for concurrent
// use, since the tests do not run in parallel.
type captureList []*capture

var captures captureList

// add returns a new capture of a test.
func (l *captureList) add(t *testing.T) *capture {
	c := &capture{test: t.Name()}
	*l = append(*l, c)
	return c
}

// headerLength is the length of the header of a btsnoop file.
const headerLength = 16

// join returns one log with the packets of all captures that are well-formed,
// and a function that returns the test that a frame belongs to. Frames are
// numbered from 1, as in Wireshark.
func (l captureList) join() (log []byte, testOf func(frame int) string) {
	var ends []int
	var tests []string
	frames := 0
	for _, c := range l {
		data, n := c.packets()
		if c.malformed || len(data) == 0 {
			continue
		}
		if log != nil {
			data = data[headerLength:]
		}
		log = append(log, data...)
		frames += n
		ends, tests = append(ends, frames), append(tests, c.test)
	}
	return log, func(frame int) string {
		for i, end := range ends {
			if frame <= end {
				return tests[i]
			}
		}
		return "no test"
	}
}

// check returns an error that names the packets of the tests that tshark calls
// malformed. One run of tshark reads all captures, because its start takes 2 s in
// the lab.
func (l captureList) check() error {
	log, testOf := l.join()
	if len(log) == 0 {
		return nil
	}
	program, err := exec.LookPath("tshark")
	if err != nil {
		return nil // TestCapturesCheckNamesMalformedPacket skips itself for this reason
	}
	lines, err := tshark(program, log, malformed, "frame.number", "_ws.expert.message", "_ws.col.Info")
	if err != nil {
		return err
	}
	var errs []string
	for _, line := range lines {
		frame, _ := strconv.Atoi(line[0])
		errs = append(errs, fmt.Sprintf("%s sends frame %s, which is malformed: %s; %s", testOf(frame), line[0], line[1], line[2]))
	}
	if len(errs) > 0 {
		return fmt.Errorf("tshark: %s", strings.Join(errs, "\n\t"))
	}
	return nil
}

// malformed is the display filter for packets that Wireshark calls malformed.
const malformed = `_ws.malformed || _ws.expert.group == "Malformed"`

// tshark returns the values of the fields of each packet that a display filter
// selects.
func tshark(program string, log []byte, filter string, fields ...string) (lines [][]string, err error) {
	file, err := os.CreateTemp("", "*.btsnoop")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	if _, err := file.Write(log); err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	arguments := []string{"-r", file.Name(), "-Y", filter, "-T", "fields"}
	for _, field := range fields {
		arguments = append(arguments, "-e", field)
	}
	var stderr bytes.Buffer
	command := exec.Command(program, arguments...)
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("tshark: %w: %s", err, &stderr)
	}
	for line := range strings.Lines(string(output)) {
		lines = append(lines, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return lines, nil
}

func TestCapturesCheckNamesMalformedPacket(t *testing.T) {
	labtest.Program(t, "tshark", "tshark")
	a := newAir(t, rfcommtest.Config{Controllers: 1})
	a.log.sendsMalformed()
	device := a.NewDevice(rfcommtest.ControllerConfig{})
	l, err := device.ListenL2CAP(1)
	if err != nil {
		t.Fatal(err)
	}
	answered := hosttest.InBackground(func() error {
		c, err := l.AcceptL2CAP()
		if err != nil {
			return err
		}
		defer c.Close()
		request := make([]byte, 672)
		if _, err := c.Read(request); err != nil {
			return err
		}
		// A Search response with 2 handles, of which one is missing.
		_, err = c.Write([]byte{3, request[1], request[2], 0, 9, 0, 2, 0, 2, 0, 1, 0, 1, 0})
		return err
	})
	program := labtest.Program(t, "sdptool", "bluez")
	exec.Command(program, "-i", a.near.Name(), "search", "--bdaddr", device.Addr().String(), "SP").Run()
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	well := captureList{a.log}
	if err := well.check(); err != nil {
		t.Errorf("a capture that sends malformed packets on purpose: %v", err)
	}
	a.log.malformed = false
	err = well.check()
	a.log.sendsMalformed()
	if err == nil || !strings.Contains(err.Error(), t.Name()+" sends frame ") || !strings.Contains(err.Error(), "Search Response") {
		t.Errorf("got %v, want a frame of this test", err)
	}
}
