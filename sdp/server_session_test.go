package sdp

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// testDatabase returns a database with the records, which get handles from
// 0x00010000.
func testDatabase(t testing.TB, records ...*Record) *database {
	t.Helper()
	s := new(Server)
	for _, r := range records {
		if _, err := s.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	return &s.database
}

// exchange returns the response of a session to a request.
func exchange(t testing.TB, s *session, r request) (pdu, part) {
	t.Helper()
	packet, err := s.respond(r.append(nil), false)
	if err != nil {
		t.Fatal(err)
	}
	response, err := parsePDU(packet)
	if err != nil || response.transaction != r.transaction || len(packet) > s.mtu {
		t.Fatalf("the response to %v is % x (%v); the MTU is %d", r, packet, err, s.mtu)
	}
	if response.id == errorResponse {
		return response, part{}
	}
	p, err := parsePart(response)
	if err != nil || response.id != r.id.response() {
		t.Fatalf("the response to %v is % x: %v", r, packet, err)
	}
	return response, p
}

// wantPart returns the next part of an answer, which must not be an error.
func wantPart(t testing.TB, s *session, r request) part {
	t.Helper()
	response, p := exchange(t, s, r)
	if code, ok := parseError(response.parameters); response.id == errorResponse {
		t.Fatalf("the response is the error %v (%v)", code, ok)
	}
	return p
}

// wantError checks that the response is an error.
func wantError(t testing.TB, s *session, r request, want ErrorCode) {
	t.Helper()
	response, _ := exchange(t, s, r)
	if code, ok := parseError(response.parameters); response.id != errorResponse || !ok || code != want {
		t.Errorf("the response to %v is %v % x, want the error %v", r, response.id, response.parameters, want)
	}
}

// wholeAnswer returns the answer to a request and the number of responses.
func wholeAnswer(t testing.TB, s *session, r request) (answer []byte, rounds int) {
	t.Helper()
	for {
		p := wantPart(t, s, r)
		answer = append(answer, p.bytes...)
		rounds++
		if len(p.continuation) == 0 {
			return answer, rounds
		}
		r.continuation = bytes.Clone(p.continuation)
		r.transaction++
	}
}

// searchAll is a request for all records of serial ports.
var searchAll = request{id: searchAttributeRequest, pattern: []UUID{SerialPort}, maximum: 0xffff, ranges: []AttributeRange{AllAttributes}}

func TestSessionFillsResponses(t *testing.T) {
	records := testRecords(100)
	d := testDatabase(t, records...)
	want := searchAnswer(records)
	for mtu, wantRounds := range map[int]int{
		48:    (len(want) + 35) / 36, // 48 less 5 of the header, 2 of the count, and 5 of the continuation state
		672:   (len(want) + 659) / 660,
		65535: 1,
	} {
		got, rounds := wholeAnswer(t, newSession(d, mtu), searchAll)
		if !bytes.Equal(got, want) || rounds != wantRounds {
			t.Errorf("at an MTU of %d, the answer has %d bytes in %d responses; want %d in %d", mtu, len(got), rounds, len(want), wantRounds)
		}
		handles, rounds := wholeAnswer(t, newSession(d, mtu), request{id: searchRequest, pattern: []UUID{SerialPort}, maximum: 0xffff})
		if room := (mtu - 14) / 4; len(handles) != 400 || rounds != max(1, (100+room-1)/room) {
			t.Errorf("at an MTU of %d, %d bytes of handles come in %d responses", mtu, len(handles), rounds)
		}
	}
}

// The last response has no continuation state, which leaves more room.
func TestSessionLastResponse(t *testing.T) {
	r := NewSerialPort("", 1)
	all := request{id: attributeRequest, handle: firstHandle, maximum: 0xffff, ranges: []AttributeRange{AllAttributes}}
	for n := range 60 {
		r.Set(AttributeServiceName, Text(string(make([]byte, n))))
		s := newSession(testDatabase(t, r), 100)
		got, rounds := wholeAnswer(t, s, all)
		if len(got) <= 92 != (rounds == 1) || s.unfinished() {
			t.Errorf("%d bytes come in %d responses at an MTU of 100", len(got), rounds)
		}
	}
}

func TestSessionMaximumBoundsParts(t *testing.T) {
	d := testDatabase(t, testRecords(3)...)
	for _, maximum := range []uint16{7, 8, 100} {
		r := searchAll
		r.maximum = maximum
		s := newSession(d, 672)
		if p := wantPart(t, s, r); len(p.bytes) != int(maximum) {
			t.Errorf("with a maximum of %d, the part has %d bytes", maximum, len(p.bytes))
		}
		got, _ := wholeAnswer(t, s, r)
		if want := searchAnswer(testRecords(3)); !bytes.Equal(got, want) {
			t.Errorf("with a maximum of %d, the answer differs", maximum)
		}
	}
}

func TestSessionMaximumBoundsHandles(t *testing.T) {
	s := newSession(testDatabase(t, testRecords(100)...), 48)
	r := request{id: searchRequest, pattern: []UUID{SerialPort}, maximum: 20}
	response, _ := exchange(t, s, r)
	if total := binary.BigEndian.Uint16(response.parameters); total != 20 {
		t.Errorf("the total is %d, want the maximum of 20", total)
	}
	if got, _ := wholeAnswer(t, s, r); len(got) != 80 {
		t.Errorf("the answer has %d bytes, want 80", len(got))
	}
}

func TestSessionRanges(t *testing.T) {
	r := NewSerialPort("port", 1) // has 0, 1, 4, 5, 6, 9, 0x100
	for name, tt := range map[string]struct {
		ranges []AttributeRange
		want   []AttributeID
	}{
		"all":          {[]AttributeRange{AllAttributes}, []AttributeID{0, 1, 4, 5, 6, 9, 0x100}},
		"one":          {[]AttributeRange{{4, 4}}, []AttributeID{4}},
		"absent":       {[]AttributeRange{{2, 3}, {0xffff, 0xffff}}, nil},
		"ascending":    {[]AttributeRange{{0, 1}, {5, 5}, {9, 0x100}}, []AttributeID{0, 1, 5, 9, 0x100}},
		"descending":   {[]AttributeRange{{9, 9}, {0, 4}}, []AttributeID{0, 1, 4, 9}},
		"overlapping":  {[]AttributeRange{{0, 5}, {4, 6}, {5, 5}}, []AttributeID{0, 1, 4, 5, 6}},
		"equal":        {[]AttributeRange{{1, 1}, {1, 1}}, []AttributeID{1}},
		"all and one":  {[]AttributeRange{AllAttributes, {1, 1}}, []AttributeID{0, 1, 4, 5, 6, 9, 0x100}},
		"to the end":   {[]AttributeRange{{0x100, 0xffff}}, []AttributeID{0x100}},
		"only handles": {[]AttributeRange{{0, 0}}, []AttributeID{0}},
	} {
		s := newSession(testDatabase(t, r), 672)
		answer, _ := wholeAnswer(t, s, request{id: attributeRequest, handle: firstHandle, maximum: 0xffff, ranges: tt.ranges})
		got, err := ParseRecord(answer)
		if err != nil {
			t.Fatal(err)
		}
		var ids []AttributeID
		for id := range got.All() {
			ids = append(ids, id)
		}
		if !slices.Equal(ids, tt.want) {
			t.Errorf("%s: the answer has the attributes %v, want %v", name, ids, tt.want)
		}
	}
}

func TestSessionContinuationIsOfRequest(t *testing.T) {
	search := request{id: searchRequest, pattern: []UUID{SerialPort, ProtocolL2CAP}, maximum: 50}
	attribute := request{id: attributeRequest, handle: firstHandle, maximum: 7, ranges: []AttributeRange{{0, 9}}}
	searchAttribute := request{id: searchAttributeRequest, pattern: []UUID{SerialPort}, maximum: 7, ranges: []AttributeRange{{0, 9}}}
	for name, tt := range map[string]struct {
		request request
		change  func(*request)
	}{
		"search, other pattern":     {search, func(r *request) { r.pattern = []UUID{SerialPort} }},
		"search, other order":       {search, func(r *request) { r.pattern = []UUID{ProtocolL2CAP, SerialPort} }},
		"search, other maximum":     {search, func(r *request) { r.maximum++ }},
		"search, other state":       {search, func(r *request) { r.continuation[3]++ }},
		"search, state cut":         {search, func(r *request) { r.continuation = r.continuation[:3] }},
		"search, state with zero":   {search, func(r *request) { r.continuation = append(r.continuation, 0) }},
		"attributes, other handle":  {attribute, func(r *request) { r.handle++ }},
		"attributes, other ranges":  {attribute, func(r *request) { r.ranges = []AttributeRange{{0, 10}} }},
		"attributes, fewer ranges":  {attribute, func(r *request) { r.ranges = []AttributeRange{{0, 0}} }},
		"attributes, state of 16":   {attribute, func(r *request) { r.continuation = make([]byte, 16) }},
		"both, other pattern":       {searchAttribute, func(r *request) { r.pattern[0] = ProtocolL2CAP }},
		"both, other ranges":        {searchAttribute, func(r *request) { r.ranges[0].Last-- }},
		"state of another request":  {searchAttribute, func(r *request) { r.id = searchRequest }},
		"state of another request ": {attribute, func(r *request) { r.id, r.pattern = searchAttributeRequest, []UUID{SerialPort} }},
	} {
		s := newSession(testDatabase(t, testRecords(100)...), 48)
		r := tt.request
		r.continuation = bytes.Clone(wantPart(t, s, r).continuation)
		changed := r
		changed.pattern, changed.ranges, changed.continuation = slices.Clone(r.pattern), slices.Clone(r.ranges), bytes.Clone(r.continuation)
		tt.change(&changed)
		wantError(t, s, changed, InvalidContinuation)
		if p := wantPart(t, s, r); len(p.bytes) == 0 { // the right one still continues
			t.Errorf("%s: the right continuation finds nothing", name)
		}
		wantError(t, s, r, InvalidContinuation) // but only once
	}
}

// A connection does not accept the states of another one.
func TestSessionContinuationIsOfConnection(t *testing.T) {
	d := testDatabase(t, testRecords(100)...)
	one, other := newSession(d, 48), newSession(d, 48)
	r := searchAll
	r.continuation = bytes.Clone(wantPart(t, one, r).continuation)
	wantError(t, other, r, InvalidContinuation)
	other.lastState = one.lastState - 1
	wantPart(t, other, searchAll) // has the same state
	wantPart(t, other, r)
	wantPart(t, one, r)
}

func TestSessionNewRequestEndsAnswer(t *testing.T) {
	s := newSession(testDatabase(t, testRecords(100)...), 48)
	r := searchAll
	first := bytes.Clone(wantPart(t, s, r).continuation)
	second := bytes.Clone(wantPart(t, s, r).continuation) // a second answer
	r.continuation = first
	wantError(t, s, r, InvalidContinuation)
	r.continuation = second
	wantPart(t, s, r)
	wantError(t, s, request{id: searchAttributeRequest, pattern: []UUID{SerialPort}, maximum: 1, ranges: []AttributeRange{AllAttributes}}, InvalidSyntax)
	if !s.unfinished() {
		t.Error("a request that is refused has ended the answer to another one")
	}
}

// Each kind of request has an answer of its own, so that a client can look up
// the attributes of a record while it receives handles.
func TestSessionAnswersOfEachKind(t *testing.T) {
	s := newSession(testDatabase(t, testRecords(100)...), 48)
	requests := []request{
		{id: searchRequest, pattern: []UUID{SerialPort}, maximum: 0xffff},
		{id: attributeRequest, handle: firstHandle, maximum: 0xffff, ranges: []AttributeRange{AllAttributes}},
		searchAll,
	}
	want := make([][]byte, len(requests))
	for i, r := range requests {
		want[i], _ = wholeAnswer(t, newSession(s.database, 48), r)
	}
	got := make([][]byte, len(requests))
	for open := len(requests); open > 0; {
		for i, r := range requests {
			if got[i] != nil && len(r.continuation) == 0 {
				continue
			}
			p := wantPart(t, s, r)
			got[i] = append(got[i], p.bytes...)
			requests[i].continuation = bytes.Clone(p.continuation)
			if len(p.continuation) == 0 {
				open--
			}
		}
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("answer %d has %d bytes, want %d", i, len(got[i]), len(want[i]))
		}
	}
	if s.unfinished() {
		t.Error("the session keeps an answer")
	}
}

// An answer is that of the time of its first request.
func TestSessionAnswerDoesNotChange(t *testing.T) {
	server := new(Server)
	var handles []uint32
	for _, r := range testRecords(10) {
		handle, err := server.Add(r)
		if err != nil {
			t.Fatal(err)
		}
		handles = append(handles, handle)
	}
	want := searchAnswer(testRecords(10))
	s := newSession(&server.database, 48)
	r := searchAll
	p := wantPart(t, s, r)
	got := bytes.Clone(p.bytes)
	steps := []func() error{
		func() error { return server.Update(handles[5], NewSerialPort("another name", 9)) },
		func() error { return server.Remove(handles[9]) },
		func() error { _, err := server.Add(NewSerialPort("new", 3)); return err },
		func() error { return server.Remove(handles[0]) },
	}
	for len(p.continuation) > 0 {
		if len(steps) > 0 {
			if err := steps[0](); err != nil {
				t.Fatal(err)
			}
			steps = steps[1:]
		}
		r.continuation = bytes.Clone(p.continuation)
		p = wantPart(t, s, r)
		got = append(got, p.bytes...)
	}
	if !bytes.Equal(got, want) {
		t.Error("the answer has changed with the records")
	}
	if now, _ := wholeAnswer(t, s, searchAll); bytes.Equal(now, want) {
		t.Error("the next answer is still the same")
	}
	wantError(t, s, request{id: attributeRequest, handle: handles[0], maximum: 7, ranges: []AttributeRange{AllAttributes}}, InvalidRecordHandle)
}

func TestSessionRefusesWhileClosing(t *testing.T) {
	s := newSession(testDatabase(t, testRecords(100)...), 48)
	r := searchAll
	p := wantPart(t, s, r)
	packet, err := s.respond(r.append(nil), true)
	if want := appendError(nil, r.transaction, InsufficientResources); err != nil || !bytes.Equal(packet, want) {
		t.Errorf("the response to a new request is % x, %v; want % x", packet, err, want)
	}
	r.continuation = bytes.Clone(p.continuation)
	packet, err = s.respond(r.append(nil), true)
	if err != nil || pduID(packet[0]) != searchAttributeResponse {
		t.Errorf("the response to a continuation is % x, %v", packet, err)
	}
}

func TestSessionHeaderIsCut(t *testing.T) {
	s := newSession(new(database), 672)
	packet := searchAll.append(nil)
	for n := range pduHeaderSize {
		if response, err := s.respond(packet[:n], false); err == nil {
			t.Errorf("the response to % x is % x", packet[:n], response)
		}
	}
}

// fuzzRecords are the records of FuzzServer.
func fuzzRecords() []*Record {
	long := NewService(UUID{1}, string(make([]byte, 300)), 30)
	long.Set(0xffff, Sequence(Alternative(UUIDElement(UUID{2}), Uint8(1)), DataElement{}))
	return append(testRecords(12), long)
}

// FuzzServer sends packets to a session, each after its length in one byte. A
// packet with the length 255 continues the last response instead.
func FuzzServer(f *testing.F) {
	d := testDatabase(f, fuzzRecords()...)
	requests := [][]byte{
		searchAll.append(nil),
		(&request{id: searchRequest, pattern: []UUID{SerialPort, {1}}, maximum: 1}).append(nil),
		(&request{id: attributeRequest, handle: firstHandle, maximum: 7, ranges: []AttributeRange{{1, 1}, {3, 9}}}).append(nil),
	}
	for _, mtu := range []uint16{0, 48, 49, 672, 65535} {
		for _, r := range requests {
			f.Add(mtu, append(append([]byte{byte(len(r))}, r...), 255, 255, 1, 0, 255))
		}
	}
	f.Fuzz(func(t *testing.T, mtu uint16, data []byte) {
		s := newSession(d, max(int(mtu), minMTU))
		var last, state []byte
		for len(data) > 0 {
			n := int(data[0])
			data = data[1:]
			packet := data[:min(n, len(data))]
			if n == 255 && last != nil {
				packet = last
			} else {
				data = data[len(packet):]
			}
			last, state = fuzzExchange(t, s, packet, state, n == 255)
		}
	})
}

// fuzzExchange sends a packet, with the continuation state if continues is true,
// and checks the response. It returns the request and the new state.
func fuzzExchange(t *testing.T, s *session, packet, state []byte, continues bool) (request, next []byte) {
	p, err := parsePDU(packet)
	r, code := parseRequest(p)
	if err == nil && code == 0 && continues {
		r.continuation = state
		packet = r.append(nil)
	}
	response, failed := s.respond(packet, false)
	if failed != nil {
		if len(packet) >= pduHeaderSize {
			t.Fatalf("no response to % x: %v", packet, failed)
		}
		return nil, nil
	}
	got, err2 := parsePDU(response)
	switch {
	case err2 != nil || len(response) > s.mtu || got.transaction != p.transaction:
		t.Fatalf("the response to % x is % x: %v", packet, response, err2)
	case got.id == errorResponse:
		return nil, nil
	case err != nil || code != 0 || got.id != p.id.response():
		t.Fatalf("the response to % x is % x", packet, response)
	}
	answer, err := parsePart(got)
	if err != nil {
		t.Fatalf("the response % x is malformed: %v", response, err)
	}
	if r.id != searchRequest && len(answer.bytes) > int(r.maximum) {
		t.Fatalf("the response to % x has %d bytes", packet, len(answer.bytes))
	}
	if len(answer.continuation) == 0 {
		return nil, nil
	}
	if len(answer.bytes) == 0 {
		t.Fatalf("the response % x makes no progress", response)
	}
	return packet, bytes.Clone(answer.continuation)
}
