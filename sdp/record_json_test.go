package sdp

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const everyElementJSON = `{"0x0000":{"uint32":65541},` +
	`"0x0001":{"sequence":[{"uuid":"0x1101"},{"uuid":"0x00001101"},{"uuid":"61000000-0000-0000-0000-0000000000c6"}]},` +
	`"0x0004":{"alternate":[{"sequence":[]},{"sequence":[{"boolean":true},{"boolean":false},{"nil":null}]}]},` +
	`"0x000a":{"url":"http://a/?b=1\u0026c=\u003c2\u003e"},` +
	`"0x0100":{"text":"a \u0026 b \u003c c \u003e \"d\" 'e' \\"},` +
	`"0x0101":{"text":"Gerät\u0000"},` +
	`"0x0102":{"text":""},` +
	`"0x0200":{"sequence":[{"uint8":10},{"uint16":10},{"uint32":10},{"uint64":"0x000000000000000a"},{"uint128":"0x8000000000000000000000000000000a"}]},` +
	`"0x0201":{"sequence":[{"int8":-10},{"int16":-10},{"int32":-10},{"int64":"-10"},{"int128":"0x8000000000000000000000000000000a"}]},` +
	"\"0xfffd\":{\"text\":\"\x7f\"}," +
	`"0xfffe":{"url":"687474703a2f2fe42f","encoding":"hex"},` +
	`"0xffff":{"nil":null}}`

func TestRecordJSON(t *testing.T) {
	b, err := json.Marshal(everyElement())
	if err != nil || string(b) != everyElementJSON {
		t.Errorf("got\n%s\n%v", b, err)
	}
	var r *Record
	if err := json.Unmarshal([]byte(everyElementJSON), &r); err != nil || !r.Equal(everyElement()) {
		t.Errorf("Unmarshal returned\n%v%v", r, err)
	}
	if b, err := json.Marshal([]*Record{{}}); err != nil || string(b) != "[{}]" {
		t.Errorf("an empty record is %s, %v", b, err)
	}
}

func TestDataElementUnmarshalJSON(t *testing.T) {
	for s, want := range map[string]DataElement{
		`{"uint8":"0x0a"}`:                              Uint8(10),
		`{"uint64":10}`:                                 Uint64(10),
		`{"uint64":18446744073709551615}`:               Uint64(1<<64 - 1),
		`{"int64":-9223372036854775808}`:                Int64(-1 << 63),
		`{"int8" : -1}`:                                 Int8(-1),
		`{"int128":"0a000000000000000000000000000080"}`: Int128([16]byte{0x80, 15: 10}),
		`{"boolean":"true"}`:                            Bool(true),
		`{"nil":0}`:                                     {},
		`{"text":"\u00e4\ud83d\ude00"}`:                 Text("ä😀"),
		`{"text":"4a","encoding":"hex"}`:                Text("J"),
		`{"encoding":"normal","text":"4a"}`:             Text("4a"),
		`{"uuid":"1101"}`:                               UUIDElement(SerialPort),
		`{"sequence":[{"alternate":[]}]}`:               Sequence(Alternative()),
		" {\n\"sequence\" : [ {\"nil\":null} ]}":        Sequence(DataElement{}),
	} {
		var e DataElement
		if err := json.Unmarshal([]byte(s), &e); err != nil || e != want {
			t.Errorf("%s is %v, %v, want %v", s, e, err, want)
		}
	}
}

func TestDataElementRejectsJSON(t *testing.T) {
	for s, want := range map[string]string{
		`null`:                          `an element in JSON begins with {; this is null`,
		`1`:                             `this is 1`,
		`[]`:                            `this is [`,
		`"\u001b"`:                      `this is "\x1b"`,
		`{}`:                            `an object with one key, its type; this has 0`,
		`{"encoding":"hex"}`:            `this has 0`,
		`{"uint8":1,"uint16":2}`:        `this has 2`,
		`{"uint8":1,"uint8":1}`:         `this has 2`,
		`{"uint8":1,"sequence":[]}`:     `this has 2`,
		`{"uint8":256}`:                 `uint8 "256"`,
		`{"uint8":1e1}`:                 `uint8 "1e1"`,
		`{"uint8":1.0}`:                 `uint8 "1.0"`,
		`{"uint8":true}`:                `uint8 "true"`,
		`{"uint8":[1]}`:                 `uint8 in JSON is not a list or an object; this is [`,
		`{"text":"g","encoding":"hex"}`: `text in hexadecimal`,
		`{"text":"g","encoding":1}`:     `encoding in JSON is a string; this is 1`,
		`{"text":1}`:                    `text in JSON is a string; this is 1`,
		`{"url":{"uint8":1}}`:           `url in JSON is a string; this is {`,
		`{"uuid":4353}`:                 `uuid in JSON is a string; this is 4353`,
		`{"sequence":{}}`:               `a list in JSON begins with [; this is {`,
		`{"sequence":[1]}`:              `an element in JSON begins with {; this is 1`,
		`{"Uint8":1}`:                   `element "Uint8"`,
	} {
		e := Uint8(1)
		err := json.Unmarshal([]byte(s), &e)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), want) || e != Uint8(1) {
			t.Errorf("%s is %v, %v, want %s", s, e, err, want)
		}
	}
	deep := strings.Repeat(`{"sequence":[`, MaxDepth+1) + strings.Repeat("]}", MaxDepth+1)
	if err := new(DataElement).UnmarshalJSON([]byte(deep)); !errors.Is(err, ErrTooDeep) {
		t.Errorf("got %v", err)
	}
}

func TestRecordRejectsJSON(t *testing.T) {
	for s, want := range map[string]string{
		`[]`:                              `a record in JSON begins with {; this is [`,
		`null`:                            `a record in JSON begins with {; this is null`,
		`{"name":{"nil":null}}`:           `attribute id "name"; it should look like 0x0100`,
		`{"0x10000":{"nil":null}}`:        `attribute id "0x10000"`,
		`{"0x0100":{"uint8":-1}}`:         `attribute ServiceName: malformed data: uint8 "-1"`,
		`{"0x0100":"COM3"}`:               `attribute ServiceName: malformed data: an element in JSON begins with {; this is "COM3"`,
		`{"1":{"nil":0},"0x1":{"nil":0}}`: `1 attributes occur twice`,
		``:                                `JSON: EOF`,
		`{`:                               `JSON: `,
		`{"1":{"nil":0}`:                  `JSON: `,
		`{"1":{"sequence":[`:              `JSON: `,
		`{} {}`:                           `{ after the JSON`,
		`{}]`:                             `after the JSON`,
		"{\"\x1b\x80":                     `JSON: `,
	} {
		r := NewSerialPort("a", 1)
		err := r.UnmarshalJSON([]byte(s))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), want) || !r.Equal(NewSerialPort("a", 1)) {
			t.Errorf("%s is %v, want %s", s, err, want)
		}
	}
}
