package l2cap

import (
	"context"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// A link is an ACL link to another device.
type link struct {
	host     *Host
	peer     hcipacket.Address
	handle   hcipacket.Handle
	queue    [][]byte // ACL packets that await a buffer of the controller
	buffers  int      // buffers of the controller with packets of this link
	incoming assembler
	channels map[uint16]*Conn // by the identifier of this end
	lastID   byte             // of the signalling commands of this end
	security security
	err      error // why the link has ended, or nil
}

// A page is an attempt to make a link.
type page struct {
	peer      hcipacket.Address
	waiting   int  // calls of connect
	cancelled bool // no call waits for it; a later one starts another attempt
	ended     bool
	err       error // why the attempt failed, or nil
}

func (p *page) end(err error) { p.ended, p.err = true, err }

// connect returns the link to a device, which it makes if there is none.
func (h *Host) connect(ctx context.Context, peer hcipacket.Address) (*link, error) {
	for {
		if l := h.links[peer]; l != nil {
			return l, nil
		}
		if err := h.usable(); err != nil {
			return nil, err
		}
		p := h.page(peer)
		p.waiting++
		err := h.waitContext(ctx, func() bool { return p.ended || h.links[peer] != nil })
		p.waiting--
		if err == nil {
			err = p.err
		}
		if h.links[peer] == nil && err != nil {
			h.cancel(p)
			return nil, err
		}
	}
}

// page returns the attempt to make a link to a device. It starts one if there
// is none.
func (h *Host) page(peer hcipacket.Address) *page {
	if p := h.pages[peer]; p != nil {
		return p
	}
	p := &page{peer: peer}
	h.pages[peer] = p
	const allPacketTypes, repetitionR2, reserved, noClockOffset, noRoleSwitch = 0xcc18, 2, 0, 0, 0
	h.start(controller.CreateConnection, hcipacket.Parameters{}.Address(peer).Uint16(allPacketTypes).
		Uint8(repetitionR2, reserved).Uint16(noClockOffset).Uint8(noRoleSwitch),
		func(status hcipacket.Status) { h.pageEnded(peer, status) })
	return p
}

// cancel stops a page that no call waits for.
func (h *Host) cancel(p *page) {
	if p.waiting == 0 && !p.ended && h.powered {
		p.cancelled = true
		h.command(controller.CreateConnectionCancel, hcipacket.Parameters{}.Address(p.peer))
	}
}

// pageEnded ends the attempt to make a link to a device, if there is one. If
// the other device has made the link meanwhile, connect finds it or starts
// again.
func (h *Host) pageEnded(peer hcipacket.Address, status hcipacket.Status) {
	p := h.pages[peer]
	if p == nil {
		return
	}
	delete(h.pages, peer)
	if p.cancelled || status == hcipacket.Success || status == hcipacket.ConnectionExists {
		p.end(nil)
		return
	}
	p.end(pageError(status))
}

// connected adds a link.
func (h *Host) connected(handle hcipacket.Handle, peer hcipacket.Address) {
	if old := h.links[peer]; old != nil {
		h.disconnected(old, hcipacket.ConnectionTimeout)
	}
	h.links[peer] = &link{host: h, peer: peer, handle: handle, channels: make(map[uint16]*Conn)}
	h.pageEnded(peer, hcipacket.Success)
}

// disconnected removes a link.
func (h *Host) disconnected(l *link, reason hcipacket.Status) {
	delete(h.links, l.peer)
	h.free += l.buffers
	l.end(linkError(reason))
	h.pump()
}

// end ends all channels of a link that no longer exists.
func (l *link) end(err error) {
	l.err, l.queue = err, nil
	for _, c := range l.channels {
		c.end(err)
	}
	clear(l.channels)
}

// byHandle returns the link with a handle, or nil.
func (h *Host) byHandle(handle hcipacket.Handle) *link {
	for _, l := range h.links {
		if l.handle == handle {
			return l
		}
	}
	return nil
}

// send queues a frame.
func (l *link) send(cid uint16, payload []byte) {
	rest, boundary := frame(cid, payload), hcipacket.FirstNonFlushable
	for len(rest) > 0 {
		n := min(len(rest), l.host.config.ACLLength)
		l.queue = append(l.queue, hcipacket.ACL{Handle: l.handle, Boundary: boundary, Data: rest[:n]}.Append(nil))
		rest, boundary = rest[n:], hcipacket.Continuing
	}
	l.host.pump()
}

// pump passes queued packets to the controller while it has free buffers.
func (h *Host) pump() {
	for _, l := range h.links {
		for len(l.queue) > 0 && h.free > 0 {
			h.free--
			l.buffers++
			packet := l.queue[0]
			l.queue = l.queue[1:]
			h.config.Input(packet)
		}
	}
}

// completed frees buffers of the controller.
func (l *link) completed(packets int) {
	packets = min(packets, l.buffers)
	l.buffers -= packets
	l.host.free += packets
	l.host.pump()
}

// receive handles a fragment of a frame.
func (l *link) receive(data hcipacket.ACL) {
	cid, payload, ok := l.incoming.add(data.Boundary != hcipacket.Continuing, data.Data)
	if !ok || l.intercepted(cid, payload) || l.err != nil {
		return
	}
	if cid == signallingCID {
		l.signalled(payload)
	} else if c := l.channels[cid]; c != nil {
		c.receive(payload)
	}
}

// intercepted passes a frame to the function set by Intercept, without the
// lock, so that the function can call the host.
func (l *link) intercepted(cid uint16, payload []byte) bool {
	intercept := l.host.intercept
	if intercept == nil {
		return false
	}
	l.host.changed.Broadcast()
	l.host.mu.Unlock()
	defer l.host.mu.Lock()
	return intercept(l.peer, cid, payload)
}
