package sdp

import (
	"errors"
	"fmt"
)

// Reasons why an element cannot be parsed or encoded. Errors of this package
// wrap them.
var (
	// ErrMalformed means that the bytes are not a data element or a record.
	ErrMalformed = errors.New("malformed data")
	// ErrTooDeep means that sequences are nested deeper than [MaxDepth].
	ErrTooDeep = errors.New("data nested too deep")
	// ErrTooLarge means that an element has more than [MaxSize] bytes.
	ErrTooLarge = errors.New("data too large")
)

// malformed returns an error that matches [ErrMalformed].
func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, a...))
}

func errTooDeep() error { return fmt.Errorf("%w: more than %d levels", ErrTooDeep, MaxDepth) }

// AppendBinary appends the encoded element to b. It fails if the element
// exceeds [MaxDepth] or [MaxSize]; the error matches [ErrTooDeep] or
// [ErrTooLarge].
func (e DataElement) AppendBinary(b []byte) ([]byte, error) {
	if err := e.check(); err != nil {
		return b, fmt.Errorf("sdp: %w", err)
	}
	return append(b, e.bytes()...), nil
}

// check returns an error if the element exceeds the limits.
func (e DataElement) check() error {
	if err := checkSize(len(e.encoded)); err != nil {
		return err
	}
	_, err := checkElement(e.bytes(), 0)
	return err
}

// ParseDataElement parses the element at the beginning of b. It returns the
// bytes that follow the element. The error matches [ErrMalformed], [ErrTooDeep]
// or [ErrTooLarge]. The element does not alias b.
func ParseDataElement(b []byte) (e DataElement, rest []byte, err error) {
	size, err := checkElement(b, 0)
	if err == nil {
		err = checkSize(size)
	}
	if err != nil {
		return DataElement{}, b, fmt.Errorf("sdp: %w", err)
	}
	return newElement(string(b[:size])), b[size:], nil
}

func checkSize(size int) error {
	if size > MaxSize {
		return fmt.Errorf("%w: %d bytes; the most is %d", ErrTooLarge, size, MaxSize)
	}
	return nil
}

// newElement returns the element with an encoding that was checked.
func newElement(encoded string) DataElement {
	if encoded == "\x00" {
		return DataElement{}
	}
	return DataElement{encoded}
}

// parseHeader returns the sizes of the header and the value of the element at
// the beginning of b, which can be longer than b.
func parseHeader[Bytes string | []byte](b Bytes) (header int, value uint64, ok bool) {
	if len(b) == 0 {
		return 0, 0, false
	}
	t, index := Type(b[0]>>3), int(b[0]&7)
	if index < 5 {
		return 1, fixedSize(t, index), validIndex(t, index)
	}
	header = 1 + 1<<(index-5)
	if len(b) < header {
		return 0, 0, false
	}
	for i := 1; i < header; i++ {
		value = value<<8 | uint64(b[i])
	}
	return header, value, validIndex(t, index)
}

// fixedSize returns the size that an index below 5 stands for.
func fixedSize(t Type, index int) uint64 {
	if t == TypeNil {
		return 0
	}
	return 1 << index
}

// validIndex reports whether an element of type t can have the size index (Core
// Specification, Vol 3, Part B, 3.2).
func validIndex(t Type, index int) bool {
	switch t {
	case TypeNil, TypeBool:
		return index == 0
	case TypeUint, TypeInt:
		return index <= 4
	case TypeUUID:
		return index == 1 || index == 2 || index == 4
	}
	return t.hasLength() && index >= 5
}

// elementSize returns the size of the element at the beginning of b, which was
// checked.
func elementSize[Bytes string | []byte](b Bytes) int {
	header, value, _ := parseHeader(b)
	return header + int(value)
}

// checkElement returns the size of the element at the beginning of b. It checks
// the elements in it, which are depth levels deep.
func checkElement[Bytes string | []byte](b Bytes, depth int) (size int, err error) {
	header, length, ok := parseHeader(b)
	switch {
	case len(b) == 0:
		return 0, malformed("no bytes")
	case !ok && header == 0:
		return 0, malformed("cut in the length")
	case !ok:
		return 0, malformed("no element begins with the byte 0x%02x", b[0])
	case length > uint64(len(b)-header):
		return 0, malformed("%d bytes announced, %d present", length, len(b)-header)
	}
	size = header + int(length)
	if t := Type(b[0] >> 3); t != TypeSequence && t != TypeAlternative {
		return size, nil
	}
	if depth == MaxDepth {
		return 0, errTooDeep()
	}
	for position := header; position < size; {
		n, err := checkElement(b[position:size], depth+1)
		if err != nil {
			return 0, err
		}
		position += n
	}
	return size, nil
}
