package bluez

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

func TestListenChecksOptions(t *testing.T) {
	l2cap := sdp.NewSerialPort("x", 1)
	l2cap.Set(sdp.AttributeProtocolDescriptorList, sdp.Sequence(sdp.Sequence(sdp.UUIDElement(sdp.ProtocolL2CAP))))
	for want, o := range map[string]ListenOptions{
		"no RFCOMM channel 31":            {Channel: 31},
		"no RFCOMM channel -1":            {Channel: -1},
		"neither a Service nor a Name":    {Record: thermometerRecord(), Name: "x"},
		"neither a Service nor":           {Record: thermometerRecord(), Service: sdp.SerialPort},
		"protocol list of the record has": {Record: l2cap},
		"security":                        {Security: 77},
	} {
		l, err := Listen(context.Background(), &o)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Listen(%+v) returns the error %v, want %q", o, err, want)
		}
	}
}

func TestListenOptionsRecord(t *testing.T) {
	own := sdp.UUID{1, 2, 3}
	twice := sdp.NewService(own, "twice", 3)
	list, _ := twice.Get(sdp.AttributeProtocolDescriptorList)
	twice.Set(sdp.AttributeProtocolDescriptorList, sdp.Alternative(list, list))
	for name, c := range map[string]struct {
		options ListenOptions
		class   sdp.UUID
	}{
		"":            {ListenOptions{}, sdp.SerialPort},
		"Meter":       {ListenOptions{Name: "Meter", Service: own}, own},
		"Thermometer": {ListenOptions{Record: thermometerRecord()}, sdp.SerialPort},
		"twice":       {ListenOptions{Record: twice}, own},
		"OBEX":        {ListenOptions{Record: sdp.NewObjectPush("OBEX", 9)}, sdp.ObjectPush},
	} {
		r, err := c.options.record(22)
		if err != nil {
			t.Fatal(err)
		}
		if channel, _ := r.Channel(); channel != 22 || r.Name() != name || r.Classes()[0] != c.class {
			t.Errorf("the record of %+v is\n%v", c.options, r)
		}
		if strings.Count(r.String(), "uint8 22") != strings.Count(r.String(), "(RFCOMM,") {
			t.Errorf("a protocol list has another channel:\n%v", r)
		}
	}
	if channel, _ := twice.Channel(); channel != 3 {
		t.Error("the caller's record has changed")
	}
}

// bluezChannels are the default channels of bluetoothd's profiles and of obexd
// (src/profile.c; obexd/plugins/pcsuite.c).
var bluezChannels = []int{1, 3, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 24}

func TestFreeChannels(t *testing.T) {
	all := slices.Sorted(slices.Values(slices.Concat(freeChannels, bluezChannels)))
	for channel := 1; channel <= maxChannel; channel++ {
		if channel > len(all) || all[channel-1] != channel {
			t.Fatalf("Listen tries %v, bluetoothd has %v: want each channel once", freeChannels, bluezChannels)
		}
	}
}

// A fakeChannel binds sockets to a channel.
type fakeChannel struct {
	taken map[rfcomm.BDAddr]bool
	bound []rfcomm.Addr
}

func (f *fakeChannel) bind(a rfcomm.Addr) (io.Closer, error) {
	if f.taken[a.Device] {
		return nil, syscall.EADDRINUSE
	}
	f.bound = append(f.bound, a)
	return closerFunc(func() { f.bound = slices.DeleteFunc(f.bound, func(b rfcomm.Addr) bool { return a == b }) }), nil
}

type closerFunc func()

func (f closerFunc) Close() error { f(); return nil }

func TestReservationIncludesAdapters(t *testing.T) {
	first, second, third := rfcomm.BDAddr{1}, rfcomm.BDAddr{2}, rfcomm.BDAddr{3}
	f := &fakeChannel{taken: map[rfcomm.BDAddr]bool{second: true}}
	r := newReservation(7, f.bind)
	if err := r.include([]rfcomm.BDAddr{first, {}}); err != nil {
		t.Fatal(err)
	}
	err := r.include([]rfcomm.BDAddr{first, second, third})
	var taken *takenError
	if !errors.As(err, &taken) || !errors.Is(err, syscall.EADDRINUSE) || !slices.Equal(taken.adapters, []rfcomm.BDAddr{second}) {
		t.Fatalf("include returns %v", err)
	}
	if want := "channel 7 of the adapter 02:00:00:00:00:00"; !strings.Contains(err.Error(), want) {
		t.Errorf("the error does not contain %q: %v", want, err)
	}
	delete(f.taken, second)
	if err := r.include([]rfcomm.BDAddr{second}); err != nil {
		t.Error(err)
	}
	if want := []rfcomm.Addr{{Device: first, Channel: 7}, {Device: third, Channel: 7}, {Device: second, Channel: 7}}; !slices.Equal(f.bound, want) {
		t.Errorf("the reservation has %v, want %v", f.bound, want)
	}
	r.release()
	if len(f.bound) > 0 || r.include([]rfcomm.BDAddr{first}) != nil || len(f.bound) > 0 {
		t.Errorf("release leaves %v", f.bound)
	}
}

func TestReservationFails(t *testing.T) {
	broken := errors.New("no sockets")
	r := newReservation(7, func(rfcomm.Addr) (io.Closer, error) { return nil, broken })
	if err := r.include([]rfcomm.BDAddr{{1}}); err != broken {
		t.Errorf("include returns %v", err)
	}
	r.release()
}
