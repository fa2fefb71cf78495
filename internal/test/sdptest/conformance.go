package sdptest

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// Run runs the tests. The server must have the records that Records returns, in
// their order.
//
// The names of the tests are those of the Profile Tuning Suite without the
// prefix SDP/SR. Tests of group Limits are not in its list.
func (s Server) Run(t *testing.T) {
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"SS", searchTests},
		{"SA", attributeTests},
		{"SSA", searchAttributeTests},
		{"BRW", browseTests},
		{"ROB", robustnessTests},
		{"Limits", limitTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				if !slices.Contains(s.Except, group.name+"/"+test.name) {
					t.Run(test.name, func(t *testing.T) { s.run(t, test) })
				}
			}
		})
	}
}

func (s Server) run(t *testing.T, test test) {
	mtu := test.mtu
	if mtu == 0 {
		mtu = defaultMTU
	}
	if !test.eachWidth {
		test.run(s.dial(t, mtu), 16)
		return
	}
	for name, width := range widths {
		t.Run(name, func(t *testing.T) { test.run(s.dial(t, mtu), width) })
	}
}

// A test is one test of the list.
type test struct {
	name      string
	mtu       int  // the default is defaultMTU
	eachWidth bool // run with UUIDs of each width
	run       func(c *client, width int)
}

// absent is a UUID that no record contains.
var absent = sdp.UUID32(0xffff)

const absentAttribute = 0xffff

// searchTests are those of the search transaction.
var searchTests = []test{
	{name: "BV-01-C", eachWidth: true, run: func(c *client, width int) {
		if got := c.search(pattern(width, sdp.ObjectPush), 1); len(got) != 1 {
			c.Errorf("a search for Object Push returns the handles %x, want one", got)
		}
	}},
	{name: "BV-03-C", mtu: smallMTU, eachWidth: true, run: func(c *client, width int) {
		all := pattern(width, sdp.ProtocolL2CAP)
		content, total, rounds := c.whole(searchRequest, all, u16(0xffff))
		if rounds < 2 || total*4 != len(content) || total < len(Records()) {
			c.Errorf("the answer has %d bytes in %d responses and the total %d", len(content), rounds, total)
		}
		handles := c.search(all, 0xffff)
		slices.Sort(handles)
		if len(slices.Compact(handles)) != total {
			c.Errorf("the answer has a handle twice: %x", handles)
		}
	}},
	{name: "BV-04-C", eachWidth: true, run: func(c *client, width int) {
		if got := c.request(searchRequest, pattern(width, absent), u16(1), none); !bytes.Equal(got, unhex("0000 0000 00")) {
			c.Errorf("the response is %x, want no handle", got)
		}
	}},
	{name: "BI-01-C", eachWidth: true, run: func(c *client, width int) {
		c.checkError(invalidSize, c.send(searchRequest, join(pattern(width, sdp.ProtocolL2CAP), u16(5), none), 5))
	}},
	{name: "BI-02-C", eachWidth: true, run: func(c *client, width int) {
		c.refused(invalidSyntax, searchRequest, pattern(width, sdp.ProtocolL2CAP), none) // without a maximum
	}},
}

// An attributeCase is the test of one attribute, in both transactions.
type attributeCase struct {
	attribute, searchAttribute string // the numbers of the tests
	service                    sdp.UUID
	id                         sdp.AttributeID
	want                       string // encoded; empty if the value is not known
}

const url = "68747470733a2f2f6578616d706c652e636f6d2f" // https://example.com/

var attributeCases = []attributeCase{
	{"BV-04-C", "BV-10-C", portUUID, sdp.AttributeServiceID, "19 1101"},
	{"BV-05-C", "BV-11-C", portUUID, sdp.AttributeProtocolDescriptorList, "35 0c 3503190100 3505190003 0801"},
	{"BV-06-C", "BV-07-C", portUUID, sdp.AttributeServiceRecordState, "0a 00001234"},
	{"BV-07-C", "BV-09-C", portUUID, sdp.AttributeServiceInfoTimeToLive, "0a 0000ffff"},
	{"BV-08-C", "BV-12-C", portUUID, sdp.AttributeBrowseGroupList, "35 08 191002 1a5d900004"},
	{"BV-09-C", "BV-13-C", portUUID, sdp.AttributeLanguageBaseAttributeIDList, "35 09 09656e 09006a 090100"},
	{"BV-10-C", "BV-14-C", portUUID, sdp.AttributeServiceAvailability, "08 ff"},
	{"BV-11-C", "BV-15-C", portUUID, sdp.AttributeIconURL, "45 1c" + url + "69636f6e2e706e67"},
	{"BV-12-C", "BV-16-C", portUUID, sdp.AttributeServiceName, "25 0b 53657269616c20506f7274"},
	{"BV-13-C", "BV-17-C", portUUID, sdp.AttributeServiceDescription, "25 08 434f4d20506f7274"},
	{"BV-14-C", "BV-18-C", portUUID, sdp.AttributeProviderName, "25 07 6578616d706c65"},
	{"BV-15-C", "BV-19-C", sdp.ServiceDiscoveryServer, 0x0200, "35 03 090100"},
	{"BV-16-C", "BV-08-C", sdp.ServiceDiscoveryServer, 0x0201, ""},
	{"BV-17-C", "BV-20-C", portUUID, sdp.AttributeBluetoothProfileDescriptorList, "35 08 3506 191101 090102"},
	{"BV-18-C", "BV-21-C", portUUID, sdp.AttributeDocumentationURL, "45 1a" + url + "6d616e75616c"},
	{"BV-19-C", "BV-22-C", portUUID, sdp.AttributeClientExecutableURL, "45 1b" + url + "70726f6772616d"},
	{"BV-21-C", "BV-23-C", keyboardUUID, sdp.AttributeAdditionalProtocolDescriptorLists, "35 0f 35 0d 3506190100090013 3503190011"},
}

// check checks that a record holds nothing but the attribute.
func (a attributeCase) check(c *client, r *sdp.Record) {
	c.Helper()
	value, _ := r.Get(a.id)
	r.Delete(a.id)
	for id, value := range r.All() {
		c.Errorf("the answer also has the attribute %v: %v", id, value)
	}
	got := encode(c, value)
	if a.want == "" && value.Type() == sdp.TypeUint && value.Width() == 4 {
		return
	}
	if want := unhex(a.want); !bytes.Equal(got, want) {
		c.Errorf("the attribute %v is %x, want %x", a.id, got, want)
	}
}

// attributeTests are those of the attribute transaction.
var attributeTests = append([]test{
	{name: "BV-01-C", run: func(c *client, _ int) {
		got := c.request(attributeRequest, u32(c.handle(pushUUID)), u16(20), ids(sdp.AttributeServiceClassIDList), none)
		if want := unhex("000f 35 0d 090001 35 08 1a5d900002 191105 00"); !bytes.Equal(got, want) {
			c.Errorf("the response is %x, want %x", got, want)
		}
	}},
	{name: "BV-03-C", run: func(c *client, _ int) {
		handle, list := c.handle(pushUUID), ids(sdp.AttributeServiceRecordHandle, sdp.AttributeServiceClassIDList)
		content, _, rounds := c.whole(attributeRequest, u32(handle), u16(7), list)
		want := join(unhex("35 15 090000 0a"), u32(handle), unhex("090001 35 08 1a5d900002 191105"))
		if !bytes.Equal(content, want) || rounds != (len(want)+6)/7 {
			c.Errorf("the answer in %d responses is %x, want %x", rounds, content, want)
		}
	}},
	{name: "BV-20-C", run: func(c *client, _ int) {
		got := c.request(attributeRequest, u32(c.handle(portUUID)), u16(7), ids(absentAttribute), none)
		if want := unhex("0002 3500 00"); !bytes.Equal(got, want) {
			c.Errorf("the response is %x, want %x", got, want)
		}
	}},
	{name: "BI-01-C", run: func(c *client, _ int) {
		c.refused(invalidHandle, attributeRequest, u32(0xffffffff), u16(7), ids(sdp.AttributeServiceClassIDList), none)
	}},
	{name: "BI-02-C", run: func(c *client, _ int) {
		c.refused(invalidSyntax, attributeRequest, u32(c.handle(portUUID)), ids(sdp.AttributeServiceClassIDList), none)
	}},
	{name: "BI-03-C", run: func(c *client, _ int) {
		request := join(u32(c.handle(portUUID)), u16(7), ids(sdp.AttributeServiceClassIDList), none)
		c.checkError(invalidSize, c.send(attributeRequest, request, 5))
	}},
}, eachAttribute(false)...)

// eachAttribute returns the tests of single attributes.
func eachAttribute(search bool) (tests []test) {
	for _, a := range attributeCases {
		byHandle := func(c *client, _ int) { a.check(c, c.attributes(c.handle(a.service), 0xffff, ids(a.id))) }
		bySearch := func(c *client, width int) {
			if v, _ := a.service.Short(); v > 0xffff {
				width = max(width, 4)
			}
			records := c.searchAttributes(pattern(width, a.service), 0xffff, ids(a.id))
			if len(records) != 1 {
				c.Fatalf("%d records match, want one", len(records))
			}
			a.check(c, records[0])
		}
		if search {
			tests = append(tests, test{name: a.searchAttribute, eachWidth: true, run: bySearch})
		} else {
			tests = append(tests, test{name: a.attribute, run: byHandle})
		}
	}
	return tests
}

// emptyAnswer returns a test of a search for a service and an attribute of which
// at least one does not exist.
func emptyAnswer(name string, service sdp.UUID, attribute sdp.AttributeID) test {
	return test{name: name, eachWidth: true, run: func(c *client, width int) {
		got := c.request(searchAttributeRequest, pattern(width, service), u16(10), ids(attribute), none)
		if want := unhex("0002 3500 00"); !bytes.Equal(got, want) {
			c.Errorf("the response is %x, want %x", got, want)
		}
	}}
}

// searchAttributeTests are those of the search attribute transaction.
var searchAttributeTests = append([]test{
	emptyAnswer("BV-01-C", absent, sdp.AttributeServiceClassIDList),
	emptyAnswer("BV-02-C", sdp.ObjectPush, absentAttribute),
	emptyAnswer("BV-03-C", absent, absentAttribute),
	{name: "BV-04-C", eachWidth: true, run: func(c *client, width int) {
		got := c.request(searchAttributeRequest, pattern(width, sdp.ObjectPush), u16(20), ids(sdp.AttributeServiceClassIDList), none)
		if want := unhex("0011 35 0f 35 0d 090001 35 08 1a5d900002 191105 00"); !bytes.Equal(got, want) {
			c.Errorf("the response is %x, want %x", got, want)
		}
	}},
	{name: "BV-06-C", mtu: smallMTU, eachWidth: true, run: func(c *client, width int) {
		list := ids(sdp.AttributeServiceRecordHandle, sdp.AttributeServiceClassIDList)
		content, _, rounds := c.whole(searchAttributeRequest, pattern(width, sdp.FileTransfer), u16(0xffff), list)
		if rounds < 2 {
			c.Errorf("the answer of %d bytes comes in %d responses", len(content), rounds)
		}
		if got := c.searchAttributes(pattern(width, sdp.FileTransfer), 0xffff, list); len(got) != folders {
			c.Errorf("%d records match, want %d", len(got), folders)
		}
	}},
	{name: "BI-01-C", eachWidth: true, run: func(c *client, width int) {
		c.refused(invalidSyntax, searchAttributeRequest, pattern(width, sdp.ProtocolL2CAP), ids(sdp.AttributeServiceClassIDList), none)
	}},
	{name: "BI-02-C", eachWidth: true, run: func(c *client, width int) {
		request := join(pattern(width, sdp.ProtocolL2CAP), u16(0xffff), ids(sdp.AttributeServiceClassIDList), none)
		c.checkError(invalidSize, c.send(searchAttributeRequest, request, 5))
	}},
}, eachAttribute(true)...)

// checkBrowsed checks that the records with the group UUID are those of Records,
// apart from their handles.
func checkBrowsed(c *client, got []*sdp.Record) {
	c.Helper()
	want := Records()
	got = slices.DeleteFunc(got, func(r *sdp.Record) bool { return !r.Contains(groupUUID) })
	if len(got) != len(want) {
		c.Fatalf("browsing finds %d records, want %d", len(got), len(want))
	}
	slices.SortFunc(got, func(a, b *sdp.Record) int { return int(handleOf(c, a)) - int(handleOf(c, b)) })
	for i, r := range got {
		r.Delete(sdp.AttributeServiceRecordHandle)
		got, gotErr := r.MarshalBinary()
		want, wantErr := want[i].MarshalBinary()
		if gotErr != nil || wantErr != nil || !bytes.Equal(got, want) {
			c.Errorf("record %d is\n%x (%v), want\n%x (%v)", i, got, gotErr, want, wantErr)
		}
	}
}

func handleOf(c *client, r *sdp.Record) uint32 {
	c.Helper()
	handle, ok := r.Handle()
	if !ok {
		c.Error("a record has no handle")
	}
	return handle
}

// browseTests find all services.
var browseTests = []test{
	{name: "BV-01-C", eachWidth: true, run: func(c *client, width int) {
		var records []*sdp.Record
		for _, handle := range c.search(pattern(width, sdp.PublicBrowseRoot), 0xffff) {
			r := c.attributes(handle, 0xffff, everything)
			if got := handleOf(c, r); got != handle {
				c.Errorf("record %08x has the handle %08x", handle, got)
			}
			records = append(records, r)
		}
		checkBrowsed(c, records)
	}},
	{name: "BV-02-C", eachWidth: true, run: func(c *client, width int) {
		checkBrowsed(c, c.searchAttributes(pattern(width, sdp.PublicBrowseRoot), 0xffff, everything))
	}},
}

// robustnessTests forge continuation states.
var robustnessTests = []test{
	{name: "BI-01-C", run: func(c *client, _ int) {
		request := join(u32(c.handle(portUUID)), u16(7), everything)
		p := c.ask(attributeRequest, request, none)
		forged := bytes.Repeat([]byte{0xff}, len(p.continuation))
		forged[0] = p.continuation[0]
		c.refused(invalidContinuation, attributeRequest, request, forged)
	}},
}

// limitTests test limits and errors that the list does not cover.
var limitTests = []test{
	{name: "AttributesAreInOrderAndOnce", run: func(c *client, _ int) {
		list := sequence(unhex("09 0000  0a 0001 0005  0a 0100 ffff"))
		var previous int = -1
		content, _, _ := c.whole(attributeRequest, u32(c.handle(portUUID)), u16(0xffff), list)
		e, _, err := sdp.ParseDataElement(content)
		if err != nil {
			c.Fatal(err)
		}
		for pair := range slices.Chunk(e.Elements(), 2) {
			id, _ := pair[0].Uint()
			if int(id) <= previous {
				c.Errorf("the attribute %04x follows %04x", id, previous)
			}
			if id >= 6 && id < 0x100 {
				c.Errorf("the answer has the attribute %04x", id)
			}
			previous = int(id)
		}
		if previous != int(sdp.AttributeProviderName) {
			c.Errorf("the last attribute is %04x", previous)
		}
	}},
	{name: "MTUBoundsResponses", mtu: smallMTU, run: func(c *client, _ int) {
		small, _, rounds := c.whole(searchAttributeRequest, pattern(16, portUUID), u16(0xffff), everything)
		if rounds < len(small)/smallMTU {
			c.Errorf("%d bytes come in %d responses", len(small), rounds)
		}
		want, _, _ := c.whole(searchAttributeRequest, pattern(16, portUUID), u16(11), everything)
		if !bytes.Equal(small, want) {
			c.Error("the answer depends on the maximum byte count")
		}
	}},
	{name: "MaximumBoundsHandles", run: func(c *client, _ int) {
		if got := c.search(pattern(4, groupUUID), 3); len(got) != 3 {
			c.Errorf("a search for 3 handles returns %x", got)
		}
	}},
	{name: "PatternOfTwelve", run: func(c *client, _ int) {
		for _, width := range []int{4, 16} {
			if got := c.search(pattern(width, twelve()...), 0xffff); len(got) != 1 {
				c.Errorf("a search for 12 UUIDs returns %x, want one handle", got)
			}
		}
		if got := c.search(pattern(16, append(twelve()[:11], absent)...), 0xffff); len(got) != 0 {
			c.Errorf("a search that includes an absent UUID returns %x", got)
		}
	}},
	{name: "PatternOfThirteen", run: func(c *client, _ int) {
		thirteen := pattern(2, slices.Repeat([]sdp.UUID{sdp.ProtocolL2CAP}, 13)...)
		c.refused(invalidSyntax, searchRequest, thirteen, u16(1), none)
		c.refused(invalidSyntax, searchAttributeRequest, thirteen, u16(100), everything, none)
	}},
	{name: "EmptyPattern", run: func(c *client, _ int) {
		c.refused(invalidSyntax, searchRequest, sequence(), u16(1), none)
		c.refused(invalidSyntax, searchAttributeRequest, sequence(), u16(100), everything, none)
	}},
	{name: "EmptyList", run: func(c *client, _ int) {
		c.refused(invalidSyntax, attributeRequest, u32(c.handle(portUUID)), u16(100), sequence(), none)
		c.refused(invalidSyntax, searchAttributeRequest, pattern(2, sdp.ProtocolL2CAP), u16(100), sequence(), none)
	}},
	{name: "MaximumOfZero", run: func(c *client, _ int) {
		c.refused(invalidSyntax, searchRequest, pattern(2, sdp.ProtocolL2CAP), u16(0), none)
	}},
	{name: "AttributeMaximumBelowSeven", run: func(c *client, _ int) {
		c.refused(invalidSyntax, attributeRequest, u32(c.handle(portUUID)), u16(6), everything, none)
	}},
	{name: "SearchMaximumBelowSeven", run: func(c *client, _ int) {
		c.refused(invalidSyntax, searchAttributeRequest, pattern(2, sdp.ProtocolL2CAP), u16(6), everything, none)
	}},
	{name: "RangeThatDescends", run: func(c *client, _ int) {
		list := sequence(unhex("0a 0004 0001"))
		c.refused(invalidSyntax, attributeRequest, u32(c.handle(portUUID)), u16(100), list, none)
	}},
	{name: "WrongElements", run: func(c *client, _ int) {
		for _, wrong := range []string{
			"35 03 09 1101", "35 02 08 01", "3d 03 19 1101", "19 1101", "00", "35 05 35 03 19 1101", "35 03 1a 1101", "35 ff 19 1101", "",
		} {
			c.refused(invalidSyntax, searchRequest, unhex(wrong), u16(1), none)
		}
		handle := u32(c.handle(portUUID))
		for _, wrong := range []string{"35 03 19 0001", "35 02 08 01", "35 09 0b 0000000000000001", "09 0001", "35 03 11 0001"} {
			c.refused(invalidSyntax, attributeRequest, handle, u16(100), unhex(wrong), none)
		}
	}},
	{name: "UnknownPDU", run: func(c *client, _ int) {
		for _, id := range []byte{0x00, 0x01, 0x03, 0x05, 0x07, 0x08, 0x75, 0xff} {
			c.refused(invalidSyntax, id, pattern(2, sdp.ProtocolL2CAP), u16(1), none)
		}
	}},
	{name: "TrailingBytes", run: func(c *client, _ int) {
		request := join(pattern(2, sdp.ProtocolL2CAP), u16(1), none)
		c.refused(invalidSyntax, searchRequest, request, []byte{0})
		c.checkError(invalidSize, c.send(searchRequest, append(request, 0), -1))
	}},
	{name: "CutParameters", run: func(c *client, _ int) {
		whole := join(pattern(2, sdp.ProtocolL2CAP), u16(100), everything, none)
		for n := range whole {
			c.refused(invalidSyntax, searchAttributeRequest, whole[:n])
		}
	}},
	{name: "ContinuationOfOtherRequest", run: func(c *client, _ int) {
		request := join(u32(c.handle(portUUID)), u16(7))
		p := c.ask(attributeRequest, request, everything, none)
		c.refused(invalidContinuation, attributeRequest, request, ids(sdp.AttributeServiceName), p.continuation)
		other := join(u32(c.handle(pushUUID)), u16(7), everything, p.continuation)
		c.refused(invalidContinuation, attributeRequest, other)
		c.refused(invalidContinuation, searchAttributeRequest, pattern(16, portUUID), u16(7), everything, p.continuation)
		c.refused(invalidContinuation, searchRequest, pattern(16, portUUID), u16(7), p.continuation)
	}},
	{name: "ContinuationTwice", run: func(c *client, _ int) {
		request := join(u32(c.handle(portUUID)), u16(7), everything)
		p := c.ask(attributeRequest, request, none)
		c.ask(attributeRequest, request, p.continuation)
		c.refused(invalidContinuation, attributeRequest, request, p.continuation)
	}},
	{name: "ContinuationAfterEnd", run: func(c *client, _ int) {
		request := join(u32(c.handle(portUUID)), u16(7), ids(sdp.AttributeServiceClassIDList))
		var last part
		for p := c.ask(attributeRequest, request, none); p.continuation[0] != 0; p = c.ask(attributeRequest, request, p.continuation) {
			last = p
		}
		c.refused(invalidContinuation, attributeRequest, request, last.continuation)
	}},
	{name: "ContinuationOfSeventeen", run: func(c *client, _ int) {
		c.refused(invalidSyntax, attributeRequest, u32(c.handle(portUUID)), u16(7), everything, append([]byte{17}, make([]byte, 17)...))
	}},
	{name: "ContinuationSizeIsConstant", mtu: smallMTU, run: func(c *client, _ int) {
		request := join(pattern(16, pushUUID), u16(7), everything)
		first := c.ask(searchAttributeRequest, request, none)
		for p := first; p.continuation[0] != 0; p = c.ask(searchAttributeRequest, request, p.continuation) {
			if p.continuation[0] != first.continuation[0] {
				c.Fatalf("continuation states have %d and %d bytes", first.continuation[0], p.continuation[0])
			}
		}
	}},
	{name: "OtherRequestDuringContinuation", run: func(c *client, _ int) {
		request := join(u32(c.handle(portUUID)), u16(7), everything)
		p := c.ask(attributeRequest, request, none)
		c.search(pattern(16, pushUUID), 1)
		if next := c.ask(attributeRequest, request, p.continuation); len(next.content) == 0 {
			c.Error("the answer is lost")
		}
	}},
	{name: "MaximumChangesDuringContinuation", run: func(c *client, _ int) {
		handle := u32(c.handle(portUUID))
		want, _, _ := c.whole(attributeRequest, handle, u16(0xffff), everything)
		p := c.ask(attributeRequest, handle, u16(7), everything, none)
		got := p.content
		for maximum := 8; p.continuation[0] != 0; maximum++ {
			p = c.ask(attributeRequest, handle, u16(maximum), everything, p.continuation)
			if len(p.content) > maximum {
				c.Errorf("a response has %d bytes, want at most %d", len(p.content), maximum)
			}
			got = append(got, p.content...)
		}
		if !bytes.Equal(got, want) {
			c.Error("the answer is not the same")
		}
	}},
	{name: "TransactionIsRepeated", run: func(c *client, _ int) {
		for _, id := range []uint16{0, 1, 0xffff, 7, 7} {
			c.transaction = id - 1
			c.search(pattern(16, portUUID), 1) // checks the transaction
		}
	}},
	{name: "RequestsAreAnsweredInOrder", run: func(c *client, _ int) {
		first := c.transaction + 1
		c.write(searchRequest, join(pattern(4, portUUID), u16(1), none), 0)
		c.write(searchRequest, join(pattern(4, absent), u16(1), none), 0)
		for i, want := range []int{1, 0} {
			c.transaction = first + uint16(i)
			if p := c.part(searchRequest, c.read().parameters); p.total != want {
				c.Errorf("response %d has the total %d, want %d", i, p.total, want)
			}
		}
	}},
	{name: "OwnRecord", run: func(c *client, _ int) {
		if handle := c.handle(sdp.ServiceDiscoveryServer); handle != 0 {
			c.Errorf("the server's own record has the handle %08x", handle)
		}
		r := c.attributes(0, 0xffff, everything)
		if state, ok := r.Get(0x0201); !ok || binary.Size(encode(c, state)) != 5 {
			c.Errorf("the server's own record has the ServiceDatabaseState %v, %v", state, ok)
		}
	}},
}
