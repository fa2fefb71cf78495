package sdp_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// A capture is the log of a radio, in the btsnoop format. It implements io.Writer
// for [rfcommtest.Config.Log].
type capture struct {
	test      string
	malformed bool     // on purpose
	outlines  []string // of the answers that the test has decoded

	mu     sync.Mutex
	log    bytes.Buffer
	frames int
}

// Write appends a packet. A radio calls it once for each.
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

// answered adds records to those that tshark must find too: the complete content
// of an answer of the test.
func (c *capture) answered(t *testing.T, records []*sdp.Record) {
	t.Helper()
	c.outlines = append(c.outlines, outline(t, records))
}

// A captureList holds captures, in the order of their tests. It is not safe for
// concurrent use.
type captureList []*capture

// captures holds the captures of all tests.
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
