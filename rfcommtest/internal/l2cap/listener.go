package l2cap

import (
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// A Listener accepts channels to a service.
type Listener struct {
	host    *Host
	psm     uint16
	refusal Result
	pending []*Conn // opened, and not returned by Accept
	limit   deadline
	closed  bool
}

// Listen makes the host accept connection requests for a service.
func (h *Host) Listen(psm uint16) (*Listener, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, net.ErrClosed
	case h.listeners[psm] != nil:
		return nil, neterr.WithHint("listen", syscall.EADDRINUSE, fmt.Sprintf("the device has a listener on PSM %#x", psm))
	}
	l := &Listener{host: h, psm: psm}
	h.listeners[psm] = l
	return l, nil
}

// Refuse makes the host refuse connection requests with a result. The result 0
// makes it accept them again.
func (l *Listener) Refuse(result Result) {
	l.host.mu.Lock()
	defer l.host.mu.Unlock()
	l.refusal = result
}

// Accept returns the next channel, once it is configured. The peer may have
// closed it by then.
func (l *Listener) Accept() (*Conn, error) {
	h := l.host
	h.mu.Lock()
	defer h.mu.Unlock()
	err := h.wait(func() error {
		if l.closed || h.closed {
			return net.ErrClosed
		}
		return l.limit.expired()
	}, func() bool { return len(l.pending) > 0 })
	if err != nil {
		return nil, err
	}
	c := l.pending[0]
	l.pending = l.pending[1:]
	c.listener = nil
	return c, nil
}

// SetDeadline sets the deadline of Accept.
func (l *Listener) SetDeadline(t time.Time) error {
	l.host.mu.Lock()
	defer l.host.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.limit.set(l.host, t)
	return nil
}

// Close makes the host refuse further requests, and closes the channels that
// Accept has not returned.
func (l *Listener) Close() error {
	h := l.host
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.closed = true
	l.limit.set(h, time.Time{})
	delete(h.listeners, l.psm)
	for _, link := range h.links {
		for _, c := range link.channels {
			if c.listener == l {
				c.close(net.ErrClosed)
			}
		}
	}
	l.pending = nil
	return nil
}

// add adds an open channel.
func (l *Listener) add(c *Conn) { l.pending = append(l.pending, c) }
