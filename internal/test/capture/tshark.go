package capture

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// Check returns an error that names the packets that tshark calls malformed, and
// the answers that tshark does not find. It matches exec.ErrNotFound if the
// machine has no tshark. One run of tshark reads all logs, because its start takes
// 2 s in the lab.
func (l Logs) Check() error {
	joined, nameOf := l.join()
	if len(joined) == 0 {
		return nil
	}
	lines, err := tshark(joined, `_ws.malformed || _ws.expert.group == "Malformed" || btsdp.pdu == 7`,
		append([]string{"frame.number", "_ws.expert.group", "_ws.expert.message", "_ws.col.Info"}, outlineFields...))
	if err != nil {
		return err
	}
	var errs []error
	found := make(map[string]bool) // the name of a log and an outline
	for _, line := range lines {
		packet, _ := strconv.Atoi(line[0])
		if isMalformed(line[1], line[2]) {
			errs = append(errs, fmt.Errorf("%s: packet %d of all is malformed: %s; %s", nameOf(packet), packet, line[2], line[3]))
		}
		found[nameOf(packet)+"\t"+outlineOf(line[4:])] = true
	}
	for _, log := range l {
		for _, o := range log.outlines {
			if !found[log.name+"\t"+o] {
				errs = append(errs, fmt.Errorf("%s: tshark finds no answer with the records: %s", log.name, o))
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
func tshark(log []byte, filter string, fields []string) (lines [][]string, err error) {
	file, err := os.CreateTemp("", "*.btsnoop")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(log)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	arguments := []string{"-r", file.Name(), "-Y", filter, "-T", "fields"}
	for _, field := range fields {
		arguments = append(arguments, "-e", field)
	}
	var stderr bytes.Buffer
	command := exec.Command("tshark", arguments...)
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
