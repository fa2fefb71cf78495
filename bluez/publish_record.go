package bluez

import (
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// maxRecordSize is the maximum size of a record in bytes. bluetoothd has 65,535
// bytes for the answer to a search, and leaves out attributes and records that do
// not fit (service_search_attr_req in src/sdpd-request.c). While Publish checks
// it, a record is in the answer twice, beside those of other programs.
const maxRecordSize = 1 << 14

// checkRecord checks that bluetoothd can publish a record as it is. A record with
// elements that bluetoothd cannot parse does not reach it: version 5.66 crashes if
// the list of classes has one.
func checkRecord(record *sdp.Record) error {
	if _, err := new(sdp.Server).Add(record); err != nil {
		return err
	}
	b, err := record.MarshalBinary()
	if err != nil {
		return err
	}
	if len(b) > maxRecordSize {
		return fmt.Errorf("bluez: the record has %d bytes: the maximum is %d", len(b), maxRecordSize)
	}
	for id, value := range record.All() {
		if err := checkURLs(value); err != nil {
			return fmt.Errorf("bluez: the attribute %v has %w", id, err)
		}
	}
	return nil
}

// checkURLs checks the URLs in an element. bluetoothd ignores that the XML form of
// other URLs is hexadecimal (sdp_xml_parse_url in src/sdp-xml.c).
func checkURLs(e sdp.DataElement) error {
	if url, ok := e.URL(); ok && !printable(url) {
		return fmt.Errorf("the URL %q: bluetoothd publishes only those of printable ASCII", url)
	}
	for _, inner := range e.Elements() {
		if err := checkURLs(inner); err != nil {
			return err
		}
	}
	return nil
}

// printable reports whether a text consists of printable ASCII.
func printable(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(b byte) bool { return b < ' ' || b > '~' })
}

// markedRecord returns a copy of a record whose first class is marker, and that
// is in the public browse root. Adapter1.UUIDs lists the first class of such
// records alone (adapter_service_insert, property_get_uuids in src/adapter.c).
func markedRecord(record *sdp.Record, marker sdp.UUID) *sdp.Record {
	record = record.Clone()
	for id, u := range map[sdp.AttributeID]sdp.UUID{
		sdp.AttributeServiceClassIDList: marker,
		sdp.AttributeBrowseGroupList:    sdp.PublicBrowseRoot,
	} {
		list, _ := record.Get(id)
		record.Set(id, sdp.Sequence(append([]sdp.DataElement{sdp.UUIDElement(u)}, list.Elements()...)...))
	}
	return record
}

// inBrowseRoot reports whether a record is in the public browse root.
func inBrowseRoot(record *sdp.Record) bool {
	groups, _ := record.Get(sdp.AttributeBrowseGroupList)
	return slices.ContainsFunc(groups.Elements(), func(e sdp.DataElement) bool {
		u, _ := e.UUID()
		return u == sdp.PublicBrowseRoot
	})
}

// randomUUID returns a UUID that no other program has (RFC 9562, section 5.4).
func randomUUID() (u sdp.UUID) {
	rand.Read(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}
