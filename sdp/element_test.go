package sdp

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// parseElement parses an encoded element without a rest.
func parseElement(t *testing.T, b []byte) DataElement {
	t.Helper()
	e, rest, err := ParseDataElement(b)
	if err != nil || len(rest) > 0 {
		t.Fatalf("ParseDataElement(%x) returned %v, %x, %v", b, e, rest, err)
	}
	return e
}

// encode returns the binary form of an element.
func encode(t testing.TB, e DataElement) []byte {
	t.Helper()
	b, err := e.AppendBinary(nil)
	if err != nil {
		t.Fatalf("%v: %v", e, err)
	}
	return b
}

// The bytes follow from the tables of the Core Specification, Vol 3, Part B, 3.2
// and 3.3.
func TestDataElementBytes(t *testing.T) {
	number := [16]byte{0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	long := strings.Repeat("long", 64) // 256 bytes
	longHex := strings.Repeat("6c6f6e67", 64)
	huge := strings.Repeat("huge", 1<<14) // 65,536 bytes
	hugeHex := strings.Repeat("68756765", 1<<14)
	for _, tt := range []struct {
		element DataElement
		hex     string
		text    string
	}{
		{DataElement{}, "00", "nil"},
		{Uint8(12), "08 0c", "uint8 12"},
		{Uint16(1234), "09 04d2", "uint16 0x04d2"},
		{Uint32(0xffff), "0a 0000ffff", "uint32 0x0000ffff"},
		{Uint64(0x123456789), "0b 0000000123456789", "uint64 0x0000000123456789"},
		{Uint128(number), "0c 800102030405060708090a0b0c0d0e0f", "uint128 0x800102030405060708090a0b0c0d0e0f"},
		{Int8(-12), "10 f4", "int8 -12"},
		{Int16(-1234), "11 fb2e", "int16 -1234"},
		{Int32(-0x123456), "12 ffedcbaa", "int32 -1193046"},
		{Int64(-0x123456789), "13 fffffffedcba9877", "int64 -4886718345"},
		{Int128(number), "14 800102030405060708090a0b0c0d0e0f", "int128 0x800102030405060708090a0b0c0d0e0f"},
		{UUIDElement(SerialPort), "19 1101", "Serial Port"},
		{UUIDElement(UUID32(0x12345678)), "1a 12345678", "12345678-0000-1000-8000-00805f9b34fb"},
		{UUIDElement(UUID(number)), "1c 800102030405060708090a0b0c0d0e0f", "80010203-0405-0607-0809-0a0b0c0d0e0f"},
		{Text(""), "25 00", `""`},
		{Text("hello"), "25 05 68656c6c6f", `"hello"`},
		{Text(long), "26 0100" + longHex, `"` + long + `"`},
		{Text(huge), "27 00010000" + hugeHex, `"` + huge + `"`},
		{Bool(false), "28 00", "false"},
		{Bool(true), "28 01", "true"},
		{Sequence(), "35 00", "()"},
		{Sequence(Bool(true), DataElement{}), "35 03 2801 00", "(true, nil)"},
		{Sequence(Text(long)), "36 0103 260100" + longHex, `("` + long + `")`},
		{Sequence(Text(huge)), "37 00010005 2700010000" + hugeHex, `("` + huge + `")`},
		{Alternative(), "3d 00", "{}"},
		{Alternative(Sequence(), Uint8(1)), "3d 04 3500 0801", "{(), uint8 1}"},
		{Alternative(Text(long)), "3e 0103 260100" + longHex, `{"` + long + `"}`},
		{Alternative(Text(huge)), "3f 00010005 2700010000" + hugeHex, `{"` + huge + `"}`},
		{URL("http://a/"), "45 09 687474703a2f2f612f", `url "http://a/"`},
		{URL(long), "46 0100" + longHex, `url "` + long + `"`},
		{URL(huge), "47 00010000" + hugeHex, `url "` + huge + `"`},
	} {
		want := unhex(t, tt.hex)
		if got := encode(t, tt.element); !bytes.Equal(got, want) {
			t.Errorf("%.50v has the bytes %.50x, want %.50x", tt.element, got, want)
		}
		if got := parseElement(t, want); got != tt.element || !got.Equal(tt.element) {
			t.Errorf("%.50x is %.50v, want %.50v", want, got, tt.element)
		}
		if got := tt.element.String(); got != tt.text {
			t.Errorf("%.50x has the text %.50s, want %.50s", want, got, tt.text)
		}
	}
}

func TestDataElementKeepsWidths(t *testing.T) {
	for _, tt := range []struct {
		hex   string
		equal DataElement
	}{
		{"36 0002 0801", Sequence(Uint8(1))},
		{"37 00000002 0801", Sequence(Uint8(1))},
		{"3e 0000", Alternative()},
		{"26 0001 61", Text("a")},
		{"27 00000001 61", Text("a")},
		{"47 00000001 61", URL("a")},
		{"1a 00001101", UUIDElement(SerialPort)},
		{"1c 00001101 0000 1000 8000 00805f9b34fb", UUIDElement(SerialPort)},
		{"28 05", Bool(true)},
		{"36 0006 1a00001101 00", Sequence(UUIDElement(SerialPort), DataElement{})},
	} {
		b := unhex(t, tt.hex)
		e := parseElement(t, b)
		if !e.Equal(tt.equal) || !tt.equal.Equal(e) {
			t.Errorf("%x is not equal to %v", b, tt.equal)
		}
		if got := encode(t, e); !bytes.Equal(got, b) {
			t.Errorf("%x became %x", b, got)
		}
	}
}

func TestDataElementEqual(t *testing.T) {
	different := []DataElement{
		{}, Uint8(1), Uint16(1), Uint32(1), Int8(1), Bool(true), Bool(false), Text("a"), Text("a\x00"), Text("b"), URL("a"),
		UUIDElement(UUID16(1)), UUIDElement(UUID32(0x10000)), UUIDElement(UUID{1}), Sequence(), Sequence(Uint8(1)),
		Sequence(Uint8(1), Uint8(1)), Alternative(), Alternative(Uint8(1)), Sequence(Sequence()), Sequence(DataElement{}),
	}
	for i, a := range different {
		for j, b := range different {
			if got := a.Equal(b); got != (i == j) {
				t.Errorf("%v.Equal(%v) returned %t", a, b, got)
			}
		}
	}
}

func TestDataElementIntegers(t *testing.T) {
	small := [16]byte{15: 7}
	negative := [16]byte{15: 0xf9}
	for i := range 15 {
		negative[i] = 0xff
	}
	for _, tt := range []struct {
		element DataElement
		uint    uint64
		isUint  bool
		int     int64
		isInt   bool
		width   int
	}{
		{Uint8(math.MaxUint8), math.MaxUint8, true, 0, false, 1},
		{Uint16(math.MaxUint16), math.MaxUint16, true, 0, false, 2},
		{Uint32(math.MaxUint32), math.MaxUint32, true, 0, false, 4},
		{Uint64(math.MaxUint64), math.MaxUint64, true, 0, false, 8},
		{Uint128(small), 7, true, 0, false, 16},
		{Uint128(negative), 0, false, 0, false, 16},
		{Uint128([16]byte{7: 1}), 0, false, 0, false, 16},
		{Int8(math.MinInt8), 0, false, math.MinInt8, true, 1},
		{Int16(math.MinInt16), 0, false, math.MinInt16, true, 2},
		{Int32(math.MinInt32), 0, false, math.MinInt32, true, 4},
		{Int64(math.MinInt64), 0, false, math.MinInt64, true, 8},
		{Int64(math.MaxInt64), 0, false, math.MaxInt64, true, 8},
		{Int128(small), 0, false, 7, true, 16},
		{Int128(negative), 0, false, -7, true, 16},
		{Int128([16]byte{8: 0x80}), 0, false, 0, false, 16}, // 1 << 63
		{Int128([16]byte{0: 0x80}), 0, false, 0, false, 16},
		{Int128([16]byte{7: 1}), 0, false, 0, false, 16},
		{Bool(true), 0, false, 0, false, 1},
		{UUIDElement(SerialPort), 0, false, 0, false, 2},
		{Text("1"), 0, false, 0, false, 0},
		{DataElement{}, 0, false, 0, false, 0},
	} {
		v, isUint := tt.element.Uint()
		i, isInt := tt.element.Int()
		width := tt.element.Width()
		if v != tt.uint || isUint != tt.isUint || i != tt.int || isInt != tt.isInt || width != tt.width {
			t.Errorf("%v is %d, %t and %d, %t with width %d", tt.element, v, isUint, i, isInt, width)
		}
	}
}

// Each accessor reports false for the elements of all other types.
func TestDataElementOtherType(t *testing.T) {
	elements := map[Type]DataElement{
		TypeNil: {}, TypeUint: Uint8(1), TypeInt: Int8(1), TypeUUID: UUIDElement(SerialPort), TypeText: Text("a"), TypeBool: Bool(true),
		TypeSequence: Sequence(Uint8(1)), TypeAlternative: Alternative(Uint8(1)), TypeURL: URL("a"),
	}
	accessors := map[Type]func(DataElement) bool{
		TypeUint: func(e DataElement) bool { _, ok := e.Uint(); return ok },
		TypeInt:  func(e DataElement) bool { _, ok := e.Int(); return ok },
		TypeUUID: func(e DataElement) bool { _, ok := e.UUID(); return ok },
		TypeText: func(e DataElement) bool { _, ok := e.Text(); return ok },
		TypeBool: func(e DataElement) bool { _, ok := e.Bool(); return ok },
		TypeURL:  func(e DataElement) bool { _, ok := e.URL(); return ok },
	}
	for elementType, e := range elements {
		if e.Type() != elementType {
			t.Errorf("%v has type %v", e, e.Type())
		}
		for accessor, has := range accessors {
			if got := has(e); got != (accessor == elementType) {
				t.Errorf("%v as %v: %t", e, accessor, got)
			}
		}
		isList := elementType == TypeSequence || elementType == TypeAlternative
		if got := len(e.Elements()) == 1; got != isList {
			t.Errorf("%v has the elements %v", e, e.Elements())
		}
	}
}

func TestParseDataElementMalformed(t *testing.T) {
	for _, s := range []string{
		"", "01", "02", "05", // nil has the index 0 alone
		"0d 01 00", "0e", "0f", "15", // integers have an index below 5
		"18", "1b 0000000000000000", "1d 0000", // UUIDs have 16, 32 or 128 bits
		"20", "21 0000", "24", "38 00", "40", "44", // these types need a length
		"29 0000", "2d 01 00", // a boolean has one byte
		"48", "50 00", "f8", "ff", // reserved types
		"08", "09 00", "0a 000000", "0b", "0c 00", "19 11", "1a 0000", "1c 00", "28",
		"25", "25 01", "26", "26 00", "26 0001", "27 000000", "27 00000001", "27 ffffffff 00", "27 80000000", "47 ffffffff",
		"35", "35 01", "36 0001", "37 00000001 0f", "35 02 09 11", "35 02 25 01", "35 03 0801 08", "3d 01 35", "35 04 35 03 0801",
		"35 02 09 11 22", "35 06 35 02 09 11 08 01", "35 06 35 02 25 02 08 01", // longer than their lists
	} {
		b := unhex(t, s)
		e, rest, err := ParseDataElement(b)
		if !errors.Is(err, ErrMalformed) || e != (DataElement{}) || !bytes.Equal(rest, b) {
			t.Errorf("ParseDataElement(%s) returned %v, %x, %v", s, e, rest, err)
		}
	}
}

// The width of a length changes after 255 and 65,535 bytes.
func TestDataElementLengths(t *testing.T) {
	for size, header := range map[int]string{
		0: "25 00", 255: "25 ff", 256: "26 0100", 65535: "26 ffff", 65536: "27 00010000",
	} {
		b := encode(t, Text(strings.Repeat("x", size)))
		if want := unhex(t, header); !bytes.HasPrefix(b, want) || len(b) != len(want)+size {
			t.Errorf("a text of %d bytes begins with %.5x, want %x", size, b, want)
		}
	}
}

func TestParseDataElementReturnsRest(t *testing.T) {
	b := unhex(t, "35 02 0801 0802")
	e, rest, err := ParseDataElement(b)
	if err != nil || !e.Equal(Sequence(Uint8(1))) || !bytes.Equal(rest, unhex(t, "0802")) {
		t.Errorf("ParseDataElement returned %v, %x, %v", e, rest, err)
	}
	b[3] = 0xff
	if !e.Equal(Sequence(Uint8(1))) {
		t.Errorf("the element changed with the buffer: %v", e)
	}
}

// nested returns an element with the given number of sequences.
func nested(depth int) DataElement {
	e := Uint8(1)
	for range depth {
		e = Sequence(e)
	}
	return e
}

func TestDataElementDepth(t *testing.T) {
	deepest := nested(MaxDepth)
	if e := parseElement(t, encode(t, deepest)); !e.Equal(deepest) {
		t.Errorf("got %v", e)
	}
	for _, depth := range []int{MaxDepth + 1, 1000} {
		tooDeep := nested(depth)
		if b, err := tooDeep.AppendBinary(nil); !errors.Is(err, ErrTooDeep) || len(b) > 0 {
			t.Errorf("AppendBinary returned %x, %v", b, err)
		}
		if e, _, err := ParseDataElement([]byte(tooDeep.encoded)); !errors.Is(err, ErrTooDeep) {
			t.Errorf("ParseDataElement returned %v, %v", e, err)
		}
	}
}

func TestDataElementSize(t *testing.T) {
	largest := Text(strings.Repeat("x", MaxSize-5))
	if b := encode(t, largest); len(b) != MaxSize {
		t.Errorf("got %d bytes", len(b))
	} else if e := parseElement(t, b); e != largest {
		t.Error("the element changed")
	}
	tooLarge := Text(strings.Repeat("x", MaxSize-4))
	if b, err := tooLarge.AppendBinary(nil); !errors.Is(err, ErrTooLarge) || len(b) > 0 {
		t.Errorf("AppendBinary returned %d bytes, %v", len(b), err)
	}
	if _, _, err := ParseDataElement([]byte(tooLarge.encoded)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("ParseDataElement returned %v", err)
	}
}

func TestDataElementAppendsToBuffer(t *testing.T) {
	if b, err := Uint8(1).AppendBinary([]byte("x")); err != nil || string(b) != "x\x08\x01" {
		t.Errorf("AppendBinary returned %q, %v", b, err)
	}
	if b, err := nested(MaxDepth + 1).AppendBinary([]byte("x")); err == nil || string(b) != "x" {
		t.Errorf("AppendBinary returned %q, %v", b, err)
	}
}

// A text from the air cannot control a terminal.
func TestDataElementStringEscapes(t *testing.T) {
	hostile := "\x1b]0;title\x07\u202egpj.exe\u200b\u2066\x9b31m\r\n\x00\xff"
	for _, e := range []DataElement{Text(hostile), URL(hostile), Sequence(Text(hostile)), Alternative(URL(hostile))} {
		text := e.String()
		if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
			t.Errorf("%s has %q", text, text[i:])
		}
	}
}

func TestTypeString(t *testing.T) {
	if s := TypeAlternative.String() + TypeNil.String() + Type(9).String(); s != "alternativenilType(9)" {
		t.Errorf("got %s", s)
	}
}

// randomElement returns an element of any type, with the depth at most.
func randomElement(r *rand.Rand, depth int) DataElement {
	switch kinds := 16; r.IntN(kinds) {
	case 0:
		return DataElement{}
	case 1:
		return Uint8(uint8(r.Uint64()))
	case 2:
		return Uint16(uint16(r.Uint64()))
	case 3:
		return Uint32(r.Uint32())
	case 4:
		return Uint64(r.Uint64())
	case 5:
		return Uint128(randomNumber(r))
	case 6:
		return Int8(int8(r.Uint64()))
	case 7:
		return Int16(int16(r.Uint64()))
	case 8:
		return Int32(int32(r.Uint32()))
	case 9:
		return Int64(int64(r.Uint64()))
	case 10:
		return Int128(randomNumber(r))
	case 11:
		return randomUUID(r)
	case 12:
		return Bool(r.IntN(2) == 0)
	case 13:
		return Text(randomText(r))
	case 14:
		return URL(randomText(r))
	default:
		return randomList(r, depth)
	}
}

func randomNumber(r *rand.Rand) (v [16]byte) {
	for i := range v {
		v[i] = byte(r.Uint64())
	}
	return v
}

// randomUUID returns a UUID of any width, also one that is not the shortest.
func randomUUID(r *rand.Rand) DataElement {
	u := UUID16(uint16(r.Uint64()))
	switch r.IntN(4) {
	case 0:
		u = UUID(randomNumber(r))
	case 1:
		return fixed(TypeUUID, u[:])
	case 2:
		return fixed(TypeUUID, u[:4])
	}
	return UUIDElement(u)
}

// randomText returns a text whose length takes one byte or, rarely, two. It can
// be plain, UTF-8 or neither.
func randomText(r *rand.Rand) string {
	length := r.IntN(20)
	if r.IntN(20) == 0 {
		length = 250 + r.IntN(20)
	}
	alphabet := [][]rune{[]rune(`ab& <">;'amp`), []rune("aä€😀\u202e\x1b\x00&"), nil}[r.IntN(3)]
	var b []byte
	for range length {
		if alphabet == nil {
			b = append(b, byte(r.Uint64()))
		} else {
			b = append(b, string(alphabet[r.IntN(len(alphabet))])...)
		}
	}
	return string(b)
}

func randomList(r *rand.Rand, depth int) DataElement {
	var elements []DataElement
	for n := r.IntN(5); depth > 1 && n > 0; n-- {
		elements = append(elements, randomElement(r, depth-1))
	}
	if r.IntN(3) == 0 {
		return Alternative(elements...)
	}
	return Sequence(elements...)
}

func TestDataElementRandomRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	for range 20_000 {
		e := randomElement(r, 6)
		b := encode(t, e)
		got, rest, err := ParseDataElement(append(b, 0x08))
		if err != nil || got != e || !got.Equal(e) || string(rest) != "\x08" {
			t.Fatalf("%v became %v, %x, %v", e, got, rest, err)
		}
		if rebuilt := rebuild(e); rebuilt != e {
			t.Fatalf("%v was rebuilt as %v", e, rebuilt)
		}
	}
}

// rebuild builds an element from the values that the accessors return.
func rebuild(e DataElement) DataElement {
	switch e.Type() {
	case TypeText:
		s, _ := e.Text()
		return Text(s)
	case TypeURL:
		s, _ := e.URL()
		return URL(s)
	case TypeSequence, TypeAlternative:
		var elements []DataElement
		for _, child := range e.Elements() {
			elements = append(elements, rebuild(child))
		}
		if e.Type() == TypeSequence {
			return Sequence(elements...)
		}
		return Alternative(elements...)
	}
	return e
}
