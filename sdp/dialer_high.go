package sdp

import (
	"context"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/redial"
)

// A linkWatch makes a dial at SecurityHigh open the link itself: the kernel
// checks that level when RFCOMM opens a link, and package rfcomm refuses a link
// that was open before, unless its key shows the level. The watch lets a link
// end that the search has opened.
type linkWatch struct {
	links func(context.Context) (map[[6]byte]hci.Link, error) // nil if the level does not matter

	before map[[6]byte]hci.Link
}

const (
	// The kernel keeps an idle link for 2 s (HCI_DISCONN_TIMEOUT).
	linkEndsIn   = 5 * time.Second
	linkInterval = 50 * time.Millisecond
)

// watchLink looks the link to a device up before the search.
func (d *Dialer) watchLink(ctx context.Context, device rfcomm.BDAddr) *linkWatch {
	if d.RFCOMM.Security < rfcomm.SecurityHigh {
		return new(linkWatch)
	}
	w := &linkWatch{links: func(ctx context.Context) (map[[6]byte]hci.Link, error) {
		return btsocket.Await(ctx, func() (map[[6]byte]hci.Link, error) { return hci.LinksTo(device) })
	}}
	w.before, _ = w.links(ctx)
	return w
}

// prepare closes the channel of the search and waits for the end of the link,
// unless the level does not matter or the link was open before the search. If
// another program keeps the link open, or if ctx is done, prepare leaves it to
// the dial to find that out.
func (w *linkWatch) prepare(ctx context.Context, f *finder) {
	if w.links == nil {
		return
	}
	if _, existed := w.before[f.adapter]; existed {
		return
	}
	f.close()
	ctx, cancel := context.WithTimeout(ctx, linkEndsIn)
	defer cancel()
	for {
		links, err := w.links(ctx)
		if err != nil || !w.opened(links, f.adapter) {
			return
		}
		if !redial.Sleep(ctx, linkInterval) {
			return
		}
	}
}

// opened reports whether links has a link that the search has opened, from the
// given adapter or, if it is zero, from any: the device has refused the channel,
// and the kernel had picked the adapter.
func (w *linkWatch) opened(links map[[6]byte]hci.Link, adapter rfcomm.BDAddr) bool {
	for a := range links {
		if _, existed := w.before[a]; !existed && (adapter.IsZero() || a == adapter) {
			return true
		}
	}
	return false
}
