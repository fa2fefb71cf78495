package capture

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// Types of packets in a btsnoop log.
const (
	event       = 3
	aclSent     = 4
	aclReceived = 5
)

// write writes a packet of adapter 0 to a log.
func write(l *Log, kind byte, data ...byte) {
	var b []byte
	if _, n := l.Packets(); n == 0 {
		b = []byte("btsnoop\x00\x00\x00\x00\x01\x00\x00\x07\xd1")
	}
	for _, word := range []uint32{uint32(len(data)), uint32(len(data)), uint32(kind), 0, 0x00dcddb3, 0x0f2f8000} {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	l.Write(append(b, data...))
}

// writeFrame writes an L2CAP frame over link 1.
func writeFrame(l *Log, kind, cid byte, payload ...byte) {
	data := []byte{1, 0x20, byte(len(payload) + 4), 0, byte(len(payload)), 0, cid, 0}
	write(l, kind, append(data, payload...)...)
}

// writeAnswer writes a link, a channel for SDP, a search and an answer with
// records in which the announced length is off by extra.
func writeAnswer(t *testing.T, l *Log, extra int, records ...*sdp.Record) {
	t.Helper()
	const signalling, near, far = 1, 0x40, 0x41
	write(l, event, 3, 11, 0, 1, 0, 1, 2, 3, 4, 5, 6, 1, 0)                         // Connection Complete
	writeFrame(l, aclSent, signalling, 2, 1, 4, 0, 1, 0, near, 0)                   // Connection Request
	writeFrame(l, aclReceived, signalling, 3, 1, 8, 0, far, 0, near, 0, 0, 0, 0, 0) // Connection Response
	writeFrame(l, aclSent, far, 6, 0, 1, 0, 15, 0x35, 3, 0x19, 1, 0, 0xff, 0xff, 0x35, 5, 0x0a, 0, 0, 0xff, 0xff, 0)
	var all []byte
	for _, r := range records {
		b, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	list := append([]byte{0x35, byte(len(all) + extra)}, all...)
	answer := append([]byte{7, 0, 1, 0, byte(len(list) + 3), 0, byte(len(list))}, list...)
	writeFrame(l, aclReceived, near, append(answer, 0)...)
}

func TestLogsCheck(t *testing.T) {
	labtest.Program(t, "tshark", "tshark")
	var logs Logs
	port := sdp.NewSerialPort("Port", 5)
	port.Set(0x8000, sdp.Uint128([16]byte{1}))
	add := func(name string, extra int) *Log {
		l := logs.New(name)
		writeAnswer(t, l, extra, port)
		return l
	}
	if err := add("first", 0).Answered([]*sdp.Record{port}); err != nil {
		t.Fatal(err)
	}
	add("second", 50).SendsMalformed()
	if err := logs.Check(); err != nil {
		t.Errorf("well-formed packets: %v", err)
	}
	add("third", 50)
	if err := add("fourth", 0).Answered([]*sdp.Record{port, port}); err != nil {
		t.Fatal(err)
	}
	err := logs.Check()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"third: packet 10 of all is malformed: ", "fourth: tshark finds no answer with the records: 0x0001,"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for _, name := range []string{"first", "second"} {
		if strings.Contains(err.Error(), name) {
			t.Errorf("got %v, which names the %s log", err, name)
		}
	}
}
