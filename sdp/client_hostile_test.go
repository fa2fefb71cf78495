package sdp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// limits are the errors that tell the kinds of a ProtocolError apart.
var limits = []error{ErrMalformed, ErrTooDeep, ErrTooLarge, ErrTooManyRounds, ErrUnexpectedResponse}

// wantViolation checks that err is a ProtocolError that matches want alone. A
// nil want stands for a PDU with wrong lengths, which matches no other error.
func wantViolation(t *testing.T, err, want error) {
	t.Helper()
	var violation *ProtocolError
	var opError *net.OpError
	if !errors.As(err, &violation) || !errors.As(err, &opError) || opError.Timeout() {
		t.Fatalf("%v is not a ProtocolError", err)
	}
	for _, kind := range limits {
		if errors.Is(err, kind) != (kind == want) {
			t.Errorf("%v matches %q: %v", err, kind, !(kind == want))
		}
	}
	t.Log(err)
}

// edit returns a script whose responses are changed by f.
func edit(p part, f func(r request, packet []byte) [][]byte) func(r request) [][]byte {
	return func(r request) [][]byte {
		return f(r, respond(p)(r)[0])
	}
}

// Responses with which a Client does not continue: it closes the connection.
func TestClientRejectsResponses(t *testing.T) {
	good := part{bytes: searchAnswer(testRecords(1))}
	for name, tt := range map[string]struct {
		script func(r request) [][]byte
		want   error
	}{
		"empty packet":        {func(request) [][]byte { return [][]byte{{}} }, nil},
		"header cut":          {edit(good, func(_ request, p []byte) [][]byte { return [][]byte{p[:4]} }), nil},
		"header alone":        {edit(good, func(_ request, p []byte) [][]byte { return [][]byte{p[:5]} }), nil},
		"packet cut":          {edit(good, func(_ request, p []byte) [][]byte { return [][]byte{p[:len(p)-1]} }), nil},
		"packet too long":     {edit(good, func(_ request, p []byte) [][]byte { return [][]byte{append(p, 0)} }), nil},
		"request repeated":    {func(r request) [][]byte { return [][]byte{r.append(nil)} }, ErrUnexpectedResponse},
		"another transaction": {edit(good, func(r request, p []byte) [][]byte { p[2]++; return [][]byte{p} }), ErrUnexpectedResponse},
		"another response":    {edit(good, func(r request, p []byte) [][]byte { p[0] = byte(attributeResponse); return [][]byte{p} }), ErrUnexpectedResponse},
		"unknown PDU":         {edit(good, func(r request, p []byte) [][]byte { p[0] = 0xff; return [][]byte{p} }), ErrUnexpectedResponse},
		"error without code":  {func(r request) [][]byte { return [][]byte{pdu{errorResponse, r.transaction, []byte{0}}.append(nil)} }, nil},
		"error too long":      {func(r request) [][]byte { return [][]byte{append(appendError(nil, r.transaction, InvalidSyntax), 0)} }, nil},
		"no parameters":       {func(r request) [][]byte { return [][]byte{pdu{r.id.response(), r.transaction, nil}.append(nil)} }, nil},
		"count too large":     {edit(good, func(r request, p []byte) [][]byte { p[5] = 0xff; return [][]byte{p} }), nil},
		"count too small":     {edit(good, func(r request, p []byte) [][]byte { p[6]--; return [][]byte{p} }), nil},
		"no continuation":     {edit(part{bytes: []byte{0x35, 0}}, func(r request, p []byte) [][]byte { p[6]++; return [][]byte{p} }), nil},
		"continuation cut":    {edit(good, func(r request, p []byte) [][]byte { p[len(p)-1] = 1; return [][]byte{p} }), nil},
		"continuation of 17":  {respond(part{good.bytes, make([]byte, 17)}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			c, peer := startPeer(t, 48, 672, tt.script)
			records, err := c.Search(t.Context(), []UUID{SerialPort})
			wantViolation(t, err, tt.want)
			if records != nil {
				t.Errorf("Search returned %v", records)
			}
			wantEnded(t, c, peer)
		})
	}
}

func TestClientRejectsHandles(t *testing.T) {
	for name, tt := range map[string]struct {
		parameters string
		want       error
	}{
		"no total":        {"", nil},
		"no count":        {"0001", nil},
		"count too large": {"0002 0002 00010000 00", nil},
		"count too small": {"0002 0001 00010000 00010001 00", nil},
		"exceeds total":   {"0001 0002 00010000 00010001 00", nil},
		"cut handle":      {"0001 0001 000100 00", nil},
	} {
		t.Run(name, func(t *testing.T) {
			c, peer := startPeer(t, 48, 48, func(r request) [][]byte {
				return [][]byte{pdu{searchResponse, r.transaction, unhex(t, tt.parameters)}.append(nil)}
			})
			handles, err := c.Services(t.Context(), SerialPort)
			wantViolation(t, err, tt.want)
			if handles != nil {
				t.Errorf("Services returned %v", handles)
			}
			wantEnded(t, c, peer)
		})
	}
}

// An error response to another transaction carries the peer's code.
func TestClientErrorOfTransaction(t *testing.T) {
	c, peer := startPeer(t, 48, 48, func(r request) [][]byte {
		return [][]byte{appendError(nil, r.transaction+1, InvalidSyntax)}
	})
	_, err := c.Search(t.Context(), []UUID{SerialPort})
	wantViolation(t, err, ErrUnexpectedResponse)
	var response *ResponseError
	if !errors.As(err, &response) || response.Code != InvalidSyntax {
		t.Errorf("%v has no ResponseError", err)
	}
	wantEnded(t, c, peer)
}

// A second response to one request is not that of the next request.
func TestClientRejectsSecondResponse(t *testing.T) {
	c, peer := startPeer(t, 48, 48, edit(part{}, func(_ request, packet []byte) [][]byte { return [][]byte{packet, packet} }))
	if _, err := c.Services(t.Context(), SerialPort); err != nil {
		t.Fatal(err)
	}
	_, err := c.Services(t.Context(), SerialPort)
	wantViolation(t, err, ErrUnexpectedResponse)
	wantEnded(t, c, peer)
}

// A peer that never ends its answer gets as many requests as the limits allow.
func TestClientEndsRounds(t *testing.T) {
	short, full := make([]byte, progress-1), make([]byte, progress)
	for name, tt := range map[string]struct {
		script func(r request) [][]byte
		want   error
		rounds int32
	}{
		"one response for ever": {respond(part{make([]byte, 600), []byte{1}}), ErrTooManyRounds, 1 + MaxRounds},
		"empty rounds":          {respond(part{nil, []byte{1}}), ErrTooManyRounds, MaxRounds},
		"empty rounds, other states": {counting(func(n int) part {
			return part{nil, binary.BigEndian.AppendUint32(nil, uint32(n))}
		}), ErrTooManyRounds, MaxRounds},
		"short rounds": {counting(func(n int) part {
			return part{short, binary.BigEndian.AppendUint32(nil, uint32(n))}
		}), ErrTooManyRounds, MaxRounds},
		"full rounds": {counting(func(n int) part {
			return part{full, binary.BigEndian.AppendUint32(nil, uint32(n))}
		}), ErrTooLarge, MaxSize/progress + 1},
		"full rounds, one state": {counting(func(n int) part {
			return part{binary.BigEndian.AppendUint32(full[:progress-4:progress-4], uint32(n)), []byte{1}}
		}), ErrTooLarge, MaxSize/progress + 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, peer := startPeer(t, 48, 672, tt.script)
			_, err := c.Search(t.Context(), []UUID{SerialPort})
			wantViolation(t, err, tt.want)
			if n := peer.requests.Load(); n != tt.rounds {
				t.Errorf("%d requests, want %d", n, tt.rounds)
			}
			wantEnded(t, c, peer)
		})
	}
}

// counting returns a script that answers with the parts that f returns, by the
// number of the round.
func counting(f func(n int) part) func(r request) [][]byte {
	n := 0
	return func(r request) [][]byte {
		n++
		return respond(f(n))(r)
	}
}

// 64 short rounds are accepted if the next round ends the answer, whatever the
// number of full ones.
func TestClientAcceptsMaxRounds(t *testing.T) {
	c, peer := startPeer(t, 48, 672, counting(func(n int) part {
		state := []byte{byte(n)}
		switch {
		case n < MaxRounds:
			return part{make([]byte, 4), state}
		case n < 3*MaxRounds:
			return part{make([]byte, progress), state}
		}
		return part{}
	}))
	handles, err := c.Services(t.Context(), SerialPort)
	if want := MaxRounds - 1 + 2*MaxRounds*progress/4; err != nil || len(handles) != want {
		t.Errorf("Services = %d handles, %v; want %d", len(handles), err, want)
	}
	if n := peer.requests.Load(); n != 3*MaxRounds {
		t.Errorf("%d requests", n)
	}
}

// An answer may have MaxSize bytes.
func TestClientAcceptsMaxSize(t *testing.T) {
	record := testRecords(1)[0]
	record.Set(AttributeServiceName, Text(""))
	room := MaxSize - len(record.element().bytes()) - 16
	record.Set(AttributeServiceName, Text(string(bytes.Repeat([]byte("n"), room))))
	answer := searchAnswer([]*Record{record})
	answer = append(answer, make([]byte, MaxSize-len(answer))...) // nil elements
	binary.BigEndian.PutUint32(answer[1:], MaxSize-5)

	rest := answer
	c, _ := startPeer(t, 48, maxPDUSize, func(r request) [][]byte {
		p := part{bytes: rest}
		if len(p.bytes) > 60_000 {
			p = part{rest[:60_000], []byte{1}}
		}
		rest = rest[len(p.bytes):]
		return respond(p)(r)
	})
	records, err := c.Search(t.Context(), []UUID{SerialPort})
	wantViolation(t, err, ErrMalformed) // of the nil elements
	if len(rest) > 0 || len(records) != 1 || len(records[0].Name()) != room {
		t.Errorf("Search = %d records; %d bytes left", len(records), len(rest))
	}
}

// Complete answers whose content is malformed. The Client can be used after
// them.
func TestClientRejectsContent(t *testing.T) {
	good := testRecords(2)
	a, b := good[0].element(), good[1].element()
	deep := Sequence(Uint16(0x200), nested(MaxDepth)) // one level more in the record
	cut := func(n int) []byte { answer := searchAnswer(good); return answer[:len(answer)-n] }
	longer := searchAnswer(good)
	longer[1]++
	wrongLength := searchAnswer(good)
	wrongLength[2+bytes.Index(wrongLength[2:], unhex(t, "25 06"))+1] = 0xf0 // of the name "port 0"
	for name, tt := range map[string]struct {
		answer []byte
		want   error
		found  []*Record
	}{
		"no bytes":                    {nil, ErrMalformed, nil},
		"not a sequence":              {[]byte(Uint32(1).bytes()), ErrMalformed, nil},
		"unknown type":                {unhex(t, "ff 00"), ErrMalformed, nil},
		"length cut":                  {unhex(t, "36 00"), ErrMalformed, nil},
		"4 GiB announced":             {unhex(t, "37 ffffffff 00"), ErrMalformed, nil},
		"last element cut":            {cut(1), ErrMalformed, good[:1]},
		"second record cut":           {cut(len(b.bytes()) - 1), ErrMalformed, good[:1]},
		"longer than the sequence":    {append(searchAnswer(good), 0x35, 0), ErrMalformed, good},
		"shorter than the sequence":   {longer, ErrMalformed, good},
		"element longer than record":  {wrongLength, ErrMalformed, good[1:]},
		"attribute without a value":   {[]byte(Sequence(Sequence(Uint16(1)), a).bytes()), ErrMalformed, good[:1]},
		"attribute id of 8 bits":      {[]byte(Sequence(a, Sequence(Uint8(1), Uint8(1)), b).bytes()), ErrMalformed, good},
		"record that is an integer":   {[]byte(Sequence(a, Uint8(1), b).bytes()), ErrMalformed, good},
		"33 levels":                   {[]byte(Sequence(a, deep, b).bytes()), ErrTooDeep, good},
		"1000 levels":                 {[]byte(Sequence(a, nested(1000), b).bytes()), ErrTooDeep, good},
		"first of several errors":     {[]byte(Sequence(deep, Uint8(1)).bytes()), ErrTooDeep, nil},
		"element of an unknown class": {append(unhex(t, "35 09 35 00 35 05 09 0001"), 0xf8, 0), ErrMalformed, []*Record{{}}},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := startPeer(t, 48, maxPDUSize, respond(part{bytes: tt.answer}))
			for range 2 {
				found, err := c.Search(t.Context(), []UUID{SerialPort})
				wantViolation(t, err, tt.want)
				checkRecords(t, found, tt.found)
			}
		})
	}
}

func TestClientRejectsRecord(t *testing.T) {
	record := testRecords(1)[0].element()
	for name, tt := range map[string]struct {
		answer []byte
		want   error
	}{
		"no bytes":       {nil, ErrMalformed},
		"cut":            {[]byte(record.bytes()[:20]), ErrMalformed},
		"not a sequence": {[]byte{0}, ErrMalformed},
		"bytes after it": {append([]byte(record.bytes()), 0), ErrMalformed},
		"33 levels":      {[]byte(Sequence(Uint16(0x200), nested(MaxDepth)).bytes()), ErrTooDeep},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := startPeer(t, 48, maxPDUSize, respond(part{bytes: tt.answer}))
			for range 2 {
				got, err := c.Attributes(t.Context(), 1)
				wantViolation(t, err, tt.want)
				if got != nil {
					t.Errorf("Attributes returned %v", got)
				}
			}
		})
	}
}

// A record of 32 levels is within the limit, in both kinds of answers.
func TestClientAcceptsMaxDepth(t *testing.T) {
	record := testRecords(1)[0]
	record.Set(0x200, nested(MaxDepth-1))
	c, _ := startPeer(t, 48, maxPDUSize, func(r request) [][]byte {
		if r.id == attributeRequest {
			return respond(part{bytes: []byte(record.element().bytes())})(r)
		}
		return respond(part{bytes: searchAnswer([]*Record{record})})(r)
	})
	records, err := c.Search(t.Context(), []UUID{SerialPort})
	if err != nil {
		t.Fatal(err)
	}
	checkRecords(t, records, []*Record{record})
	got, err := c.Attributes(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	checkRecords(t, []*Record{got}, []*Record{record})
}

// A late response does not reach the call after the timeout.
func TestClientIgnoresLateResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := startPeer(t, 48, 48, func(r request) [][]byte {
			time.Sleep(11 * time.Second)
			return respond(part{bytes: []byte{0, 1, 0, 0}})(r)
		})
		_, err := c.Services(t.Context(), SerialPort)
		wantTimeout(t, err)
		handles, err := c.Services(t.Context(), SerialPort)
		hosttest.WantMatches(t, err, []error{net.ErrClosed}, nil)
		if handles != nil {
			t.Errorf("Services returned %v", handles)
		}
		wantEnded(t, c, peer)
	})
}
