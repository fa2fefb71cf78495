package radio

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// A receiver accepts every page.
type receiver struct{}

func (receiver) Paged(p *Page) { p.Accept(func(*End) {}) }

// A radio forgets pages and connections that have ended, and the addresses of
// absent devices. Otherwise a long test would need more and more memory.
func TestRadioForgetsWhatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New()
		r.Lock()
		a := r.NewStation(hcipacket.Address{0xa}, receiver{})
		b := r.NewStation(hcipacket.Address{0xb}, receiver{})
		a.SetPageScan(true)
		b.SetPageScan(true)
		for range 3 {
			a.Page(hcipacket.Address{0xc}, 0, time.Second, func(*End, hcipacket.Status) {})
			b.Page(a.address, 0, time.Second, func(e *End, _ hcipacket.Status) { e.Detach(hcipacket.RemoteUserTerminated) })
			a.Page(b.address, 0, time.Second, func(*End, hcipacket.Status) {})
			r.Conditions(a.address, b.address).Disconnect(hcipacket.RemotePowerOff)
		}
		r.Unlock()
		time.Sleep(time.Minute)
		r.Lock()
		defer r.Unlock()
		if len(r.pages) != 0 || len(a.ends) != 0 || len(b.ends) != 0 || len(r.conditions) != 1 {
			t.Errorf("left: %d pages, %d and %d ends of connections, conditions of %d pairs; want those of 1 pair",
				len(r.pages), len(a.ends), len(b.ends), len(r.conditions))
		}
		r.Close()
	})
}
