package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// jsonFields are the fields of the objects that the listings print. Programs
// depend on them: fields may be added, but neither renamed nor removed, and their
// types do not change. Those with a question mark can be missing. They are
// documented in docs/rfcommctl.md.
var jsonFields = map[string]string{
	"adapters":                    "address string, inquiry_scan bool, name string, page_scan bool, problems list, up bool",
	"scan":                        "address string, class? number, kind? string, name? string, rssi? number",
	"services " + fileDevice:      "0x0001 object, 0x0004 object, 0x0005 object, 0x0006 object, 0x0009 object, 0x0100 object",
	"tty --list":                  "adapter? string, address string, bound bool, channel number, id number, name string, open bool, state string",
	"ls " + fileDevice:            "bytes? string, mode string, modified string, name string, path string, size? number, type string",
	"stat " + fileDevice + " . a": "mode string, modified string, name string, path string, size? number, type string",
}

func TestJSONFieldsAreStable(t *testing.T) {
	f := newFileFake(t)
	f.inRange = []inquiry.Device{{Addr: scannerAddr, RSSI: inquiry.RSSIUnknown}, {Addr: printerAddr, Name: "Printer", Class: 0x040680, RSSI: -60}}
	f.records = []*sdp.Record{sdp.NewSerialPort("GPS", 3), sdp.NewSerialPort("", 4)}
	f.nodes = nodes
	write(t, "content", f.files, "a")
	if err := os.Mkdir(filepath.Join(f.files, "directory"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeOdd(t, "", f.files, "b\xff")
	for line, want := range jsonFields {
		stdout, stderr := f.runs(t, 0, append(strings.Fields(line), "--json")...)
		if got := fieldsOf(t, stdout); got != want || stderr != "" {
			t.Errorf("%s --json has the fields\n%s, want\n%s\n%s", line, got, want, stderr)
		}
	}
}

// fieldsOf returns the fields of JSON objects, one object a line, and their types.
func fieldsOf(t *testing.T, text string) string {
	t.Helper()
	count, fields := make(map[string]int), make(map[string]string)
	for line := range strings.Lines(text) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for name, value := range object {
			fields[name] = jsonType(value)
			count[name]++
		}
	}
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		optional := ""
		if count[name] < strings.Count(text, "\n") {
			optional = "?"
		}
		texts = append(texts, name+optional+" "+fields[name])
	}
	return strings.Join(texts, ", ")
}

// jsonType returns a word for the type of a decoded JSON value.
func jsonType(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "bool"
	case []any:
		return "list"
	case map[string]any:
		return "object"
	}
	return fmt.Sprintf("%T", value)
}

// Every flag --json has an entry in jsonFields, except those of commands whose
// objects have tests of their own.
func TestJSONFieldsAreComplete(t *testing.T) {
	f := newFake(t)
	_, all := f.commands(t)
	for _, c := range all {
		if c.Flags().Lookup("json") == nil || slices.Contains([]string{"speed", "doctor"}, c.Name()) {
			continue
		}
		known := func(line string) bool { return strings.Fields(line)[0] == c.Name() }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(jsonFields)), known) {
			t.Errorf("%s --json has no entry in jsonFields", c.Name())
		}
	}
}
