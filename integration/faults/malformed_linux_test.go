package faults

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/mux"
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
	wrong := mux.Frame(dlci, mux.UIH, []byte("wrong checksum")...)
	wrong[len(wrong)-1] ^= 0x55
	data := bytes.Repeat([]byte("?"), 50)
	return []malformation{
		{name: "wrong checksum", frames: [][]byte{wrong}},
		{name: "an empty packet", frames: [][]byte{{}}},
		{name: "one byte", frames: [][]byte{{address}}},
		{name: "two bytes", frames: [][]byte{{address, mux.UIH}}},
		{name: "unknown type of frame", frames: [][]byte{mux.Frame(dlci, 0x87, data...)}},
		{name: "data for a closed channel", frames: [][]byte{mux.Frame(closed, mux.UIH, data...), mux.Frame(61, mux.UIH, data...)}},
		{name: "unexpected answers", frames: [][]byte{mux.Frame(closed, mux.UA), mux.Frame(closed, mux.DM), mux.Frame(63, mux.UA), mux.Frame(63, mux.DM)}},
		{name: "invalid channels", frames: [][]byte{mux.Frame(1, mux.SABM), mux.Frame(62, mux.SABM), mux.Frame(63, mux.SABM), mux.Frame(63, mux.Disconnect)}},
		{name: "a channel without a listener", frames: [][]byte{mux.Frame(closed, mux.SABM), mux.Frame(closed, mux.Disconnect)}},
		{name: "a second session", frames: [][]byte{mux.Frame(0, mux.SABM)}},
		{name: "an empty command", frames: [][]byte{mux.Frame(0, mux.UIH)}},
		{name: "half a command", frames: [][]byte{mux.Frame(0, mux.UIH, mux.ParameterNegotiation<<2|3)}},
		{name: "unknown commands", frames: [][]byte{mux.Command(0x3f, true, data...), mux.Command(0x01, true), mux.Command(0x3f, false, data...)}},
		{name: "commands without content", frames: [][]byte{
			mux.Command(mux.ParameterNegotiation, true), mux.Command(mux.ModemStatus, true), mux.Command(mux.RemotePort, true),
			mux.Command(mux.LineStatus, true), mux.Command(mux.Test, true),
		}},
		{name: "commands with too much content", frames: [][]byte{
			mux.Command(mux.ParameterNegotiation, true, data...), mux.Command(mux.ModemStatus, true, data...), mux.Command(mux.RemotePort, true, data...),
			mux.Command(mux.LineStatus, true, data...), mux.Command(mux.Test, true, data...),
		}},
		{name: "commands for invalid channels", frames: [][]byte{
			mux.Command(mux.ParameterNegotiation, true, 63, 0xf0, 7, 0, 0xff, 0xff, 0, 7), mux.Command(mux.ParameterNegotiation, true, 0, 0xf0, 7, 0, 0, 0, 0, 0),
			mux.Command(mux.ModemStatus, true, 63<<2|3, 0xff), mux.Command(mux.ModemStatus, true, closed<<2|3, 0xff),
			mux.Command(mux.RemotePort, true, 63<<2|3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		}},
		{name: "truncated headers with a correct checksum", frames: [][]byte{
			mux.Truncated(dlci, mux.UIH), mux.Truncated(dlci, mux.UIH, 2), mux.Truncated(dlci, mux.UIHCredits), mux.Truncated(dlci, mux.UIHCredits, 1),
		}, taken: []byte{address, mux.UIH, address, mux.UIH, 2, mux.UIHCredits}},
		{name: "frames without data", frames: slices.Repeat([][]byte{mux.Frame(dlci, mux.UIH)}, 100)},
		{name: "a second answer", frames: [][]byte{mux.Frame(dlci, mux.UA)}},
		{name: "too many credits", frames: slices.Repeat([][]byte{mux.Frame(dlci, mux.UIHCredits, 255)}, 200)},
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
