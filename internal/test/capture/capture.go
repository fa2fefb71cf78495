// Package capture collects the packets of virtual radios, and lets tshark, the
// command-line program of Wireshark, check them.
package capture

import (
	"bytes"
	"sync"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// A Log is the log of a radio, in the btsnoop format. It is an io.Writer for
// Config.Log of package rfcommtest.
type Log struct {
	name      string
	malformed bool     // on purpose
	outlines  []string // of the answers that were decoded

	mu      sync.Mutex
	data    bytes.Buffer
	packets int
}

// Write appends a packet. A radio calls it once for each.
func (l *Log) Write(packet []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.packets++
	return l.data.Write(packet)
}

// Packets returns the log so far and the number of its packets.
func (l *Log) Packets() (log []byte, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.data.Bytes()), l.packets
}

// SendsMalformed excludes the log from the check, because it has malformed
// packets on purpose.
func (l *Log) SendsMalformed() { l.malformed = true }

// Answered adds records to those that tshark must find too: the complete content
// of an answer to a search.
func (l *Log) Answered(records []*sdp.Record) error {
	o, err := outline(records)
	l.outlines = append(l.outlines, o)
	return err
}

// Logs are the logs of several radios, in the order of their use. They are not
// safe for concurrent use.
type Logs []*Log

// New adds a log with a name, such as that of a test.
func (l *Logs) New(name string) *Log {
	log := &Log{name: name}
	*l = append(*l, log)
	return log
}

// HeaderLength is the length of the header of a btsnoop file, before the packets.
const HeaderLength = 16

// join returns one log with the packets of all logs that are well-formed, and a
// function that returns the name of the log that a packet belongs to. Packets are
// numbered from 1, as in Wireshark.
func (l Logs) join() (joined []byte, nameOf func(packet int) string) {
	var ends []int
	var names []string
	total := 0
	for _, log := range l {
		data, n := log.Packets()
		if log.malformed || n == 0 {
			continue
		}
		if joined != nil {
			data = data[HeaderLength:]
		}
		joined = append(joined, data...)
		total += n
		ends, names = append(ends, total), append(names, log.name)
	}
	return joined, func(packet int) string {
		for i, end := range ends {
			if packet <= end {
				return names[i]
			}
		}
		return "no log"
	}
}
