package faults

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A malformation is a message, of one or more frames, that no device should send.
type malformation struct {
	name   string
	frames [][]byte

	// taken is what Linux 6.1 takes for data of the channel. 6.12 does not.
	taken []byte
}

// malformed returns malformations. One of the channel that is given is to have no
// effect on what is read from it, nor on what is written to it.
func malformed(dlci byte) []malformation {
	const closed = 28 // a channel on which nobody listens
	address := dlci<<2 | 3
	wrong := frame(dlci, uih, []byte("wrong checksum")...)
	wrong[len(wrong)-1] ^= 0x55
	data := bytes.Repeat([]byte("?"), 50)
	return []malformation{
		{name: "wrong checksum", frames: [][]byte{wrong}},
		{name: "no frame at all", frames: [][]byte{{}}},
		{name: "one byte", frames: [][]byte{{address}}},
		{name: "two bytes", frames: [][]byte{{address, uih}}},
		{name: "unknown type of frame", frames: [][]byte{frame(dlci, 0x87, data...)}},
		{name: "data for a channel that is closed", frames: [][]byte{frame(closed, uih, data...), frame(61, uih, data...)}},
		{name: "answers that nobody waits for", frames: [][]byte{frame(closed, ua), frame(closed, dm), frame(63, ua), frame(63, dm)}},
		{name: "channels that are none", frames: [][]byte{frame(1, sabm), frame(62, sabm), frame(63, sabm), frame(63, disconnect)}},
		{name: "a channel that nobody listens on", frames: [][]byte{frame(closed, sabm), frame(closed, disconnect)}},
		{name: "the session again", frames: [][]byte{frame(0, sabm)}},
		{name: "an empty command", frames: [][]byte{frame(0, uih)}},
		{name: "half a command", frames: [][]byte{frame(0, uih, parameterNegotiation<<2|3)}},
		{name: "unknown commands", frames: [][]byte{command(0x3f, true, data...), command(0x01, true), command(0x3f, false, data...)}},
		{name: "commands without content", frames: [][]byte{
			command(parameterNegotiation, true), command(modemStatus, true), command(remotePort, true),
			command(lineStatus, true), command(testCommand, true),
		}},
		{name: "commands that are too long", frames: [][]byte{
			command(parameterNegotiation, true, data...), command(modemStatus, true, data...), command(remotePort, true, data...),
			command(lineStatus, true, data...), command(testCommand, true, data...),
		}},
		{name: "commands for channels that are none", frames: [][]byte{
			command(parameterNegotiation, true, 63, 0xf0, 7, 0, 0xff, 0xff, 0, 7), command(parameterNegotiation, true, 0, 0xf0, 7, 0, 0, 0, 0, 0),
			command(modemStatus, true, 63<<2|3, 0xff), command(modemStatus, true, closed<<2|3, 0xff),
			command(remotePort, true, 63<<2|3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		}},
		{name: "heads that are cut, with the right checksum", frames: [][]byte{
			headless(dlci, uih), headless(dlci, uih, 2), headless(dlci, uihCredits), headless(dlci, uihCredits, 1),
		}, taken: []byte{address, uih, address, uih, 2, uihCredits}},
		{name: "frames without data", frames: slices.Repeat([][]byte{frame(dlci, uih)}, 100)},
		{name: "an answer to what is answered", frames: [][]byte{frame(dlci, ua)}},
		{name: "more credits than there can be", frames: slices.Repeat([][]byte{frame(dlci, uihCredits, 255)}, 200)},
	}
}

// takesHeads reports whether this kernel takes the head of a frame for data.
func takesHeads(t testing.TB) bool {
	t.Helper()
	var system unix.Utsname
	if err := unix.Uname(&system); err != nil {
		t.Fatal(err)
	}
	return strings.HasPrefix(unix.ByteSliceToString(system.Release[:]), "6.1.")
}

// headless returns a frame that ends within its head.
func headless(dlci, kind byte, length ...byte) []byte {
	f := append([]byte{dlci<<2 | 3, kind}, length...)
	return append(f, checksum(f, kind))
}

// allMalformed returns the frames of all malformations that no kernel takes for data,
// one after the other.
func allMalformed(dlci byte) [][]byte {
	var all [][]byte
	for _, m := range malformed(dlci) {
		if m.taken == nil {
			all = append(all, m.frames...)
		}
	}
	return all
}
