package android

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// own is a service that no specification assigns.
var own = sdp.UUID{0x6f, 0x1c, 0x2a, 0x90, 15: 0x01}

// wideSerialPort is the UUID of Serial Port in 128 bits.
var wideSerialPort = mustParse("1c 0000110100001000800000805f9b34fb")

// mustParse returns the element that the hexadecimal digits encode.
func mustParse(digits string) sdp.DataElement {
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		panic(err)
	}
	element, _, err := sdp.ParseDataElement(b)
	if err != nil {
		panic(err)
	}
	return element
}

// record returns a record with a channel, or without one if it is 0, and a
// class list.
func record(channel int, classes ...sdp.DataElement) *sdp.Record {
	r := sdp.NewSerialPort("", max(channel, 1))
	if channel == 0 {
		r.Delete(sdp.AttributeProtocolDescriptorList)
	}
	r.Set(sdp.AttributeServiceClassIDList, sdp.Sequence(classes...))
	return r
}

func TestChannelOfFirstRecord(t *testing.T) {
	spp, mine := sdp.UUIDElement(sdp.SerialPort), sdp.UUIDElement(own)
	withID := record(9, mine)
	withID.Set(sdp.AttributeServiceID, spp)
	for _, tt := range []struct {
		name    string
		records []*sdp.Record
		want    int // 0 means that the dial fails
	}{
		{"the first of two", []*sdp.Record{record(7, spp), record(8, spp)}, 7},
		{"the second class", []*sdp.Record{record(7, mine, spp)}, 7},
		{"the service ID", []*sdp.Record{withID}, 9},
		{"another service first", []*sdp.Record{record(7, mine), record(8, spp)}, 8},
		{"no channel in the first", []*sdp.Record{record(0, spp), record(8, spp)}, 0},
		{"128 bits", []*sdp.Record{record(7, wideSerialPort)}, 0},
		{"128 bits and 16 bits", []*sdp.Record{record(7, wideSerialPort), record(8, spp)}, 8},
		{"no such service", []*sdp.Record{record(7, mine)}, 0},
		{"no records", nil, 0},
	} {
		channel, err := channelOf(tt.records, sdp.SerialPort)
		if channel != tt.want || (err == nil) != (tt.want != 0) || err != nil && err != ErrFailed {
			t.Errorf("%s: channel %d, error %v, want channel %d", tt.name, channel, err, tt.want)
		}
	}
}

// The requests are those that AOSP sends (process_service_search_attr_rsp).
func TestRequestIsThatOfAndroid(t *testing.T) {
	for _, tt := range []struct {
		phone   Phone
		service sdp.UUID
		state   []byte
		want    string
	}{
		{Phone{}, sdp.SerialPort, nil, "06 0001 000f 3503191101 03f0 35050a0000ffff 00"},
		{Phone{Wide: true}, sdp.SerialPort, nil, "06 0001 001d 35111c0000110100001000800000805f9b34fb 03f0 35050a0000ffff 00"},
		{Phone{}, own, []byte{0xab, 0xcd}, "06 0001 001f 35111c6f1c2a90000000000000000000000001 03f0 35050a0000ffff 02abcd"},
	} {
		got := hex.EncodeToString(tt.phone.request(1, tt.service, tt.state))
		if got != strings.ReplaceAll(tt.want, " ", "") {
			t.Errorf("%+v requests %s, want %s", tt.phone, got, tt.want)
		}
	}
}

// search searches a server with the records for Serial Port.
func search(t *testing.T, mtu int, records ...*sdp.Record) ([]*sdp.Record, error) {
	t.Helper()
	s := sdp.Server{Logger: slog.New(slog.DiscardHandler)}
	for _, r := range records {
		if _, err := s.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	phone, server := hosttest.PacketPipe(1<<16-1, mtu)
	served := hosttest.InBackground(func() error { return s.ServeConn(t.Context(), server) })
	found, err := Phone{}.search(phone, sdp.SerialPort)
	phone.Close()
	if err := <-served; err != nil && !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	return found, err
}

func TestSearchJoinsParts(t *testing.T) {
	records := []*sdp.Record{sdp.NewSerialPort("one", 1), sdp.NewSerialPort(strings.Repeat("two", 50), 2)}
	found, err := search(t, 48, records...)
	if err != nil || len(found) != len(records) {
		t.Fatalf("found %d records, %v, want %d", len(found), err, len(records))
	}
	for i, r := range found {
		r.Delete(sdp.AttributeServiceRecordHandle)
		got, _ := r.MarshalBinary()
		if want, _ := records[i].MarshalBinary(); !bytes.Equal(got, want) {
			t.Errorf("found %v, want %v", r, records[i])
		}
	}
}

func TestSearchFailsAbove4096Bytes(t *testing.T) {
	var records []*sdp.Record
	for range 20 {
		records = append(records, sdp.NewSerialPort(strings.Repeat("x", 200), 1))
	}
	if found, err := search(t, 1024, records...); err != ErrFailed {
		t.Errorf("found %d records, %v, want the error %v", len(found), err, ErrFailed)
	}
}
