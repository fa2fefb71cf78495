package fakebus

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// baseUUID is the end of the UUIDs that are assigned numbers.
const baseUUID = "-0000-1000-8000-00805f9b34fb"

// uuidOfName returns the UUID that a name, a hexadecimal number or a UUID stands for,
// or "" (bt_name2string in src/uuid-helper.c, which knows more names, and the numbers
// of known services alone).
func uuidOfName(name string) string {
	names := map[string]string{"spp": "1101", "dun": "1103", "opp": "1105", "ftp": "1106", "hfp": "111e", "hsp": "1108"}
	if known, ok := names[strings.ToLower(name)]; ok {
		name = known
	}
	if len(name) == 36 && strings.Count(name, "-") == 4 {
		return name
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToLower(name), "0x"), 16, 16)
	if err != nil || n < 0x1000 {
		return ""
	}
	return fmt.Sprintf("%08x%s", n, baseUUID)
}

// element is an element of a record as XML (src/sdp-xml.c).
type element struct {
	XMLName  xml.Name
	ID       string    `xml:"id,attr"`
	Value    string    `xml:"value,attr"`
	Elements []element `xml:",any"`
}

// published returns the UUID that a record adds to Adapter1.UUIDs: the first in its
// list of classes, if the record is in the public browse group
// (adapter_service_insert in src/adapter.c). Without that group, or with invalid XML,
// it returns "".
func published(record string) string {
	var r element
	if err := xml.Unmarshal([]byte(record), &r); err != nil || r.XMLName.Local != "record" {
		return ""
	}
	var class string
	public := false
	for _, attribute := range r.Elements {
		id, _ := strconv.ParseUint(attribute.ID, 0, 16)
		uuids := uuidsIn(attribute)
		switch {
		case id == 1 && len(uuids) > 0:
			class = uuids[0]
		case id == 5:
			public = slices.Contains(uuids, "00001002"+baseUUID)
		}
	}
	if !public {
		return ""
	}
	return class
}

// uuidsIn returns the UUIDs in the sequence of an attribute.
func uuidsIn(attribute element) []string {
	var uuids []string
	for _, sequence := range attribute.Elements {
		for _, e := range sequence.Elements {
			value := strings.ToLower(e.Value)
			if e.XMLName.Local != "uuid" {
				continue
			}
			if n, err := strconv.ParseUint(strings.TrimPrefix(value, "0x"), 16, 32); err == nil && len(value) != 36 {
				value = fmt.Sprintf("%08x%s", n, baseUUID)
			}
			uuids = append(uuids, value)
		}
	}
	return uuids
}

// record returns the UUID of the record that a profile publishes on an adapter, or "".
// A listener whose channel is taken publishes none (ext_start_servers in
// src/profile.c).
func (p *Profile) record(a *Adapter) string {
	role, _ := p.Option("Role").(string)
	record, given := p.Option("ServiceRecord").(string)
	channel, _ := p.Option("Channel").(uint16)
	switch {
	case role == "client" && !given:
		return ""
	case channel != 0 && a.taken[channel]:
		return ""
	case given:
		return published(record)
	}
	return strings.ToLower(p.local())
}

// uuids returns the value of the property UUIDs: a set of those of bluetoothd's own
// records and those of profiles (property_get_uuids in src/adapter.c).
func (a *Adapter) uuids() []string {
	all := slices.Clone(a.base)
	for _, p := range a.z.profiles {
		if uuid := p.record(a); uuid != "" {
			all = append(all, uuid)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// recordsChanged announces the UUIDs of all adapters where they are others now.
func (z *BlueZ) recordsChanged() {
	for _, a := range z.adapters() {
		a.change(adapterInterface, map[string]any{"UUIDs": a.uuids()})
	}
}
