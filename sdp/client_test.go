package sdp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// testRecords returns n different records.
func testRecords(n int) []*Record {
	records := make([]*Record, n)
	for i := range records {
		records[i] = NewSerialPort(fmt.Sprintf("port %d", i), 1+i%30)
		records[i].Set(AttributeServiceRecordHandle, Uint32(0x10000+uint32(i)))
	}
	return records
}

// searchAnswer returns the answer to a search that finds the records.
func searchAnswer(records []*Record) []byte {
	lists := make([]DataElement, len(records))
	for i, r := range records {
		lists[i] = r.element()
	}
	return []byte(Sequence(lists...).bytes())
}

func checkRecords(t testing.TB, got, want []*Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range got {
		if !got[i].element().Equal(want[i].element()) {
			t.Errorf("record %d:\n%v\nwant:\n%v", i, got[i], want[i])
		}
	}
}

// forMTUs runs f as a subtest for several MTUs of responses and lengths of
// continuation states.
func forMTUs(t *testing.T, f func(t *testing.T, mtu, state int)) {
	for _, mtu := range []int{48, 49, 672, maxPDUSize} {
		for _, state := range []int{2, 8, 16} {
			t.Run(fmt.Sprintf("MTU %d, state of %d bytes", mtu, state), func(t *testing.T) { f(t, mtu, state) })
		}
	}
}

func TestClientServices(t *testing.T) {
	want := make([]uint32, 100)
	var answer []byte
	for i := range want {
		want[i] = 0x10000 + uint32(i)
		answer = binary.BigEndian.AppendUint32(answer, want[i])
	}
	forMTUs(t, func(t *testing.T, mtu, state int) {
		c, _ := startPeer(t, 48, mtu, answerer{answer, mtu, state}.script(t))
		got, err := c.Services(t.Context(), SerialPort, ProtocolRFCOMM)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Services = %v, %v; want %v", got, err, want)
		}
	})
}

func TestClientServicesFindsNone(t *testing.T) {
	c, _ := startPeer(t, 48, 48, respond(part{}))
	if handles, err := c.Services(t.Context(), SerialPort); len(handles) != 0 || err != nil {
		t.Errorf("Services = %v, %v", handles, err)
	}
}

func TestClientAttributes(t *testing.T) {
	want := testRecords(1)[0]
	want.Set(AttributeServiceDescription, Text(strings.Repeat("long ", 1000)))
	answer, err := want.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	forMTUs(t, func(t *testing.T, mtu, state int) {
		c, _ := startPeer(t, 48, mtu, answerer{answer, mtu, state}.script(t))
		got, err := c.Attributes(t.Context(), 0x10000)
		if err != nil {
			t.Fatal(err)
		}
		checkRecords(t, []*Record{got}, []*Record{want})
	})
}

func TestClientSearch(t *testing.T) {
	want := testRecords(20)
	forMTUs(t, func(t *testing.T, mtu, state int) {
		c, _ := startPeer(t, 48, mtu, answerer{searchAnswer(want), mtu, state}.script(t))
		got, err := c.Search(t.Context(), []UUID{SerialPort})
		if err != nil {
			t.Fatal(err)
		}
		checkRecords(t, got, want)
	})
}

// 100 records are more than 64 rounds at the minimum MTU.
func TestClientSearch100Records(t *testing.T) {
	want := testRecords(100)
	answer := searchAnswer(want)
	for _, mtu := range []int{48, 672} {
		c, peer := startPeer(t, 48, mtu, answerer{answer, mtu, 8}.script(t))
		got, err := c.Search(t.Context(), []UUID{SerialPort})
		if err != nil {
			t.Fatal(err)
		}
		checkRecords(t, got, want)
		t.Logf("MTU %d: %d bytes in %d rounds", mtu, len(answer), peer.requests.Load())
	}
}

func TestClientSearchFindsNone(t *testing.T) {
	c, _ := startPeer(t, 48, 48, respond(part{bytes: searchAnswer(nil)}))
	if records, err := c.Search(t.Context(), []UUID{SerialPort}); len(records) != 0 || err != nil {
		t.Errorf("Search = %v, %v", records, err)
	}
}

func TestClientSendsArguments(t *testing.T) {
	var got request
	c, _ := startPeer(t, 672, 672, func(r request) [][]byte {
		got = r
		if r.id == searchRequest {
			return respond(part{})(r)
		}
		return respond(part{bytes: searchAnswer(nil)})(r)
	})
	ctx := t.Context()
	vendor := UUID{0: 1}
	ranges := []AttributeRange{{4, 4}, {0, 1}}
	sorted := []AttributeRange{{0, 1}, {4, 4}}
	all := []AttributeRange{AllAttributes}
	for name, tt := range map[string]struct {
		call func() error
		want request
	}{
		"services":   {func() error { _, err := c.Services(ctx, SerialPort, vendor); return err }, request{id: searchRequest, pattern: []UUID{SerialPort, vendor}}},
		"attributes": {func() error { _, err := c.Attributes(ctx, 0xdeadbeef, ranges...); return err }, request{id: attributeRequest, handle: 0xdeadbeef, ranges: sorted}},
		"all":        {func() error { _, err := c.Attributes(ctx, 5); return err }, request{id: attributeRequest, handle: 5, ranges: all}},
		"search":     {func() error { _, err := c.Search(ctx, []UUID{vendor}, ranges...); return err }, request{id: searchAttributeRequest, pattern: []UUID{vendor}, ranges: sorted}},
		"search all": {func() error { _, err := c.Search(ctx, []UUID{vendor}); return err }, request{id: searchAttributeRequest, pattern: []UUID{vendor}, ranges: all}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tt.call(); err != nil {
				t.Fatal(err)
			}
			tt.want.maximum = 0xffff
			tt.want.transaction = got.transaction
			got.continuation = nil
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("request %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestClientReturnsContinuation(t *testing.T) {
	states := [][]byte{nil, {0}, {1, 2, 3}, bytes.Repeat([]byte{0xff}, 16), {0}}
	transactions := map[uint16]bool{}
	round := 0
	c, _ := startPeer(t, 48, 672, func(r request) [][]byte {
		if !bytes.Equal(r.continuation, states[round]) {
			t.Errorf("round %d has the state % x, want % x", round, r.continuation, states[round])
		}
		transactions[r.transaction] = true
		round++
		p := part{bytes: make([]byte, 4)}
		if round < len(states) {
			p.continuation = states[round]
		}
		return respond(p)(r)
	})
	handles, err := c.Services(t.Context(), SerialPort)
	if err != nil || len(handles) != len(states) {
		t.Errorf("Services = %v, %v", handles, err)
	}
	if len(transactions) != len(states) {
		t.Errorf("%d transactions in %d rounds", len(transactions), len(states))
	}
}

func TestClientAcceptsConstantState(t *testing.T) {
	answer := searchAnswer(testRecords(100))
	rest := answer
	c, _ := startPeer(t, 48, 48, func(r request) [][]byte {
		p := part{bytes: rest}
		if len(rest) > progress {
			p = part{rest[:progress], []byte{0x43}}
		}
		rest = rest[len(p.bytes):]
		return respond(p)(r)
	})
	records, err := c.Search(t.Context(), []UUID{SerialPort})
	if err != nil || len(records) != 100 {
		t.Errorf("Search = %d records, %v", len(records), err)
	}
}

func TestClientWithoutMTUs(t *testing.T) {
	clientEnd, peerEnd := hosttest.PacketPipe(maxPDUSize, maxPDUSize)
	peer := &scriptedPeer{conn: peerEnd, ended: make(chan struct{})}
	long := part{bytes: make([]byte, maxParameterSize/4*4-8)}
	go peer.serve(t, respond(long))
	c := NewClient(bareConn{clientEnd})
	handles, err := c.Services(t.Context(), SerialPort)
	if err != nil || len(handles) != len(long.bytes)/4 {
		t.Errorf("Services = %d handles, %v", len(handles), err)
	}
	c.Close()
	<-peer.ended
}

func TestClientResponseError(t *testing.T) {
	c, _ := startPeer(t, 48, 48, func(r request) [][]byte {
		return [][]byte{appendError(nil, r.transaction, ErrorCode(r.handle))}
	})
	for _, code := range []ErrorCode{InvalidRecordHandle, InsufficientResources, 0x1234} {
		_, err := c.Attributes(t.Context(), uint32(code))
		var response *ResponseError
		if !errors.As(err, &response) || response.Code != code {
			t.Errorf("Attributes: %v, want the code %v", err, code)
		}
		if violation := (*ProtocolError)(nil); errors.As(err, &violation) {
			t.Errorf("%v is a ProtocolError", err)
		}
		if !strings.Contains(err.Error(), code.String()) {
			t.Errorf("%v does not contain %v", err, code)
		}
	}
}

func TestClientChecksArguments(t *testing.T) {
	c, peer := startPeer(t, 672, 672, silent)
	c.Timeout = time.Nanosecond // of a request that is sent by mistake
	for name, call := range map[string]func() error{
		"no UUIDs":       func() error { _, err := c.Services(t.Context()); return err },
		"13 UUIDs":       func() error { _, err := c.Search(t.Context(), make([]UUID, 13)); return err },
		"inverted range": func() error { _, err := c.Attributes(t.Context(), 1, AttributeRange{2, 1}); return err },
	} {
		var opError *net.OpError
		if err := call(); !errors.As(err, &opError) || err.(*net.OpError).Timeout() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := peer.requests.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestClientRequestFitsMTU(t *testing.T) {
	long := func(n int) []UUID { return make([]UUID, n) } // 17 bytes each
	short := func(n int) (uuids []UUID) {
		for i := range n {
			uuids = append(uuids, UUID16(uint16(0x1101+i)))
		}
		return uuids
	}
	wide := []AttributeRange{{1, 2}, {4, 5}, {7, 8}, {10, 11}}
	for name, tt := range map[string]struct {
		mtu  int
		call func(c *Client) error
		fits bool
	}{
		"12 UUIDs of 16 bits at 48":         {48, func(c *Client) error { _, err := c.Services(t.Context(), short(12)...); return err }, true},
		"48 bytes at 48":                    {48, func(c *Client) error { _, err := c.Services(t.Context(), append(short(7), long(1)...)...); return err }, true},
		"51 bytes at 48":                    {48, func(c *Client) error { _, err := c.Services(t.Context(), append(short(8), long(1)...)...); return err }, false},
		"2 UUIDs of 128 bits at 48":         {48, func(c *Client) error { _, err := c.Services(t.Context(), long(2)...); return err }, true},
		"3 UUIDs of 128 bits at 48":         {48, func(c *Client) error { _, err := c.Services(t.Context(), long(3)...); return err }, false},
		"12 UUIDs of 128 bits at 672":       {672, func(c *Client) error { _, err := c.Services(t.Context(), long(12)...); return err }, true},
		"128 bits and all attributes at 48": {48, func(c *Client) error { _, err := c.Search(t.Context(), long(1)); return err }, true},
		"128 bits and 4 ranges at 48":       {48, func(c *Client) error { _, err := c.Search(t.Context(), long(1), wide...); return err }, false},
		"4 ranges at 48":                    {48, func(c *Client) error { _, err := c.Attributes(t.Context(), 1, wide...); return err }, true},
	} {
		t.Run(name, func(t *testing.T) {
			c, peer := startPeer(t, tt.mtu, 672, func(r request) [][]byte {
				if r.id == searchRequest {
					return respond(part{})(r)
				}
				return respond(part{bytes: searchAnswer(nil)})(r)
			})
			err := tt.call(c)
			if tt.fits {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrRequestTooLarge) || peer.requests.Load() != 0 {
				t.Errorf("%v after %d requests, want ErrRequestTooLarge", err, peer.requests.Load())
			}
			if _, err := c.Services(t.Context(), SerialPort); err != nil {
				t.Errorf("the next request: %v", err)
			}
		})
	}
}

// The first request fits, but not the second, which has a continuation state.
func TestClientStateExceedsMTU(t *testing.T) {
	c, peer := startPeer(t, 48, 672, respond(part{make([]byte, 20), make([]byte, 16)}))
	_, err := c.Search(t.Context(), make([]UUID, 1))
	if !errors.Is(err, ErrRequestTooLarge) || peer.requests.Load() != 1 {
		t.Errorf("%v after %d requests, want ErrRequestTooLarge after 1", err, peer.requests.Load())
	}
	t.Log(err)
}

func TestClientSerializesRequests(t *testing.T) {
	const calls = 20
	var peer *scriptedPeer
	answers := make(chan struct{})
	c, peer := startPeer(t, 672, 672, func(r request) [][]byte {
		<-answers
		peer.conn.SetReadDeadline(pastDeadline)
		if n, err := peer.conn.Read(make([]byte, 672)); err == nil {
			t.Errorf("a second request of %d bytes is pending", n)
		}
		peer.conn.SetReadDeadline(noDeadline)
		handle := binary.BigEndian.AppendUint32(nil, uint32(len(r.pattern)))
		return respond(part{bytes: handle})(r)
	})
	var pending sync.WaitGroup
	for i := range calls {
		pending.Go(func() {
			n := 1 + i%12
			handles, err := c.Services(context.Background(), make([]UUID, n)...)
			if err != nil || len(handles) != 1 || handles[0] != uint32(n) {
				t.Errorf("Services of %d UUIDs = %v, %v", n, handles, err)
			}
		})
	}
	for range calls {
		answers <- struct{}{}
	}
	pending.Wait()
}
