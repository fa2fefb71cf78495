package inquiry

import "bytes"

// Types of data in an extended inquiry response (Assigned Numbers, section
// 2.3).
const (
	shortenedName = 0x08
	completeName  = 0x09
)

// nameIn returns the name in an extended inquiry response, or "" if it has
// none. shortened reports whether it is only the beginning of the name.
//
// The response is a sequence of structures, each with a length, a type and
// data. A length of zero ends the sequence (Volume 3, Part C, section 8). A
// structure that is longer than the response ends it as well.
func nameIn(eir []byte) (name string, shortened bool) {
	for len(eir) > 0 && eir[0] > 0 && int(eir[0]) < len(eir) {
		one := eir[1:][:eir[0]]
		eir = eir[1+len(one):]
		switch one[0] {
		case completeName:
			return textIn(one[1:]), false
		case shortenedName:
			if text := textIn(one[1:]); text != "" {
				name, shortened = text, true
			}
		}
	}
	return name, shortened
}

// textIn returns the text before the first zero byte.
func textIn(p []byte) string {
	text, _, _ := bytes.Cut(p, []byte{0})
	return string(text)
}
