package btsnoop

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

// A record is a decoded record of a log.
type record struct {
	time  time.Time
	index uint16
	code  opcode
	data  []byte
}

var errBroken = errors.New("not a btsnoop log, or a corrupt one")

// read decodes a log independently of the Writer.
func read(file []byte) ([]record, error) {
	if len(file) < 16 || string(file[:8]) != "btsnoop\x00" ||
		binary.BigEndian.Uint32(file[8:]) != 1 || binary.BigEndian.Uint32(file[12:]) != 2001 {
		return nil, errBroken
	}
	file = file[16:]
	var records []record
	for len(file) > 0 {
		if len(file) < 24 {
			return records, errBroken
		}
		length, included := binary.BigEndian.Uint32(file), binary.BigEndian.Uint32(file[4:])
		if length > 1490 || included != length || int(included) > len(file)-24 {
			return records, errBroken
		}
		year2000 := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // 0x00E03AB44A676000 in BlueZ
		since := int64(binary.BigEndian.Uint64(file[16:])) - 0x00E03AB44A676000
		records = append(records, record{
			time:  time.UnixMicro(year2000.UnixMicro() + since),
			index: binary.BigEndian.Uint16(file[8:]),
			code:  opcode(binary.BigEndian.Uint16(file[10:])),
			data:  file[24 : 24+included],
		})
		file = file[24+included:]
	}
	return records, nil
}

// FuzzWriterRoundTrip checks that any packet can be logged and read back.
func FuzzWriterRoundTrip(f *testing.F) {
	f.Add(int64(0), uint16(0), uint8(0), []byte{1, 3, 12, 0})
	f.Add(start.UnixMicro(), uint16(65535), uint8(1), bytes.Repeat([]byte{2}, 2000))
	f.Add(int64(-1), uint16(1), uint8(1), []byte{})
	f.Fuzz(func(t *testing.T, at int64, index uint16, direction uint8, packet []byte) {
		const years = 200_000 * 365 * 24 * 3600 * 1e6 // the range of the timestamp
		if at < -years || at > years {
			return
		}
		var file bytes.Buffer
		w := NewWriter(&file)
		wrote := w.Packet(time.UnixMicro(at), index, Direction(direction), packet) == nil
		if err := w.DeleteIndex(time.UnixMicro(at), index); err != nil {
			t.Fatal(err)
		}
		records, err := read(file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		want := 1
		if wrote {
			want = 2
			if !bytes.Equal(records[0].data, packet[1:min(len(packet), 1491)]) {
				t.Errorf("%x", records[0].data)
			}
		}
		if len(records) != want {
			t.Fatalf("%d records", len(records))
		}
		for _, r := range records {
			if r.index != index || r.time.UnixMicro() != at {
				t.Errorf("%+v", r)
			}
		}
	})
}
