package integration

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/inquiry"
)

// find inquires from the near adapter until the loop has received the device
// once, and returns it.
func (l *lab) find(t testing.TB, o inquiry.Options, device rfcomm.BDAddr) inquiry.Device {
	t.Helper()
	o.Adapter = l.near
	for d, err := range inquiry.Devices(t.Context(), &o) {
		if err != nil {
			t.Fatal(err)
		}
		t.Log(d)
		if d.Addr == device {
			return d
		}
	}
	t.Fatalf("the inquiry did not find %s", device)
	panic("unreachable")
}

func TestInquiryFindsDevice(t *testing.T) {
	l := inLab(t)
	for i := range rounds(20, 5) {
		began := time.Now()
		d := l.find(t, inquiry.Options{}, l.far)
		t.Logf("%d: after %v: %v", i, time.Since(began), d)
	}
}
