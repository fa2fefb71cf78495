package sdp

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/sdppeer"
)

// numbered returns a record with a handle.
func numbered(handle uint32, r *Record) *Record {
	r.Set(AttributeServiceRecordHandle, Uint32(handle))
	return r
}

// wantNames checks the names of records.
func wantNames(t *testing.T, records []*Record, want ...string) {
	t.Helper()
	var got []string
	for _, r := range records {
		got = append(got, r.Name())
	}
	if len(got) != len(want) {
		t.Errorf("records %q, want %q", got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("record %d is %q, want %q", i, got[i], want[i])
		}
	}
}

// Devices list some records only in the public browse group, and some only
// outside of it.
func TestFinderBrowsesBothGroups(t *testing.T) {
	port := marshal(t, numbered(0x10001, NewSerialPort("port", 1)))
	twin := marshal(t, numbered(0x10002, NewSerialPort("port", 1)))
	plain := serialPort(t, 3)
	information := new(Record)
	information.Set(AttributeServiceClassIDList, Sequence(UUIDElement(UUID16(0x1200))))
	information.Set(AttributeServiceName, Text("information"))
	answer := sdppeer.Only("1002", sdppeer.With(600, port, plain, marshal(t, information)), sdppeer.With(600, port, twin, plain))
	synctest.Test(t, func(t *testing.T) {
		f := fakeDialer{peer: sdppeer.Peer{Answer: answer}}
		finder := f.finder()
		defer finder.close()
		records, err := finder.browse(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantNames(t, records, "port", "port", "Gerät", "information")
		wantPatterns(t, &f.peer, 1, "0100", "1002")
	})
}

// A hostile device can list as many records as fit into MaxSize.
func TestFinderMergesManyRecords(t *testing.T) {
	const n = MaxSize / 16
	records, more := make([]*Record, n), make([]*Record, n)
	for i := range n {
		records[i], more[i] = new(Record), new(Record)
		records[i].Set(AttributeServiceRecordHandle, Uint32(uint32(i)))
		more[i].Set(AttributeServiceRecordState, Uint32(uint32(i/2)))
	}
	merged := hosttest.Receive(t, hosttest.InBackground(func() int { return len(merge(records, more)) }))
	if want := n + n/2; merged != want {
		t.Errorf("%d records, want %d", merged, want)
	}
}

func TestFinderBrowsesOddDevices(t *testing.T) {
	port := sdppeer.With(600, marshal(t, NewSerialPort("port", 1)))
	for name, tt := range map[string]struct {
		answer sdppeer.Answer
		names  []string
		err    error
	}{
		"0100 only, else silent":  {sdppeer.Only("0100", port, sdppeer.Silent), []string{"port"}, nil},
		"1002 only, else hangs":   {sdppeer.Only("1002", port, sdppeer.HangsUp), []string{"port"}, nil},
		"1002 empty, else silent": {sdppeer.Only("1002", sdppeer.FindsNothing, sdppeer.Silent), nil, nil},
		"hangs up":                {sdppeer.HangsUp, nil, io.ErrUnexpectedEOF},
		"silent":                  {sdppeer.Silent, nil, os.ErrDeadlineExceeded},
		"repeats itself":          {sdppeer.RepeatsItself, nil, ErrTooManyRounds},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fakeDialer{peer: sdppeer.Peer{Answer: tt.answer}}
				finder := f.finder()
				defer finder.close()
				records, err := finder.browse(t.Context())
				if !errors.Is(err, tt.err) {
					t.Errorf("got %v, want %v", err, tt.err)
				}
				wantNames(t, records, tt.names...)
			})
		})
	}
}

func TestFinderBrowseEndsWithItsContext(t *testing.T) {
	for name, answer := range map[string]sdppeer.Answer{"first": sdppeer.Silent, "second": sdppeer.Only("0100", sdppeer.FindsNothing, sdppeer.Silent)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				f := fakeDialer{peer: sdppeer.Peer{Answer: answer}}
				finder := f.finder()
				defer finder.close()
				began := time.Now()
				if _, err := finder.browse(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
					t.Errorf("got %v after %v, want the deadline after 1 s", err, time.Since(began))
				}
			})
		})
	}
}

// A device that answers the search for the service does not offer it, even if
// it does not answer the other search.
func TestFinderBelievesTheFirstAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		otherwise sdppeer.Answer
		patterns  []string
		channels  int
	}{
		"silent":   {sdppeer.Silent, []string{"1101", "0100"}, 1},
		"hangs up": {sdppeer.HangsUp, []string{"1101", "0100", "0100"}, 2}, // perhaps after each answer
		"refuses":  {sdppeer.Refuses, []string{"1101", "0100"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fakeDialer{peer: sdppeer.Peer{Answer: sdppeer.Only("1101", sdppeer.FindsNothing, tt.otherwise)}}
				err := f.dial(t.Context(), SerialPort)
				if missing, ok := err.(*NotFoundError); !ok || len(missing.Offered) != 0 {
					t.Errorf("got %v, want a NotFoundError", err)
				}
				wantPatterns(t, &f.peer, tt.channels, tt.patterns...)
			})
		})
	}
}
