package radio_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

func (d *device) wantDisconnected(t *testing.T, want ...string) {
	t.Helper()
	if fmt.Sprint(d.disconnected) != fmt.Sprint(want) {
		t.Errorf("disconnected %v, want %v", d.disconnected, want)
	}
}

func TestConditionsApplyToLaterConnections(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		locked(r, func() {
			conditions := r.Conditions(addressOf(1), addressOf(0))
			if use := conditions.Airtime(); use.Slots != 0 || use.Bytes != 0 {
				t.Errorf("before the first connection: %+v", use)
			}
			conditions.SetSupervisionTimeout(2 * time.Second)
			conditions.SetPacketTypes(air.EDR3)
		})
		conditions := connect(t, r, d[0], d[1])
		for range 2 { // also the second connection
			locked(r, func() { conditions.Disconnect(hcipacket.RemotePowerOff) })
			locked(r, func() { conditions.SetDelay(500 * time.Millisecond) })
			connect(t, r, d[0], d[1])
			time.Sleep(500 * time.Millisecond) // the page is delayed too
			sent, arrived := time.Duration(0), time.Duration(0)
			var began time.Time
			locked(r, func() {
				began = time.Now()
				d[0].end.Send(1021, func() { sent = time.Since(began) }, func() { arrived = time.Since(began) })
			})
			time.Sleep(2 * time.Second)
			locked(r, func() {
				if sent != 6*radio.SlotTime || arrived != sent+500*time.Millisecond {
					t.Errorf("sent after %v, arrived after %v; want 6 slots, and 0.5 s more", sent, arrived)
				}
				if got := d[1].end.SupervisionTimeout(); got != 2*time.Second {
					t.Errorf("supervision timeout %v", got)
				}
			})
		}
	})
}

// A stall can begin while the other host decides on a page. The connection then
// is stalled from its beginning.
func TestStallAppliesToNewConnection(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		var page *radio.Page
		d[1].hold = func(p *radio.Page) { page = p }
		conditions := connect(t, r, d[0], d[1])
		arrived := false
		locked(r, func() {
			conditions.Stall()
			page.Accept(d[1].enter)
			d[1].end.Send(9, ignore, func() { arrived = true })
		})
		time.Sleep(time.Hour)
		locked(r, func() {
			if arrived {
				t.Error("data arrived during the stall")
			}
			conditions.Resume()
		})
		locked(r, func() {
			if !arrived {
				t.Error("no data after the stall")
			}
		})
	})
}

func TestDisconnectFreesTheAir(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		locked(r, func() {
			conditions.SetPacketTypes(air.EDR3)
			for range 10 {
				d[0].end.Send(1021, ignore, ignore)
			}
			conditions.Disconnect(hcipacket.RemotePowerOff)
		})
		time.Sleep(time.Second)
		locked(r, func() {
			if got := d[0].station.Airtime().Slots; got != 6 {
				t.Errorf("%d slots; want 6, of the packet that was on the air", got)
			}
		})
	})
}

// An end that has ended a connection receives nothing about it any more, while
// its last data still arrives at the other end.
func TestDetachEndsCallbacks(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		var got []string
		note := func(s string) func() { return func() { got = append(got, s) } }
		locked(r, func() {
			conditions.SetDelay(time.Second)
			d[1].end.Send(9, note("sent by 1"), note("arrived at 0"))
			d[1].end.SendLMP(func(*radio.End) { got = append(got, "message at 0") })
		})
		time.Sleep(500 * time.Millisecond)
		locked(r, func() {
			conditions.SetPacketTypes(air.EDR3)
			d[0].end.Send(1021, note("sent by 0"), note("arrived at 1"))
			d[0].end.Detach(hcipacket.RemoteUserTerminated)
		})
		time.Sleep(time.Minute)
		locked(r, func() {
			if fmt.Sprint(got) != "[sent by 1 arrived at 1]" {
				t.Errorf("called: %v", got)
			}
			d[0].wantDisconnected(t)
			d[1].wantDisconnected(t, "1.50375s 0x13 (remote user terminated the connection)")
		})
	})
}

func TestDetachInStallIsLostBySupervision(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		locked(r, func() {
			conditions.Stall()
			d[0].end.Detach(hcipacket.RemoteUserTerminated)
		})
		time.Sleep(time.Minute)
		locked(r, func() { d[1].wantDisconnected(t, "20s 0x08 (connection timeout)") })
	})
}

// A page that overtakes LMP_detach of the last connection delivers its reason
// first.
func TestDetachPrecedesNextPage(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		locked(r, func() {
			conditions.SetDelay(time.Second)
			d[0].end.Detach(hcipacket.RemoteLowResources)
			conditions.SetDelay(0)
		})
		connect(t, r, d[0], d[1])
		locked(r, func() {
			d[1].wantDisconnected(t, "0s 0x14 (remote device is low on resources)")
			if !d[0].end.Alive() || !d[1].end.Alive() {
				t.Error("no new connection")
			}
		})
	})
}

func TestDisconnectAtBothEnds(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		locked(r, func() { conditions.Disconnect(hcipacket.RemotePowerOff, addressOf(0), addressOf(1)) })
		locked(r, func() {
			for _, end := range d[:2] {
				end.wantDisconnected(t, "0s 0x15 (remote device powers off)")
			}
		})
	})
}

// An ended stall delivers LMP_detach only if it began in the stall.
func TestResumeWithoutStallDeliversNothing(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		locked(r, func() {
			conditions.SetDelay(time.Second)
			d[0].end.Detach(hcipacket.RemoteUserTerminated)
			conditions.Disconnect(hcipacket.ConnectionTimeout) // before LMP_detach arrives
			conditions.Resume()
		})
		time.Sleep(time.Minute)
		locked(r, func() { d[1].wantDisconnected(t, "20s 0x08 (connection timeout)") })
	})
}

func TestSilenceCountsFromItsBeginning(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		locked(r, func() {
			conditions.SetSupervisionTimeout(2 * time.Second)
			conditions.Disconnect(hcipacket.ConnectionTimeout)
		})
		time.Sleep(time.Second)
		locked(r, func() { conditions.Disconnect(hcipacket.ConnectionTimeout) })
		time.Sleep(time.Minute)
		locked(r, func() {
			for _, end := range d[:2] {
				end.wantDisconnected(t, "2s 0x08 (connection timeout)")
			}
		})
	})
}

func TestSetSupervisionTimeoutByHostInSilence(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		locked(r, func() { conditions.Disconnect(hcipacket.ConnectionTimeout) })
		time.Sleep(time.Second)
		locked(r, func() { d[0].end.SetSupervisionTimeout(0) }) // never
		time.Sleep(time.Minute)
		locked(r, func() {
			for _, end := range d[:2] {
				end.wantDisconnected(t)
			}
			d[1].end.SetSupervisionTimeout(2 * time.Minute)
		})
		time.Sleep(time.Hour)
		locked(r, func() {
			for _, end := range d[:2] {
				end.wantDisconnected(t, "2m0s 0x08 (connection timeout)")
			}
		})
	})
}

// DM1 is always allowed (Volume 4, Part E, section 7.1.14).
func TestRestrictKeepsDM1(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		conditions := connect(t, r, d[0], d[1])
		locked(r, func() {
			conditions.SetPacketTypes(air.EDR3)
			d[0].end.Restrict(air.BasicRate)
			d[1].end.Restrict(0)
			d[0].end.Send(34, ignore, ignore)
		})
		time.Sleep(time.Second)
		locked(r, func() {
			if got := conditions.Airtime().Packets; len(got) != 1 || got[air.DM1] != 2 {
				t.Errorf("packets %v, want 2 of DM1", got)
			}
		})
	})
}
