package sdp

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// everyElement is a record with elements of each type and width.
func everyElement() *Record {
	r := new(Record)
	r.Set(0x0000, Uint32(0x10005))
	r.Set(0x0001, Sequence(UUIDElement(SerialPort), fixed(TypeUUID, SerialPort[:4]), UUIDElement(UUID{0x61, 15: 0xc6})))
	r.Set(0x0004, Alternative(Sequence(), Sequence(Bool(true), Bool(false), DataElement{})))
	r.Set(0x000a, URL("http://a/?b=1&c=<2>"))
	r.Set(0x0100, Text(`a & b < c > "d" 'e' \`))
	r.Set(0x0101, Text("Gerät\x00"))
	r.Set(0x0102, Text(""))
	r.Set(0x0200, Sequence(Uint8(10), Uint16(10), Uint32(10), Uint64(10), Uint128([16]byte{0x80, 15: 10})))
	r.Set(0x0201, Sequence(Int8(-10), Int16(-10), Int32(-10), Int64(-10), Int128([16]byte{0x80, 15: 10})))
	r.Set(0xfffd, Text("\x7f"))
	r.Set(0xfffe, URL("http://\xe4/"))
	r.Set(0xffff, DataElement{})
	return r
}

const everyElementXML = `<?xml version="1.0" encoding="UTF-8" ?>

<record>
	<attribute id="0x0000">
		<uint32 value="0x00010005" />
	</attribute>
	<attribute id="0x0001">
		<sequence>
			<uuid value="0x1101" />
			<uuid value="0x00001101" />
			<uuid value="61000000-0000-0000-0000-0000000000c6" />
		</sequence>
	</attribute>
	<attribute id="0x0004">
		<alternate>
			<sequence>
			</sequence>
			<sequence>
				<boolean value="true" />
				<boolean value="false" />
				<nil/>
			</sequence>
		</alternate>
	</attribute>
	<attribute id="0x000a">
		<url value="http://a/?b=1&amp;c=&lt;2&gt;" />
	</attribute>
	<attribute id="0x0100">
		<text value="a &amp; b &lt; c &gt; &quot;d&quot; 'e' \" />
	</attribute>
	<attribute id="0x0101">
		<text encoding="hex" value="476572c3a47400" />
	</attribute>
	<attribute id="0x0102">
		<text value="" />
	</attribute>
	<attribute id="0x0200">
		<sequence>
			<uint8 value="0x0a" />
			<uint16 value="0x000a" />
			<uint32 value="0x0000000a" />
			<uint64 value="0x000000000000000a" />
			<uint128 value="0a000000000000000000000000000080" />
		</sequence>
	</attribute>
	<attribute id="0x0201">
		<sequence>
			<int8 value="-10" />
			<int16 value="-10" />
			<int32 value="-10" />
			<int64 value="-10" />
			<int128 value="0a000000000000000000000000000080" />
		</sequence>
	</attribute>
	<attribute id="0xfffd">
		<text encoding="hex" value="7f" />
	</attribute>
	<attribute id="0xfffe">
		<url encoding="hex" value="687474703a2f2fe42f" />
	</attribute>
	<attribute id="0xffff">
		<nil/>
	</attribute>
</record>
`

// The form is that of convert_raw_data_to_xml in BlueZ's src/sdp-xml.c.
func TestRecordXML(t *testing.T) {
	if got := everyElement().XML(); got != everyElementXML {
		t.Errorf("got\n%s", got)
	}
	if r, err := ParseRecordXML(everyElementXML); err != nil || !r.Equal(everyElement()) {
		t.Errorf("ParseRecordXML returned\n%v%v", r, err)
	}
	const empty = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n\n<record>\n</record>\n"
	if got := new(Record).XML(); got != empty {
		t.Errorf("an empty record is\n%s", got)
	}
	if r, err := ParseRecordXML(empty); err != nil || !r.Equal(new(Record)) {
		t.Errorf("an empty record became\n%v%v", r, err)
	}
}

// parseAttributeXML parses the XML form of an attribute's value.
func parseAttributeXML(xml string) (DataElement, error) {
	r, err := ParseRecordXML(`<record><attribute id="0x0200">` + xml + `</attribute></record>`)
	if err != nil {
		return DataElement{}, err
	}
	e, _ := r.Get(0x0200)
	return e, nil
}

// BlueZ accepts more forms than it prints (sdp_xml_parse_datatype).
func TestParseRecordXMLForms(t *testing.T) {
	for xml, want := range map[string]DataElement{
		`<uint8 value="10"/>`:                                   Uint8(10),
		`<uint8 value="010"/>`:                                  Uint8(8),
		`<uint8 value="0X0A"/>`:                                 Uint8(10),
		`<uint16 value="0x5"/>`:                                 Uint16(5),
		`<uint64 value="18446744073709551615"/>`:                Uint64(1<<64 - 1),
		`<int8 value="-128"/>`:                                  Int8(-128),
		`<int8 value="-0x80"/>`:                                 Int8(-128),
		`<int16 value="+7"/>`:                                   Int16(7),
		`<uint128 value="0x8000000000000000000000000000000a"/>`: Uint128([16]byte{0x80, 15: 10}),
		`<uuid value="1101"/>`:                                  UUIDElement(SerialPort),
		`<uuid value="0x3"/>`:                                   UUIDElement(ProtocolRFCOMM),
		`<uuid value="0x0003"/>`:                                UUIDElement(ProtocolRFCOMM),
		`<uuid value="0x12345678"/>`:                            UUIDElement(UUID32(0x12345678)),
		`<uuid value="0x123456"/>`:                              UUIDElement(UUID32(0x123456)),
		`<uuid value="00001101-0000-1000-8000-00805F9B34FB"/>`:  fixed(TypeUUID, SerialPort[:]),
		`<text value="a" encoding="normal"/>`:                   Text("a"),
		`<text encoding='hex' value='4A4b'/>`:                   Text("JK"),
		`<text value="ä&#x20;&#32;&apos;" name="ignored"/>`:     Text("ä  '"),
		`<text value="a
b"/>`: Text("a\nb"),
		`<nil></nil>`:      {},
		`<nil value="x"/>`: {},
		`<sequence/>`:      Sequence(),
		`<!-- comment --><alternate></alternate>`: Alternative(),
	} {
		if got, err := parseAttributeXML(xml); err != nil || got != want {
			t.Errorf("%s is %v, %v, want %v", xml, got, err, want)
		}
	}
}

func TestParseRecordXMLAttributes(t *testing.T) {
	want := recordWith(0x0100, Text("a"))
	for _, xml := range []string{
		`<record><attribute id="0x0100"><text value="a"/></attribute></record>`,
		`<record><attribute id="256"><text value="a"/></attribute></record>`,
		`<record><attribute id="0x100"><text value="a"/></attribute><attribute id="0x100"><nil/></attribute></record>`,
		"\ufeff"[:0] + "\n<!DOCTYPE record>\n<record >\n\t<attribute name=\"x\" id=\"0x0100\">\n<text value=\"a\"></text>\n\n</attribute></record>\n<!-- end -->\n",
	} {
		if r, err := ParseRecordXML(xml); err != nil || !r.Equal(want) {
			t.Errorf("%s is\n%v%v", xml, r, err)
		}
	}
}

// sdptool omits the semicolons of entities, and does not escape URLs.
func TestParseRecordXMLOfSdptool(t *testing.T) {
	for xml, want := range map[string]DataElement{
		`<text value="a &amp b &lt c &gt d &quot e" />`:        Text(`a & b < c > d " e`),
		`<text value="&amp&amp&lt&lt;&ampamp;" />`:             Text(`&&<<&amp;`),
		`<text value="R&ampD" />`:                              Text(`R&D`),
		`<text value="R&amp;D&amp;lt;" />`:                     Text(`R&D&lt;`),
		`<url value="http://a/?b=1&c=2&&" />`:                  URL("http://a/?b=1&c=2&&"),
		`<url value="http://a/?b=1&#c" />`:                     URL("http://a/?b=1&#c"),
		`<int8 value="-5" />`:                                  Int8(-5),
		`<uint128 value="0a000000000000000000000000000000" />`: Uint128([16]byte{15: 10}),
	} {
		if got, err := parseAttributeXML(xml); err != nil || got != want {
			t.Errorf("%s is %v, %v, want %v", xml, got, err, want)
		}
	}
}

func TestParseRecordXMLRejectsValues(t *testing.T) {
	for xml, want := range map[string]string{
		`<uint8 value="256"/>`:                   `uint8 "256"`,
		`<uint8 value="-1"/>`:                    `uint8 "-1"`,
		`<uint8 value=""/>`:                      `uint8 ""`,
		`<uint8 value="1_0"/>`:                   `uint8 "1_0"`,
		`<uint8 value=" 1"/>`:                    `uint8 " 1"`,
		`<uint8 value="0xg"/>`:                   `uint8 "0xg"`,
		`<uint8/>`:                               `<uint8> has no value`,
		`<uint64 value="18446744073709551616"/>`: `uint64 "18446744073709551616"`,
		`<int8 value="128"/>`:                    `int8 "128"`,
		`<int128 value="1"/>`:                    `int128 "1"; want 32 hexadecimal digits`,
		`<uint128 value="0x0000000000000000000000000000000"/>`: `want 32 hexadecimal digits`,
		`<uint7 value="1"/>`:                                  `element "uint7"`,
		`<uint value="1"/>`:                                   `element "uint"`,
		`<float value="1"/>`:                                  `element "float"; want nil, boolean, uint8`,
		`<UINT8 value="1"/>`:                                  `element "UINT8"`,
		`<boolean value="1"/>`:                                `boolean "1"; want true or false`,
		`<uuid value="spp"/>`:                                 `UUID "spp"`,
		`<uuid value=""/>`:                                    `UUID ""`,
		`<uuid value="0x123456789"/>`:                         `UUID "0x123456789"`,
		`<uuid value="0x000001101"/>`:                         `UUID "0x000001101"`,
		`<uuid value="-1101"/>`:                               `UUID "-1101"`,
		`<uuid value="00001101-0000-1000-8000-00805F9B34F"/>`: `UUID "00001101-`,
		`<text encoding="hex" value="a"/>`:                    `text in hexadecimal`,
		`<text encoding="hex" value="xy"/>`:                   `text in hexadecimal`,
		`<text encoding="base64" value="a"/>`:                 `encoding "base64" of a text`,
		`<text/>`:                                             `<text> has no value`,
		`<text value="a"><nil/></text>`:                       `<nil> where an element has to end`,
		`<text value="a">b</text>`:                            `the text "b" is outside of the values`,
		`<nil/><nil/>`:                                        `<nil> where an element has to end`,
		``:                                                    `attribute ServiceX has no value`,
		`<sequence>`:                                          `element <sequence> closed by </attribute>`,
		`<sequence><uint8 value="&#27;[31m"/></sequence>`:     `U+001B`,
		`<uint8 value="` + strings.Repeat("1", 1000) + `"/>`:  `11…`,
	} {
		want = strings.ReplaceAll(want, "ServiceX", "0x0200")
		_, err := parseAttributeXML(xml)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), want) || len(err.Error()) > 400 {
			t.Errorf("%.100s: got %v, want %s", xml, err, want)
		}
	}
}

// The parser ends at the limit, before the end of the document.
func TestParseRecordXMLDepth(t *testing.T) {
	open := func(depth int) string { return `<record><attribute id="1">` + strings.Repeat("<sequence>", depth) }
	for depth, want := range map[int]error{MaxDepth - 1: ErrMalformed, MaxDepth: ErrTooDeep, 100_000: ErrTooDeep} {
		if _, err := ParseRecordXML(open(depth)); !errors.Is(err, want) {
			t.Errorf("%d levels: got %v, want %v", depth, err, want)
		}
	}
}

func TestParseRecordXMLRejectsDocuments(t *testing.T) {
	for xml, want := range map[string]string{
		``:                                   `line 1 of the XML: malformed data: end of the document; want <record>`,
		`hello`:                              `line 1 of the XML: malformed data: the text "hello" is outside of the values`,
		"\n\n<attribute/>":                   `line 3 of the XML: malformed data: <attribute>; want <record>`,
		`<record>`:                           `unexpected EOF`,
		`<record></recor>`:                   `closed by </recor>`,
		`<record></record><record></record>`: `<record> after the record`,
		`<record></record>x`:                 `the text "x" is outside`,
		`<record><nil/></record>`:            `<nil>; want <attribute>`,
		`<record><attribute><nil/></attribute></record>`:                     `attribute id ""; it should look like 0x0100`,
		`<record><attribute id="65536"><nil/></attribute></record>`:          `attribute id "65536"`,
		`<record><attribute id="name"><nil/></attribute></record>`:           `attribute id "name"`,
		"<record>\n<attribute id=\"1\">\n<x value=''/></attribute></record>": `line 3 of the XML: attribute ServiceClassIDList: malformed data: element "x"`,
		`<?xml version="1.0" encoding="ISO-8859-1"?><record></record>`:       `encoding "ISO-8859-1"`,
		"<record>\xff</record>": `invalid UTF-8`,
	} {
		_, err := ParseRecordXML(xml)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "sdp: ") {
			t.Errorf("%q: got %v, want %s", xml, err, want)
		}
	}
}

// sdptoolXML is what sdptool 5.66 prints for sdptoolBytes, with the faults that
// its XML has. bluetoothd 5.66 sent these bytes for a record that was registered
// with the result of Record.XML.
const sdptoolXML = `<?xml version="1.0" encoding="UTF-8" ?>

<record>
	<attribute id="0x0001">
		<sequence>
			<uuid value="61a3512c-09be-4ddc-a6a6-0b03667aafc6" />
		</sequence>
	</attribute>
	<attribute id="0x000a">
		<url value="http://x/?a=1&b=2" />
	</attribute>
	<attribute id="0x0100">
		<text value="plain &amp &lt&quotquoted&quot&gt 'x'" />
	</attribute>
	<attribute id="0x0101">
		<text encoding="hex" value="756d6cc3a47574201b5b33316d007a" />
	</attribute>
	<attribute id="0x0200">
		<sequence>
			<uint8 value="0xff" />
			<uint16 value="0xffff" />
			<uint32 value="0x80000000" />
			<uint64 value="0x8000000000000005" />
			<uint128 value="80000000000000000000000000000009" />
			<int8 value="-128" />
			<int16 value="-2" />
			<int32 value="-3" />
			<int64 value="-9223372036854775808" />
			<int128 value="ff000000000000000000000000000009" />
			<boolean value="true" />
			<boolean value="false" />
			<nil/>
			<uuid value="0x12345678" />
			<uuid value="61a3512c-09be-4ddc-a6a6-0b03667aafc6" />
			<sequence>
			</sequence>
			<text value="" />
		</sequence>
	</attribute>
	<attribute id="0x0201">
		<alternate>
			<sequence>
				<uint8 value="0x01" />
			</sequence>
			<sequence>
				<uint8 value="0x02" />
				<alternate>
					<uint8 value="0x03" />
				</alternate>
			</sequence>
		</alternate>
	</attribute>
</record>
`

const sdptoolBytes = "35d8" +
	"090001 3511 1c61a3512c09be4ddca6a60b03667aafc6" +
	"09000a 4511 687474703a2f2f782f3f613d3126623d32" +
	"090100 2516 706c61696e2026203c2271756f746564223e20277827" +
	"090101 250f 756d6cc3a47574201b5b33316d007a" +
	"090200 3567 08ff 09ffff 0a80000000 0b8000000000000005 0c09000000000000000000000000000080" +
	"       1080 11fffe 12fffffffd 138000000000000000 14090000000000000000000000000000ff" +
	"       2801 2800 00 1a12345678 1c61a3512c09be4ddca6a60b03667aafc6 3500 2500" +
	"090201 3d0c 3502 0801 3506 0802 3d02 0803"

func TestParseRecordXMLEqualsSdptool(t *testing.T) {
	fromAir, err := ParseRecord(unhex(t, sdptoolBytes))
	if err != nil {
		t.Fatal(err)
	}
	printed, err := ParseRecordXML(sdptoolXML)
	if err != nil {
		t.Fatal(err)
	}
	if !printed.Equal(fromAir) {
		t.Errorf("sdptool printed\n%v\nfor\n%v", printed, fromAir)
	}
	faults := strings.NewReplacer("&b", "&amp;b", "&amp ", "&amp; ", "&lt", "&lt;", "&quot", "&quot;", "&gt", "&gt;")
	if got, want := fromAir.XML(), faults.Replace(sdptoolXML); got != want {
		t.Errorf("XML returned\n%s\nwant\n%s", got, want)
	}
	if got := marshal(t, printed); !bytes.Equal(got, unhex(t, sdptoolBytes)) {
		t.Errorf("got the bytes %x", got)
	}
}
