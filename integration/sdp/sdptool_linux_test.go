package sdp_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// sdptool runs BlueZ's sdptool at an adapter, and returns its output.
func sdptool(t *testing.T, at *rfcommtest.Controller, arguments ...string) string {
	t.Helper()
	program := labtest.Program(t, "sdptool", "bluez")
	var stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), program, append([]string{"-i", at.Name()}, arguments...)...)
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("sdptool %q: %v\n%s%s", arguments, err, output, &stderr)
	}
	return string(output)
}

// sdptoolBrowse returns the XML texts of the records that "sdptool browse" finds
// at a device: those in the public browse group. Between the records, sdptool
// prints errors of its search for further groups, because it takes attribute
// 0x0200 of any record for the identifier of a group. sdptool omits the semicolon
// of entities; sdptoolBrowse adds it.
func sdptoolBrowse(t *testing.T, at *rfcommtest.Controller, device rfcomm.BDAddr) (records []string) {
	t.Helper()
	output := sdptool(t, at, "browse", "--xml", device.String())
	for part := range strings.SplitSeq(output, "<record>") {
		if body, _, found := strings.Cut(part, "</record>"); found {
			records = append(records, "<record>"+entity.ReplaceAllString(body, "$0;")+"</record>")
		}
	}
	return records
}

// entity matches the entities that sdptool prints.
var entity = regexp.MustCompile("&(lt|gt|amp|quot)")

// sdptoolAdd adds a record of each kind to an adapter, until bluetoothd ends.
// bluetoothd needs its option --compat.
func sdptoolAdd(t *testing.T, at *rfcommtest.Controller, kinds ...string) {
	t.Helper()
	for _, kind := range kinds {
		sdptool(t, at, "add", kind)
	}
}

// attributesOf returns the attributes of a record in XML by their identifiers.
// The text of each is that of its elements, one a line, without the spaces that
// have no meaning.
func attributesOf(record string) (map[sdp.AttributeID]string, error) {
	attributes := make(map[sdp.AttributeID]string)
	var id uint64
	var value string
	for decoder := xml.NewDecoder(strings.NewReader(record)); ; {
		token, err := decoder.Token()
		if err == io.EOF {
			return attributes, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w in %s", err, record)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "attribute" {
				value = ""
				if id, err = strconv.ParseUint(token.Attr[0].Value, 0, 16); err != nil {
					return nil, err
				}
				continue
			}
			value += "<" + token.Name.Local
			for _, a := range token.Attr {
				value += fmt.Sprintf(" %s=%q", a.Name.Local, a.Value)
			}
			value += ">\n"
		case xml.EndElement:
			if token.Name.Local == "attribute" {
				attributes[sdp.AttributeID(id)] = value
				continue
			}
			value += "</" + token.Name.Local + ">\n"
		}
	}
}

// compareXML checks that two records have the same attributes in XML, except for
// withNUL.
func compareXML(t *testing.T, got, want string) {
	t.Helper()
	gotAttributes, gotErr := attributesOf(got)
	wantAttributes, wantErr := attributesOf(want)
	if gotErr != nil || wantErr != nil {
		t.Error(gotErr, wantErr)
		return
	}
	ids := maps.Clone(wantAttributes)
	maps.Copy(ids, gotAttributes)
	for id := range ids {
		if got, want := gotAttributes[id], wantAttributes[id]; got != want && id != withNUL {
			t.Errorf("attribute %v: got\n%swant\n%sof the record %s", id, got, want, wantAttributes[sdp.AttributeServiceRecordHandle])
		}
	}
}
