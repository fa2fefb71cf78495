package bluez

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/sdp"
)

func TestCheckRecord(t *testing.T) {
	with := func(id sdp.AttributeID, e sdp.DataElement) *sdp.Record {
		r := thermometerRecord()
		r.Set(id, e)
		return r
	}
	const other = sdp.AttributeID(0x8000)
	for name, c := range map[string]struct {
		record *sdp.Record
		want   string // in the error; empty: none
	}{
		"valid":            {thermometerRecord(), ""},
		"long text":        {with(other, sdp.Text(strings.Repeat("x", 16200))), ""},
		"URL":              {with(other, sdp.URL("http://example.org/?a=1&b=<2> ~")), ""},
		"nil":              {nil, "no record"},
		"no class":         {new(sdp.Record), "no service class"},
		"class list":       {with(sdp.AttributeServiceClassIDList, sdp.UUIDElement(sdp.SerialPort)), "no service class"},
		"class":            {with(sdp.AttributeServiceClassIDList, sdp.Sequence(sdp.UUIDElement(sdp.SerialPort), sdp.Uint8(1))), "a sequence of UUIDs"},
		"browse group":     {with(sdp.AttributeBrowseGroupList, sdp.UUIDElement(sdp.PublicBrowseRoot)), "BrowseGroupList must be a sequence"},
		"large":            {with(other, sdp.Text(strings.Repeat("x", 16300))), "the record has 163"},
		"URL in sequences": {with(other, sdp.Sequence(sdp.Alternative(sdp.URL("\xff")))), `0x8000 has the URL "\xff"`},
		"control in a URL": {with(other, sdp.URL("http://x/\x1b")), `the URL "http://x/\x1b"`},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkRecord(c.record)
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("checkRecord returns the error %v, want %q", err, c.want)
			}
		})
	}
}

func thermometerRecord() *sdp.Record { return sdp.NewSerialPort("Thermometer", 18) }

func TestMarkedRecord(t *testing.T) {
	record, marker := thermometerRecord(), randomUUID()
	record.Delete(sdp.AttributeBrowseGroupList)
	marked := markedRecord(record, marker)
	if got, want := marked.Classes(), []sdp.UUID{marker, sdp.SerialPort}; !slices.Equal(got, want) {
		t.Errorf("the classes are %v, want %v", got, want)
	}
	if !inBrowseRoot(marked) || inBrowseRoot(record) {
		t.Errorf("the public browse root has the copy: %v, the record: %v", inBrowseRoot(marked), inBrowseRoot(record))
	}
	if channel, _ := marked.Channel(); channel != 18 || marked.Name() != "Thermometer" {
		t.Errorf("the copy is %v", marked)
	}
}

func TestRandomUUID(t *testing.T) {
	a, b := randomUUID(), randomUUID()
	if a == b || a[6]>>4 != 4 || a[8]>>6 != 2 {
		t.Errorf("got %v and %v, want different UUIDs of version 4", a, b)
	}
}
