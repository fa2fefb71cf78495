package btsnoop

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2024, 2, 29, 12, 34, 56, 789_123_000, time.UTC)

// sample writes a few records of each kind.
func sample(t *testing.T, to io.Writer) {
	t.Helper()
	w := NewWriter(to)
	at := start
	tick := func() time.Time { at = at.Add(time.Millisecond); return at }
	for _, err := range []error{
		w.NewIndex(start, 3, [6]byte{0x66, 0x55, 0x44, 0x33, 0x22, 0x02}, "hci3"),
		w.Packet(tick(), 3, ToController, []byte{1, 0x03, 0x0c, 0}),                      // Reset
		w.Packet(tick(), 3, ToHost, []byte{4, 0x0e, 4, 1, 0x03, 0x0c, 0}),                // Command Complete
		w.Packet(tick(), 3, ToController, []byte{2, 1, 0x20, 5, 0, 1, 0, 0x40, 0, 0xaa}), // ACL data
		w.Packet(tick(), 3, ToHost, []byte{2, 1, 0x20, 5, 0, 1, 0, 0x41, 0, 0xbb}),
		w.DeleteIndex(tick(), 3),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestWriterMatchesTheFormat(t *testing.T) {
	var file bytes.Buffer
	sample(t, &file)
	want := strings.Join([]string{
		"6274736e6f6f7000 00000001 000007d1",
		"00000010 00000010 00030000 00000000 00e2f0378bd9e683 00 00 665544332202 6863693300000000",
		"00000003 00000003 00030002 00000000 00e2f0378bd9ea6b 030c00",
		"00000006 00000006 00030003 00000000 00e2f0378bd9ee53 0e0401030c00",
		"00000009 00000009 00030004 00000000 00e2f0378bd9f23b 0120050001004000aa",
		"00000009 00000009 00030005 00000000 00e2f0378bd9f623 0120050001004100bb",
		"00000000 00000000 00030001 00000000 00e2f0378bd9fa0b",
	}, "")
	if got := hex.EncodeToString(file.Bytes()); got != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got  %s\nwant %s", got, strings.ReplaceAll(want, " ", ""))
	}
}

func TestWriterRoundTrip(t *testing.T) {
	var file bytes.Buffer
	sample(t, &file)
	records, err := read(file.Bytes())
	if err != nil || len(records) != 6 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for i, r := range records {
		if want := start.Add(time.Duration(i) * time.Millisecond); !r.time.Equal(want) {
			t.Errorf("record %d: %v, want %v", i, r.time, want)
		}
	}
}

func TestWriterPacketOpcodes(t *testing.T) {
	want := map[Direction]map[byte]opcode{
		ToController: {1: 2, 2: 4, 3: 6, 5: 18},
		ToHost:       {4: 3, 2: 5, 3: 7, 5: 19},
	}
	for _, direction := range []Direction{ToController, ToHost, 7} {
		for packetType := range 256 {
			var file bytes.Buffer
			w := NewWriter(&file)
			err := w.Packet(start, 9, direction, []byte{byte(packetType), 1, 2, 3})
			code, valid := want[direction][byte(packetType)]
			if (err == nil) != valid {
				t.Errorf("type %d %v: %v", packetType, direction, err)
			}
			if !valid {
				if file.Len() != 0 {
					t.Errorf("type %d %v is written", packetType, direction)
				}
				if err := w.DeleteIndex(start, 9); err != nil {
					t.Errorf("type %d %v sticks: %v", packetType, direction, err)
				}
				continue
			}
			records, err := read(file.Bytes())
			if err != nil || len(records) != 1 {
				t.Fatal(records, err)
			}
			r := records[0]
			if r.index != 9 || r.code != code || !bytes.Equal(r.data, []byte{1, 2, 3}) {
				t.Errorf("type %d %v: %+v", packetType, direction, r)
			}
		}
	}
	if NewWriter(io.Discard).Packet(start, 0, ToHost, nil) == nil {
		t.Error("no error for an empty packet")
	}
}

func TestWriterPacketTruncatesLongPackets(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file)
	for _, n := range []int{1490, 1491, 70_000} {
		packet := bytes.Repeat([]byte{2}, 1+n)
		if err := w.Packet(start, 0, ToHost, packet); err != nil {
			t.Fatal(err)
		}
	}
	records, err := read(file.Bytes())
	if err != nil || len(records) != 3 {
		t.Fatal(len(records), err)
	}
	for i, r := range records {
		if len(r.data) != 1490 {
			t.Errorf("packet %d: %d bytes", i, len(r.data))
		}
	}
}

func TestWriterNewIndexTruncatesLongNames(t *testing.T) {
	var file bytes.Buffer
	if err := NewWriter(&file).NewIndex(start, 0xffff, [6]byte{}, "hci65535 and more"); err != nil {
		t.Fatal(err)
	}
	records, err := read(file.Bytes())
	if err != nil || string(records[0].data[8:]) != "hci65535" || records[0].index != 0xffff {
		t.Error(records, err)
	}
}

// failing fails at the second call of Write.
type failing struct{ calls int }

var errFull = errors.New("full")

func (f *failing) Write(b []byte) (int, error) {
	if f.calls++; f.calls == 2 {
		return 3, errFull
	}
	return len(b), nil
}

func TestWriterErrorIsPermanent(t *testing.T) {
	var to failing
	w := NewWriter(&to)
	if err := w.DeleteIndex(start, 0); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for what, err := range map[string]error{
			"Packet":      w.Packet(start, 0, ToHost, []byte{4, 0x0e, 0}),
			"NewIndex":    w.NewIndex(start, 0, [6]byte{}, ""),
			"DeleteIndex": w.DeleteIndex(start, 0),
		} {
			if err != errFull {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	if to.calls != 2 {
		t.Errorf("%d calls of Write", to.calls)
	}
}

func TestWriterPacketAllocatesNothing(t *testing.T) {
	w := NewWriter(io.Discard)
	packet := bytes.Repeat([]byte{2}, 1026)
	if n := testing.AllocsPerRun(100, func() { w.Packet(start, 0, ToHost, packet) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
