package radio_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// A device is a controller that accepts every page, unless hold is set.
type device struct {
	station      *radio.Station
	end          *radio.End
	hold         func(p *radio.Page)
	disconnected []string // when and why
	began        time.Time
}

func (d *device) Paged(p *radio.Page) {
	if d.hold != nil {
		d.hold(p)
		return
	}
	p.Accept(d.enter)
}

func (d *device) enter(e *radio.End) {
	d.end = e
	e.OnDisconnect = func(reason hcipacket.Status) {
		d.disconnected = append(d.disconnected, fmt.Sprint(time.Since(d.began), " ", reason))
	}
}

func addressOf(n byte) hcipacket.Address { return hcipacket.Address{2, 0, 0, 0, 0, n} }

// withDevices runs a test with three devices, on a fake clock.
func withDevices(t *testing.T, test func(r *radio.Radio, devices []*device)) {
	synctest.Test(t, func(t *testing.T) {
		r := radio.New()
		r.Lock()
		devices := make([]*device, 3)
		for i := range devices {
			devices[i] = &device{began: time.Now()}
			devices[i].station = r.NewStation(addressOf(byte(i)), devices[i])
			devices[i].station.SetPageScan(true)
		}
		r.Unlock()
		test(r, devices)
		r.Lock()
		defer r.Unlock()
		r.Close()
	})
}

// connect makes a connection between two devices.
func connect(t *testing.T, r *radio.Radio, a, b *device) *radio.Conditions {
	t.Helper()
	r.Lock()
	defer r.Unlock()
	a.station.Page(b.station.Address(), 0, time.Second, func(e *radio.End, status hcipacket.Status) {
		if e == nil {
			t.Errorf("the page ended with %v", status)
			return
		}
		a.enter(e)
	})
	return r.Conditions(a.station.Address(), b.station.Address())
}

// locked calls f with the radio's lock held, after everything that is due has
// happened.
func locked(r *radio.Radio, f func()) {
	synctest.Wait()
	r.Lock()
	f()
	r.Unlock()
	synctest.Wait()
}

func TestConnectionKeepsOrder(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		got := ""
		locked(r, func() {
			conditions.SetPacketTypes(air.EDR3)
			for i := range 3 {
				d[0].end.Send(1021, func() {}, func() { got += fmt.Sprint("a", i) })
			}
			d[0].end.SendLMP(func(peer *radio.End) {
				if peer != d[1].end {
					t.Error("LMP message at another end")
				}
				got += "lmp"
			})
		})
		time.Sleep(18*radio.SlotTime - 1)
		locked(r, func() {
			if got != "a0a1" {
				t.Errorf("just before 18 slots got %q", got)
			}
		})
		time.Sleep(time.Nanosecond)
		locked(r, func() {
			if got != "a0a1a2lmp" || conditions.Airtime().Slots != 18 || d[1].station.Airtime().Slots != 18 {
				t.Errorf("got %q, %+v", got, conditions.Airtime())
			}
		})
	})
}

func TestAirtimeOutlivesConnections(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		for range 2 {
			conditions := connect(t, r, d[0], d[1])
			locked(r, func() {
				conditions.SetPacketTypes(air.BasicRate)
				d[0].end.Send(339, ignore, ignore)
			})
			time.Sleep(6 * radio.SlotTime)
			locked(r, func() { d[0].end.Detach(hcipacket.RemoteUserTerminated) })
		}
		locked(r, func() {
			use := r.Conditions(addressOf(1), addressOf(0)).Airtime()
			if use.Slots != 12 || use.Bytes != 678 || use.Packets[air.DH5] != 2 {
				t.Errorf("got %+v", use)
			}
		})
	})
}

func TestAirtimeCountsPacketAtDisconnect(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		for range 2 {
			conditions := connect(t, r, d[0], d[1])
			locked(r, func() {
				conditions.SetPacketTypes(air.EDR3)
				d[0].end.Send(1021, ignore, ignore)
			})
			time.Sleep(radio.SlotTime)
			locked(r, func() { conditions.Disconnect(hcipacket.RemotePowerOff) })
			time.Sleep(6 * radio.SlotTime)
			locked(r, func() {
				if between, station := conditions.Airtime().Slots, d[0].station.Airtime().Slots; between != station {
					t.Errorf("%d slots of the conditions, %d of the station", between, station)
				}
			})
		}
	})
}

func TestAirtimeCountsPacketAtNextConnection(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		for range 3 {
			conditions := connect(t, r, d[0], d[1])
			locked(r, func() {
				conditions.SetPacketTypes(air.EDR3)
				d[0].end.Send(1021, ignore, ignore)
			})
			time.Sleep(radio.SlotTime)
			locked(r, func() { conditions.Disconnect(hcipacket.RemotePowerOff) })
		}
		time.Sleep(20 * radio.SlotTime)
		locked(r, func() {
			between, station := r.Conditions(addressOf(0), addressOf(1)).Airtime(), d[0].station.Airtime()
			if between.Slots != station.Slots || between.Bytes != station.Bytes || between.Slots == 0 {
				t.Errorf("%+v of the conditions, %+v of the station", between, station)
			}
		})
	})
}

func ignore() {}

func TestDisconnectNotifiesEachEndOnce(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		locked(r, func() {
			conditions.SetSupervisionTimeout(2 * time.Second)
			conditions.Disconnect(hcipacket.RemoteLowResources, addressOf(0))
		})
		time.Sleep(time.Second)
		locked(r, func() { conditions.Disconnect(hcipacket.RemotePowerOff) })
		time.Sleep(time.Minute)
		locked(r, func() {
			if fmt.Sprint(d[0].disconnected) != "[0s 0x14 (remote device is low on resources)]" || fmt.Sprint(d[1].disconnected) != "[1s 0x15 (remote device powers off)]" {
				t.Errorf("disconnected %v and %v", d[0].disconnected, d[1].disconnected)
			}
		})
	})
}

func TestDisconnectDropsSentData(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		fail := func() { t.Error("called after Disconnect") }
		locked(r, func() {
			conditions.Stall()
			d[0].end.Send(1, fail, fail)
			conditions.Disconnect(hcipacket.RemoteUserTerminated)
			conditions.Resume()
		})
		time.Sleep(time.Minute)
	})
}

func TestStallKeepsConnectionAndSupervision(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		locked(r, conditions.Stall)
		time.Sleep(time.Hour)
		locked(r, conditions.Resume)
		locked(r, func() {
			if len(d[0].disconnected)+len(d[1].disconnected) != 0 {
				t.Errorf("disconnected %v and %v", d[0].disconnected, d[1].disconnected)
			}
		})
		// The end of a stall does not restore a connection that is being lost.
		locked(r, func() {
			conditions.SetSupervisionTimeout(time.Second)
			conditions.Disconnect(hcipacket.ConnectionTimeout)
			conditions.Stall()
			conditions.Resume()
			d[0].end.Send(1, ignore, func() { t.Error("arrived") })
		})
		time.Sleep(time.Second)
		locked(r, func() {
			for _, end := range d[:2] {
				if fmt.Sprint(end.disconnected) != "[1h0m1s 0x08 (connection timeout)]" {
					t.Errorf("disconnected %v", end.disconnected)
				}
			}
		})
	})
}

func TestSetSupervisionTimeoutInSilence(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		locked(r, func() {
			d[0].end.SetSupervisionTimeout(0)
			conditions.Disconnect(hcipacket.ConnectionTimeout)
		})
		for _, at := range []struct {
			after time.Duration
			set   func()
		}{
			{time.Hour, func() { d[0].end.SetSupervisionTimeout(2 * time.Hour) }},
			{30 * time.Minute, func() { conditions.SetSupervisionTimeout(3 * time.Hour) }},
			{time.Hour, func() { conditions.SetSupervisionTimeout(time.Second) }}, // has already expired
		} {
			time.Sleep(at.after)
			locked(r, func() {
				if len(d[0].disconnected)+len(d[1].disconnected) != 0 {
					t.Errorf("disconnected %v and %v too early", d[0].disconnected, d[1].disconnected)
				}
				at.set()
			})
		}
		locked(r, func() {
			for _, end := range d[:2] {
				if fmt.Sprint(end.disconnected) != "[2h30m0s 0x08 (connection timeout)]" {
					t.Errorf("disconnected %v", end.disconnected)
				}
			}
		})
	})
}

func TestSetSupervisionTimeoutZeroIsForever(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		connect(t, r, d[0], d[1])
		locked(r, func() {
			d[0].end.SetSupervisionTimeout(0)
			d[1].station.Reset()
		})
		time.Sleep(time.Hour)
		locked(r, func() {
			if len(d[0].disconnected) != 0 || !d[0].end.Alive() || d[1].end.Alive() {
				t.Errorf("disconnected %v", d[0].disconnected)
			}
		})
	})
}
