package faults

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A malformation is a message, of one or more frames, that no
// device should send.
type malformation struct {
	name   string
	frames [][]byte

	// taken are the bytes that Linux 6.1 delivers as data of the channel. 6.12
	// delivers none.
	taken []byte
}

// malformed returns malformations that must not affect the data read from and
// written to the given channel.
func malformed(dlci byte) []malformation {
	const closed = 28 // a channel without a listener
	address := dlci<<2 | 3
	wrong := frame(dlci, uih, []byte("wrong checksum")...)
	wrong[len(wrong)-1] ^= 0x55
	data := bytes.Repeat([]byte("?"), 50)
	return []malformation{
		{name: "wrong checksum", frames: [][]byte{wrong}},
		{name: "an empty packet", frames: [][]byte{{}}},
		{name: "one byte", frames: [][]byte{{address}}},
		{name: "two bytes", frames: [][]byte{{address, uih}}},
		{name: "unknown type of frame", frames: [][]byte{frame(dlci, 0x87, data...)}},
		{name: "data for a closed channel", frames: [][]byte{frame(closed, uih, data...), frame(61, uih, data...)}},
		{name: "unexpected answers", frames: [][]byte{frame(closed, ua), frame(closed, dm), frame(63, ua), frame(63, dm)}},
		{name: "invalid channels", frames: [][]byte{frame(1, sabm), frame(62, sabm), frame(63, sabm), frame(63, disconnect)}},
		{name: "a channel without a listener", frames: [][]byte{frame(closed, sabm), frame(closed, disconnect)}},
		{name: "a second session", frames: [][]byte{frame(0, sabm)}},
		{name: "an empty command", frames: [][]byte{frame(0, uih)}},
		{name: "half a command", frames: [][]byte{frame(0, uih, parameterNegotiation<<2|3)}},
		{name: "unknown commands", frames: [][]byte{command(0x3f, true, data...), command(0x01, true), command(0x3f, false, data...)}},
		{name: "commands without content", frames: [][]byte{
			command(parameterNegotiation, true), command(modemStatus, true), command(remotePort, true),
			command(lineStatus, true), command(testCommand, true),
		}},
		{name: "commands with too much content", frames: [][]byte{
			command(parameterNegotiation, true, data...), command(modemStatus, true, data...), command(remotePort, true, data...),
			command(lineStatus, true, data...), command(testCommand, true, data...),
		}},
		{name: "commands for invalid channels", frames: [][]byte{
			command(parameterNegotiation, true, 63, 0xf0, 7, 0, 0xff, 0xff, 0, 7), command(parameterNegotiation, true, 0, 0xf0, 7, 0, 0, 0, 0, 0),
			command(modemStatus, true, 63<<2|3, 0xff), command(modemStatus, true, closed<<2|3, 0xff),
			command(remotePort, true, 63<<2|3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		}},
		{name: "truncated headers with a correct checksum", frames: [][]byte{
			truncated(dlci, uih), truncated(dlci, uih, 2), truncated(dlci, uihCredits), truncated(dlci, uihCredits, 1),
		}, taken: []byte{address, uih, address, uih, 2, uihCredits}},
		{name: "frames without data", frames: slices.Repeat([][]byte{frame(dlci, uih)}, 100)},
		{name: "a second answer", frames: [][]byte{frame(dlci, ua)}},
		{name: "too many credits", frames: slices.Repeat([][]byte{frame(dlci, uihCredits, 255)}, 200)},
	}
}

// takesHeaders reports whether this kernel delivers the header of a truncated
// frame as data.
func takesHeaders(t testing.TB) bool {
	t.Helper()
	var system unix.Utsname
	if err := unix.Uname(&system); err != nil {
		t.Fatal(err)
	}
	return strings.HasPrefix(unix.ByteSliceToString(system.Release[:]), "6.1.")
}

// truncated returns a frame that ends within its header.
func truncated(dlci, kind byte, length ...byte) []byte {
	f := append([]byte{dlci<<2 | 3, kind}, length...)
	return append(f, checksum(f, kind))
}

// allMalformed returns the frames of all malformations that no kernel delivers
// as data.
func allMalformed(dlci byte) [][]byte {
	var all [][]byte
	for _, m := range malformed(dlci) {
		if m.taken == nil {
			all = append(all, m.frames...)
		}
	}
	return all
}
