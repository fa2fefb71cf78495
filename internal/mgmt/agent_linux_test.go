package mgmt

import (
	"bytes"
	"strings"
	"testing"
)

// about returns the parameters with which the kernel's questions begin.
func about(device [6]byte) []byte { return append(kernelOrder(device), addressTypeBREDR) }

func TestSocketSetPINAnswersForIt(t *testing.T) {
	m, k := newTestSocket(t, map[int][6]byte{0: ours, 1: foreign})
	for _, pin := range []string{"", strings.Repeat("1", 17)} {
		if err := m.SetPIN(Adapter{Index: 0, Address: ours}, pin); err == nil {
			t.Errorf("PIN %q is no error", pin)
		}
	}
	if err := m.SetPIN(Adapter{Index: 0, Address: ours}, "1234"); err != nil {
		t.Fatal(err)
	}
	k.send(pinCodeNeeded, 1, append(about(ours), 0)...) // of a foreign adapter
	k.send(pinCodeNeeded, 0, append(about(foreign), 0)...)
	opcode, index, parameters := k.receive()
	want := append(append(about(foreign), 4), "1234\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	if opcode != pinCode || index != 0 || !bytes.Equal(parameters, want) {
		t.Errorf("command 0x%04x for hci%d, % x; want the PIN in % x", opcode, index, parameters, want)
	}
}

// For SecurityHigh the kernel asks for a PIN of 16 bytes.
func TestSocketDeclinesWithAShortPIN(t *testing.T) {
	for pin, want := range map[string]uint16{"1234": noPINCode, "0123456789012345": pinCode} {
		m, k := newTestSocket(t, map[int][6]byte{0: ours})
		if err := m.SetPIN(Adapter{Index: 0, Address: ours}, pin); err != nil {
			t.Fatal(err)
		}
		k.send(pinCodeNeeded, 0, append(about(foreign), 1)...)
		if opcode, index, parameters := k.receive(); opcode != want || index != 0 || !bytes.HasPrefix(parameters, about(foreign)) {
			t.Errorf("PIN %s: command 0x%04x for hci%d, % x; want 0x%04x", pin, opcode, index, parameters, want)
		}
	}
}

// The two events of a passkey entry arrive in any order.
func TestSocketEntersThePasskey(t *testing.T) {
	second := [6]byte{2, 0, 0, 0, 0, 2}
	passkey := []byte{0x40, 0xE2, 0x01, 0x00} // 123456
	for _, askedFirst := range []bool{false, true} {
		m, k := newTestSocket(t, map[int][6]byte{0: ours, 1: second})
		m.answerFor(Adapter{Index: 0, Address: ours})
		m.answerFor(Adapter{Index: 1, Address: second})
		shown := func() { k.send(passkeyShown, 0, append(append(about(second), passkey...), 0)...) }
		asked := func() { k.send(passkeyNeeded, 1, about(ours)...) }
		if askedFirst {
			asked()
			shown()
		} else {
			shown()
			asked()
		}
		opcode, index, parameters := k.receive()
		if want := append(about(ours), passkey...); opcode != userPasskey || index != 1 || !bytes.Equal(parameters, want) {
			t.Errorf("command 0x%04x for hci%d, % x; want the passkey in % x", opcode, index, parameters, want)
		}
	}
}
