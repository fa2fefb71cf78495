package hcipacket

import "encoding/binary"

// An Address is a BD_ADDR in the order of its text form, the most significant
// byte first.
type Address [6]byte

// Fields decodes the parameters of a command or event. Reading past the end
// yields zeros; Short then reports true.
type Fields struct {
	rest  []byte
	short bool
}

// FieldsOf returns Fields that decode parameters.
func FieldsOf(parameters []byte) *Fields { return &Fields{rest: parameters} }

// Bytes returns the next n bytes. The result refers to the parameters.
func (f *Fields) Bytes(n int) []byte {
	if len(f.rest) < n {
		f.rest, f.short = nil, true
		return make([]byte, n)
	}
	next := f.rest[:n:n]
	f.rest = f.rest[n:]
	return next
}

// Uint8 returns the next number, of one byte.
func (f *Fields) Uint8() uint8 { return f.Bytes(1)[0] }

// Uint16 returns the next number, of two bytes.
func (f *Fields) Uint16() uint16 { return binary.LittleEndian.Uint16(f.Bytes(2)) }

// Uint24 returns the next number, of three bytes.
func (f *Fields) Uint24() uint32 {
	b := f.Bytes(3)
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
}

// Uint32 returns the next number, of four bytes.
func (f *Fields) Uint32() uint32 { return binary.LittleEndian.Uint32(f.Bytes(4)) }

// Uint64 returns the next number, of eight bytes.
func (f *Fields) Uint64() uint64 { return binary.LittleEndian.Uint64(f.Bytes(8)) }

// Handle returns the next Connection_Handle.
func (f *Fields) Handle() Handle { return Handle(f.Uint16() & 0x0fff) }

// Address returns the next BD_ADDR.
func (f *Fields) Address() Address {
	var a Address
	for i, b := range f.Bytes(len(a)) {
		a[len(a)-1-i] = b
	}
	return a
}

// Key returns the next link key.
func (f *Fields) Key() [16]byte { return [16]byte(f.Bytes(16)) }

// Short reports whether a method has read past the end of the parameters.
func (f *Fields) Short() bool { return f.short }

// Parameters holds the encoded parameters of a command or event.
type Parameters []byte

// Uint8 appends numbers of one byte each.
func (p Parameters) Uint8(n ...uint8) Parameters { return append(p, n...) }

// Uint16 appends a number of two bytes.
func (p Parameters) Uint16(n uint16) Parameters { return binary.LittleEndian.AppendUint16(p, n) }

// Uint24 appends the lowest three bytes of a number.
func (p Parameters) Uint24(n uint32) Parameters {
	return append(p, byte(n), byte(n>>8), byte(n>>16))
}

// Uint32 appends a number of four bytes.
func (p Parameters) Uint32(n uint32) Parameters { return binary.LittleEndian.AppendUint32(p, n) }

// Status appends a Status.
func (p Parameters) Status(s Status) Parameters { return append(p, byte(s)) }

// Handle appends a Connection_Handle.
func (p Parameters) Handle(h Handle) Parameters { return p.Uint16(uint16(h)) }

// Address appends a BD_ADDR.
func (p Parameters) Address(a Address) Parameters {
	for i := range a {
		p = append(p, a[len(a)-1-i])
	}
	return p
}

// Text appends s as a field of n bytes, truncated or padded with zeros.
func (p Parameters) Text(s string, n int) Parameters {
	s = s[:min(len(s), n)]
	return append(append(p, s...), make([]byte, n-len(s))...)
}
