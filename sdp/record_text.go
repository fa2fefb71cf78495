package sdp

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Name returns the name of the service in the primary language of the record,
// or "" if the record has none. It is UTF-8 without trailing NULs, but can
// contain control characters; escape it before printing it.
//
// The language base list (0x0006) has the attribute and the encoding of the
// name; the encodings are UTF-8, UTF-16, ISO 8859-1 and windows-1252. A name in
// another encoding, or one that is invalid in its encoding, has U+FFFD in place
// of the bytes that are not UTF-8. Without a list, the name is attribute 0x0100
// in UTF-8 or, if it is not valid UTF-8, in ISO 8859-1.
func (r *Record) Name() string { return r.text(0) }

// Description returns the description of the service. See [Record.Name].
func (r *Record) Description() string { return r.text(1) }

// Provider returns the name of the provider of the service. See [Record.Name].
func (r *Record) Provider() string { return r.text(2) }

// A language is an entry of the language base list: the encoding of its texts,
// and the attribute that the offsets of its texts are added to.
type language struct {
	charset charset
	base    AttributeID
}

// languages returns the language base list, which consists of triples of
// uint16: language, encoding, base (Core Specification, Vol 3, Part B, 5.1.8).
func (r *Record) languages() []language {
	list, _ := r.Get(AttributeLanguageBaseAttributeIDList)
	var languages []language
	elements := list.Elements()
	for ; len(elements) >= 3; elements = elements[3:] {
		e, isUint := elements[1].Uint()
		base, ok := elements[2].Uint()
		if isUint && ok && e <= 0xffff && base <= 0xffff {
			languages = append(languages, language{charset(e), AttributeID(base)})
		}
	}
	return languages
}

// text returns the text at an offset to the base of the first language that has
// it.
func (r *Record) text(offset AttributeID) string {
	conventional := language{charsetUnknown, AttributeServiceName}
	for _, l := range append(r.languages(), conventional) {
		e, _ := r.Get(l.base + offset)
		if s, ok := e.Text(); ok {
			return l.charset.decode(s)
		}
	}
	return ""
}

// A charset is the number of a character set in IANA's registry (MIBenum).
type charset uint16

const (
	charsetUnknown     charset = 0
	charsetLatin1      charset = 4
	charsetUTF8        charset = 106
	charsetUCS2        charset = 1000
	charsetUTF16BE     charset = 1013
	charsetUTF16LE     charset = 1014
	charsetUTF16       charset = 1015
	charsetWindows1252 charset = 2252
)

// decode returns a text as UTF-8, without trailing NULs.
func (c charset) decode(s string) string {
	switch c {
	case charsetUTF16, charsetUTF16BE, charsetUTF16LE, charsetUCS2:
		s = c.decodeUTF16(s)
	case charsetLatin1, charsetWindows1252:
		s = c.decodeBytes(s)
	case charsetUnknown:
		if !utf8.ValidString(s) {
			s = charsetLatin1.decodeBytes(s)
		}
	}
	return strings.ToValidUTF8(strings.TrimRight(s, "\x00"), "\ufffd")
}

// decodeUTF16 decodes UTF-16. The default byte order is big-endian; c or a byte
// order mark can specify the other.
func (c charset) decodeUTF16(s string) string {
	var order binary.ByteOrder = binary.BigEndian
	if c == charsetUTF16LE || c == charsetUTF16 && strings.HasPrefix(s, "\xff\xfe") {
		order = binary.LittleEndian
	}
	units := make([]uint16, 0, len(s)/2)
	for b := []byte(s); len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return strings.TrimPrefix(string(utf16.Decode(units)), "\ufeff")
}

// decodeBytes decodes ISO 8859-1 or windows-1252.
func (c charset) decodeBytes(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
		if c == charsetWindows1252 && s[i] >= 0x80 && s[i] <= 0x9f {
			runes[i] = windows1252[s[i]-0x80]
		}
	}
	return string(runes)
}

// windows1252 holds the characters 0x80 to 0x9f, in which windows-1252 differs
// from ISO 8859-1.
var windows1252 = []rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ")
