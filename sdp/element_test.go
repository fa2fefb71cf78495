package sdp

import (
	"encoding/hex"
	"testing"
)

func TestRecordSerialPortBytes(t *testing.T) {
	b, err := NewSerialPort("x", 3).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(hex.EncodeToString(b))
	r, err := ParseRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := r.Channel(); c != 3 || !ok {
		t.Errorf("Channel returned %d, %t", c, ok)
	}
	if !r.Contains(SerialPort) || r.Name() != "x" {
		t.Error(r)
	}
}
