package bluez

import (
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// maxTextSize is the maximum size of a text or a URL for bluetoothd (sdp_data_t
// in lib/sdp.h has 16 bits for its length).
const maxTextSize = 1<<16 - 1

// checkRecord checks that bluetoothd can publish a record as it is. It crashes
// bluetoothd 5.66 to publish some invalid records, such as one whose class list
// has an element that it cannot parse.
func checkRecord(record *sdp.Record) error {
	if _, err := new(sdp.Server).Add(record); err != nil {
		return err
	}
	for id, value := range record.All() {
		if err := checkElement(value); err != nil {
			return fmt.Errorf("bluez: the attribute %v has %w", id, err)
		}
	}
	return nil
}

// checkElement checks the texts and URLs in an element.
func checkElement(e sdp.DataElement) error {
	text, isText := e.Text()
	url, isURL := e.URL()
	switch {
	case isText && len(text) > maxTextSize:
		return fmt.Errorf("a text of %d bytes; bluetoothd publishes at most %d", len(text), maxTextSize)
	case isURL && len(url) > maxTextSize:
		return fmt.Errorf("a URL of %d bytes; bluetoothd publishes at most %d", len(url), maxTextSize)
	case isURL && !printable(url):
		return fmt.Errorf("the URL %q; bluetoothd publishes only those of printable ASCII", url)
	}
	for _, inner := range e.Elements() {
		if err := checkElement(inner); err != nil {
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
