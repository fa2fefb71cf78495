package speed

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// version is that of the protocol.
const version = 1

// greetingWord begins the first line of both ends.
const greetingWord = "rfcommctl-speed/"

// maxGreeting is the maximum length of the first line.
const maxGreeting = 40

// maxPacket is the maximum number of bytes in a packet on the air.
const maxPacket = 1021

// A Greeting is the first line of an end.
type Greeting struct {
	version int
	Packet  int // bytes in the longest packets of the adapter, or 0
}

// text returns the line.
func (g Greeting) text() string { return fmt.Sprintf("%s%d %d\n", greetingWord, g.version, g.Packet) }

// errNotGreeting means that the other end does not speak this protocol.
var errNotGreeting = errors.New("the first line is not that of a speed test")

// readGreeting reads the first line of the other end. It returns an error at the
// first byte that does not fit.
func readGreeting(r io.ByteReader) (Greeting, error) {
	var line []byte
	for {
		b, err := r.ReadByte()
		if err != nil {
			return Greeting{}, err
		}
		if b == '\n' {
			return parseGreeting(string(line))
		}
		if i := len(line); i == maxGreeting || i < len(greetingWord) && b != greetingWord[i] {
			return Greeting{}, errNotGreeting
		}
		line = append(line, b)
	}
}

// parseGreeting parses the first line of the other end.
func parseGreeting(line string) (Greeting, error) {
	rest, ok := strings.CutPrefix(line, greetingWord)
	first, second, two := strings.Cut(rest, " ")
	number, err := strconv.ParseUint(first, 10, 16)
	if !ok || err != nil {
		return Greeting{}, errNotGreeting
	}
	if number != version {
		return Greeting{}, fmt.Errorf("the other end has version %d of the speed test, and this one version %d: use the same rfcommctl on both", number, version)
	}
	packet, err := strconv.ParseUint(second, 10, 16)
	if !two || err != nil || packet > maxPacket {
		return Greeting{}, errNotGreeting
	}
	return Greeting{int(number), int(packet)}, nil
}

// A kind is that of a message.
type kind uint8

const (
	kindRun kind = iota + 1
	kindReady
	kindData
	kindCount
	kindEnd
	kindPing
	kindPong
)

const headerLength = 3

// contentLengths are the lengths of the contents of messages other than data.
var contentLengths = map[kind]int{
	kindRun: 5, kindReady: 0, kindCount: 16, kindEnd: 16, kindPing: 8, kindPong: 8,
}

// A message is a message without the content of data.
type message struct {
	kind    kind
	content []byte
	data    int // length of the data that follow
}

// readMessage reads the next message. The content of data is left to the caller.
// The error is io.EOF only between two messages.
func readMessage(r *bufio.Reader) (message, error) {
	var header [headerLength]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return message{}, err
	}
	k, length := kind(header[0]), int(binary.BigEndian.Uint16(header[1:]))
	if k == kindData {
		return message{kind: k, data: length}, nil
	}
	if want, ok := contentLengths[k]; !ok || length != want {
		return message{}, fmt.Errorf("invalid message of kind %d with %d bytes", k, length)
	}
	content := make([]byte, length)
	if _, err := io.ReadFull(r, content); err != nil {
		return message{}, unexpected(err)
	}
	return message{kind: k, content: content}, nil
}

// unexpected returns an error for an end in the middle of a message.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendMessage returns a message other than data.
func appendMessage(k kind, content []byte) []byte {
	header := []byte{byte(k), 0, 0}
	binary.BigEndian.PutUint16(header[1:], uint16(len(content)))
	return append(header, content...)
}

// A Count is a number of received bytes, and the time in which they arrived.
type Count struct {
	Bytes   int64
	Elapsed time.Duration
}

// maxElapsed limits the time of a count.
const maxElapsed = 10 * 365 * 24 * time.Hour

// content returns the content of a message.
func (c Count) content() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.Bytes))
	return binary.BigEndian.AppendUint64(b, uint64(c.Elapsed))
}

// parseCount parses the content of a message.
func parseCount(content []byte) (Count, error) {
	bytes, elapsed := binary.BigEndian.Uint64(content), binary.BigEndian.Uint64(content[8:])
	if bytes > 1<<62 || elapsed > uint64(maxElapsed) {
		return Count{}, fmt.Errorf("invalid count: %d bytes in %d ns", bytes, elapsed)
	}
	return Count{int64(bytes), time.Duration(elapsed)}, nil
}

// Rate returns the bits per second.
func (c Count) Rate() float64 {
	if c.Elapsed <= 0 {
		return 0
	}
	return float64(c.Bytes) * 8 / c.Elapsed.Seconds()
}

// Sub returns the count since an earlier one.
func (c Count) Sub(earlier Count) Count {
	return Count{c.Bytes - earlier.Bytes, c.Elapsed - earlier.Elapsed}
}

// Add returns the count of two tests, one after the other.
func (c Count) Add(other Count) Count {
	return Count{c.Bytes + other.Bytes, c.Elapsed + other.Elapsed}
}

// A plan is the content of the message "run".
type plan struct {
	send, receive bool // as seen by the client
	period        time.Duration
}

// Limits of the time between two counts.
const (
	minPeriod = 10 * time.Millisecond
	maxPeriod = 2 * time.Second
)

func (p plan) content() []byte {
	var directions byte
	if p.send {
		directions |= 1
	}
	if p.receive {
		directions |= 2
	}
	return binary.BigEndian.AppendUint32([]byte{directions}, uint32(p.period/time.Millisecond))
}

// parsePlan parses the content of the message "run".
func parsePlan(content []byte) (plan, error) {
	period := time.Duration(binary.BigEndian.Uint32(content[1:])) * time.Millisecond
	directions := content[0]
	if directions < 1 || directions > 3 || period < minPeriod || period > maxPeriod {
		return plan{}, fmt.Errorf("invalid test: directions %d, counts every %s", directions, period)
	}
	return plan{directions&1 != 0, directions&2 != 0, period}, nil
}
