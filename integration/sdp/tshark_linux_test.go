package sdp_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// check returns an error that names the packets that tshark calls malformed, and
// the answers that it decodes in another way. One run of tshark reads all
// captures, because its start takes 2 s in the lab.
func (l captureList) check() error {
	log, testOf := l.join()
	if len(log) == 0 {
		return nil
	}
	program, err := exec.LookPath("tshark")
	if err != nil {
		return nil // TestCapturesCheckNamesMalformedPacket skips itself for this reason
	}
	lines, err := tshark(program, log, `_ws.malformed || _ws.expert.group == "Malformed" || btsdp.pdu == 7`, append([]string{
		"frame.number", "_ws.expert.group", "_ws.expert.message", "_ws.col.Info"}, outlineFields...)...)
	if err != nil {
		return err
	}
	var errs []error
	found := make(map[string]bool) // the name of a test and an outline
	for _, line := range lines {
		frame, _ := strconv.Atoi(line[0])
		if isMalformed(line[1], line[2]) {
			errs = append(errs, fmt.Errorf("%s: frame %d of all is malformed: %s; %s", testOf(frame), frame, line[2], line[3]))
		}
		found[testOf(frame)+"\t"+strings.Join(line[4:], "\t")] = true
	}
	for _, c := range l {
		for _, outline := range c.outlines {
			if !found[c.test+"\t"+outline] {
				errs = append(errs, fmt.Errorf("%s: tshark finds no answer with the decoded records: %s", c.test, outline))
			}
		}
	}
	return errors.Join(errs...)
}

// malformedGroup is the number of Wireshark's group of complaints about malformed
// packets (PI_MALFORMED).
const malformedGroup = 7 << 24

// longInteger is the complaint of tshark 4.0 about an integer of 128 bits, which
// it cannot decode.
const longInteger = "Trying to fetch an unsigned integer with length 16"

// isMalformed reports whether one of tshark's complaints about a packet, of which
// it has the groups and the messages, is that it is malformed.
func isMalformed(groups, messages string) bool {
	complaints := strings.Count(groups, strconv.Itoa(malformedGroup))
	return complaints > strings.Count(messages, longInteger)
}

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
	a.log.malformed, a.log.outlines = false, []string{"of another answer"}
	err = well.check()
	a.log.malformed, a.log.outlines = true, nil
	for _, want := range []string{t.Name() + ": frame ", "malformed: ", "Search Response", "decoded records: of another answer"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
