package sdp

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestServerAddCopies(t *testing.T) {
	s := new(Server)
	r := NewSerialPort("before", 1)
	r.Set(AttributeServiceRecordHandle, Uint32(77))
	handle := add(t, s, r)
	if got, _ := r.Handle(); got != 77 {
		t.Errorf("Add has set the handle of the caller's record to %08x", got)
	}
	r.Set(AttributeServiceName, Text("after"))
	c, _ := startClient(t, s, 672)
	got, err := c.Attributes(t.Context(), handle)
	if err != nil {
		t.Fatal(err)
	}
	if published, _ := got.Handle(); got.Name() != "before" || published != handle {
		t.Errorf("the server has the name %q and the handle %08x", got.Name(), published)
	}
}

func TestServerHandlesAreNotReused(t *testing.T) {
	s := new(Server)
	for want := uint32(0x10000); want < 0x10005; want++ {
		handle := add(t, s, NewSerialPort("", 1))
		if handle != want {
			t.Errorf("Add returned the handle %08x, want %08x", handle, want)
		}
		if err := s.Remove(handle); err != nil {
			t.Error(err)
		}
	}
	s.database.next = 0xffffffff
	if handle := add(t, s, NewSerialPort("", 1)); handle != 0xffffffff {
		t.Errorf("Add returned the handle %08x", handle)
	}
	if handle, err := s.Add(NewSerialPort("", 1)); err == nil {
		t.Errorf("Add returned the handle %08x after the last", handle)
	}
}

func TestServerUnknownHandle(t *testing.T) {
	s := new(Server)
	handle := add(t, s, NewSerialPort("", 1))
	for handle, want := range map[uint32]string{0: "the server's own", 1: "0x00000001", handle + 1: "0x00010001"} {
		for _, err := range []error{s.Remove(handle), s.Update(handle, NewSerialPort("", 1))} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("handle %08x: the error is %v, want one that contains %q", handle, err, want)
			}
		}
	}
	if err := s.Remove(handle); err != nil {
		t.Error(err)
	}
	if err := s.Remove(handle); err == nil {
		t.Error("Remove removes a record twice")
	}
}

func TestServerAddRefuses(t *testing.T) {
	set := func(id AttributeID, value DataElement) *Record {
		r := NewSerialPort("", 1)
		r.Set(id, value)
		return r
	}
	stack := func(e ...DataElement) DataElement {
		return Sequence(Sequence(append([]DataElement{UUIDElement(ProtocolRFCOMM)}, e...)...))
	}
	uuid, deep := UUIDElement(SerialPort), Text("")
	for range MaxDepth - 1 {
		deep = Sequence(deep)
	}
	for name, tt := range map[string]struct {
		record *Record
		want   string
	}{
		"nil":                   {nil, "nil"},
		"empty":                 {new(Record), "no service class"},
		"no class":              {set(AttributeServiceClassIDList, Sequence()), "no service class"},
		"class is no list":      {set(AttributeServiceClassIDList, uuid), "no service class"},
		"class and a number":    {set(AttributeServiceClassIDList, Sequence(uuid, Uint16(0x1101))), "ServiceClassIDList must be a sequence of UUIDs"},
		"state of 2 bytes":      {set(AttributeServiceRecordState, Uint16(1)), "ServiceRecordState must be a uint32"},
		"id is a number":        {set(AttributeServiceID, Uint16(1)), "ServiceID must be a UUID"},
		"protocols are flat":    {set(AttributeProtocolDescriptorList, Sequence(uuid)), "ProtocolDescriptorList must be"},
		"alternative of none":   {set(AttributeProtocolDescriptorList, Alternative()), "ProtocolDescriptorList must be"},
		"protocol without UUID": {set(AttributeProtocolDescriptorList, Sequence(Sequence(Uint8(1)))), "ProtocolDescriptorList must be"},
		"channel 0":             {set(AttributeProtocolDescriptorList, stack(Uint8(0))), "RFCOMM channel in the attribute ProtocolDescriptorList: "},
		"channel 31":            {set(AttributeProtocolDescriptorList, Alternative(stack(Uint8(30)), stack(Uint8(31)))), "RFCOMM channel"},
		"channel is a text":     {set(AttributeProtocolDescriptorList, stack(Text("1"))), "RFCOMM channel"},
		"no channel":            {set(AttributeProtocolDescriptorList, stack()), "RFCOMM channel"},
		"no browse group":       {set(AttributeBrowseGroupList, Sequence()), "BrowseGroupList must be"},
		"two of three":          {set(AttributeLanguageBaseAttributeIDList, Sequence(Uint16(1), Uint16(2))), "three for each language"},
		"time to live":          {set(AttributeServiceInfoTimeToLive, Uint8(1)), "ServiceInfoTimeToLive must be a uint32"},
		"availability":          {set(AttributeServiceAvailability, Uint16(1)), "ServiceAvailability must be a uint8"},
		"profile":               {set(AttributeBluetoothProfileDescriptorList, Sequence(Sequence(uuid))), "ProfileDescriptorList must be"},
		"profile version":       {set(AttributeBluetoothProfileDescriptorList, Sequence(Sequence(uuid, Uint8(1)))), "ProfileDescriptorList must be"},
		"documentation":         {set(AttributeDocumentationURL, Text("http://")), "DocumentationURL must be a URL"},
		"executable":            {set(AttributeClientExecutableURL, Text("http://")), "ClientExecutableURL must be a URL"},
		"icon":                  {set(AttributeIconURL, Text("http://")), "IconURL must be a URL"},
		"additional protocols":  {set(AttributeAdditionalProtocolDescriptorLists, stack(Uint8(1))), "AdditionalProtocolDescriptorLists must be"},
		"too deep":              {set(0x300, deep), ErrTooDeep.Error()},
		"too large":             {set(0x300, Text(strings.Repeat("x", MaxSize))), ErrTooLarge.Error()},
	} {
		s := new(Server)
		if _, err := s.Add(tt.record); err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 400 {
			t.Errorf("%s: Add returned the error %v, want one that contains %q", name, err, tt.want)
		}
		if err := s.Update(0x10000, tt.record); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Update returned the error %v, want one that contains %q", name, err, tt.want)
		}
	}
}

// A client that accepts elements of MaxDepth can read each record that Add
// accepts.
func TestServerAddAcceptsReadable(t *testing.T) {
	s := new(Server)
	r := NewSerialPort("", 1)
	value := Text("")
	for range MaxDepth - 2 { // the attribute list and the list of lists are two more
		value = Sequence(value)
	}
	r.Set(0x300, value)
	r.Set(AttributeProtocolDescriptorList, Alternative(
		Sequence(Sequence(UUIDElement(ProtocolL2CAP)), Sequence(UUIDElement(ProtocolRFCOMM), Uint16(30))),
		Sequence(Sequence(UUIDElement(ProtocolL2CAP), Uint16(0x1001)))))
	add(t, s, r)
	c, _ := startClient(t, s, 672)
	got, err := c.Search(t.Context(), []UUID{SerialPort})
	if err != nil || len(got) != 1 {
		t.Fatalf("Search = %v, %v", got, err)
	}
	if channel, _ := got[0].Channel(); channel != 30 {
		t.Errorf("the channel is %d, want 30", channel)
	}
}

// ownRecord returns the server's own record and its ServiceDatabaseState.
func ownRecord(t *testing.T, s *Server) (*Record, uint64) {
	t.Helper()
	c, _ := startClient(t, s, 672)
	handles, err := c.Services(t.Context(), ServiceDiscoveryServer)
	if err != nil || !slices.Equal(handles, []uint32{0}) {
		t.Fatalf("Services = %x, %v; want the handle 0", handles, err)
	}
	r, err := c.Attributes(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	state, _ := r.Get(attributeServiceDatabaseState)
	v, ok := state.Uint()
	if !ok || state.Width() != 4 {
		t.Errorf("the ServiceDatabaseState is %v", state)
	}
	return r, v
}

// The ServiceDatabaseState changes when a record is added or removed, not when
// one is modified (Core Specification, Volume 3, Part B, 5.2.4).
func TestServerDatabaseState(t *testing.T) {
	s := new(Server)
	own, first := ownRecord(t, s)
	if versions, _ := own.Get(attributeVersionNumberList); !versions.Equal(Sequence(Uint16(0x0100))) {
		t.Errorf("the VersionNumberList is %v", versions)
	}
	handle := add(t, s, NewSerialPort("", 1))
	_, added := ownRecord(t, s)
	if err := s.Update(handle, NewSerialPort("", 2)); err != nil {
		t.Fatal(err)
	}
	_, updated := ownRecord(t, s)
	if err := s.Remove(handle); err != nil {
		t.Fatal(err)
	}
	_, removed := ownRecord(t, s)
	if added == first || updated != added || removed == added || removed == first {
		t.Errorf("the states are %d at first, %d after Add, %d after Update, %d after Remove", first, added, updated, removed)
	}
	if _, other := ownRecord(t, new(Server)); other == first {
		t.Error("two servers begin with the same state")
	}
}

func TestServerUpdates(t *testing.T) {
	s := new(Server)
	handle := add(t, s, NewSerialPort("before", 1))
	add(t, s, NewSerialPort("other", 2))
	if err := s.Update(handle, NewObjectPush("after", 3)); err != nil {
		t.Fatal(err)
	}
	c, _ := startClient(t, s, 672)
	got, err := c.Search(t.Context(), []UUID{ObjectPush})
	if err != nil || len(got) != 1 || got[0].Name() != "after" {
		t.Errorf("Search = %v, %v", got, err)
	}
	if handles, err := c.Services(t.Context(), SerialPort); err != nil || !slices.Equal(handles, []uint32{handle + 1}) {
		t.Errorf("Services = %x, %v", handles, err)
	}
}

func TestSequenceOf(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 65535, 65536} {
		content := bytes.Repeat([]byte{0}, n) // nil elements
		e, rest, err := ParseDataElement(sequenceOf(content))
		if err != nil || len(rest) != 0 || len(e.Elements()) != n {
			t.Errorf("%d bytes: %d elements, then %d bytes: %v", n, len(e.Elements()), len(rest), err)
		}
	}
}
