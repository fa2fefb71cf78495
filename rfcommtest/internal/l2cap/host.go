// Package l2cap is the Bluetooth host of a scripted device. It speaks HCI with
// a controller, in place of a kernel, and offers L2CAP channels in basic mode
// (Bluetooth Core Specification, Volume 3, Part A, whose sections the comments
// name). It accepts every link, answers every pairing without asking a user
// ("just works", or the PIN 0000), and encrypts a link before it opens a channel
// if the peer requires it.
//
// A test can take the host's place at any frame: see [Host.Intercept] and
// [Host.SendFrame].
package l2cap

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// A Config holds the properties of a Host.
type Config struct {
	ACLLength  int // the maximum data length of an ACL packet to the controller
	ACLBuffers int // the number of ACL packets that the controller can hold

	// Input passes a packet to the controller. The controller executes a
	// command before Input returns, and calls Output with the answer meanwhile.
	Input func(packet []byte)
}

// A Host is the host of one controller. Its methods, and those of its Conns and
// Listeners, are safe for concurrent use.
type Host struct {
	config Config
	inbox  *inbox
	ended  chan struct{} // closed when run has returned

	// mu guards everything below, and all links, Conns and Listeners. It is
	// held while packets pass to the controller, so that they keep their order.
	mu        sync.Mutex
	changed   sync.Cond // broadcast after every change
	powered   bool
	closed    bool
	settings  Settings
	simple    bool // Secure Simple Pairing is on
	links     map[hcipacket.Address]*link
	pages     map[hcipacket.Address]*page
	started   map[hcipacket.Opcode][]func(hcipacket.Status) // see start
	free      int                                           // buffers of the controller
	keys      map[hcipacket.Address][16]byte
	listeners map[uint16]*Listener
	mtu       int // of new channels
	intercept func(peer hcipacket.Address, cid uint16, payload []byte) bool
}

// New returns a host that is switched off.
func New(config Config) *Host {
	h := &Host{
		config: config, inbox: newInbox(), ended: make(chan struct{}),
		keys: make(map[hcipacket.Address][16]byte), listeners: make(map[uint16]*Listener), mtu: defaultMTU, settings: defaultSettings,
	}
	h.changed.L = &h.mu
	h.forget()
	go h.run()
	return h
}

// forget brings the host into its state before power is switched on.
func (h *Host) forget() {
	h.links = make(map[hcipacket.Address]*link)
	h.pages = make(map[hcipacket.Address]*page)
	h.started = make(map[hcipacket.Opcode][]func(hcipacket.Status))
	h.free = h.config.ACLBuffers
}

// Output receives a packet of the controller. It only queues the packet, and
// may be called during Input.
func (h *Host) Output(packet []byte) { h.inbox.put(packet) }

// PowerOn initializes the controller with the host's settings. It does nothing
// if the host is on.
func (h *Host) PowerOn() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return net.ErrClosed
	}
	if h.powered {
		return nil
	}
	h.powered = true
	h.command(controller.Reset, nil)
	h.command(controller.SetEventMask, hcipacket.Parameters{}.Uint32(0xffffffff).Uint32(0x3fffffff))
	h.applySettings()
	return nil
}

// PowerOff drops all links without notice, as if the device had lost its power.
// It calls off, which must switch off the controller. Listeners and link keys
// remain.
func (h *Host) PowerOff(off func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	off()
	h.inbox.clear() // from before off
	h.powered = false
	h.drop(errPowerOff)
}

// Close ends the host. Its links end without notice.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed, h.powered = true, false
	h.drop(net.ErrClosed)
	h.mu.Unlock()
	h.inbox.close()
	<-h.ended
}

// drop ends all links and pages with an error.
func (h *Host) drop(err error) {
	links, pages := h.links, h.pages
	h.forget()
	for _, l := range links {
		l.end(err)
	}
	for _, p := range pages {
		p.end(err)
	}
	h.changed.Broadcast()
}

// SetMTU sets the maximum length of packets to this end, for new channels. The
// default is 672.
func (h *Host) SetMTU(mtu int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mtu = mtu
}

// Intercept sets a function that receives every L2CAP frame before the host
// does. If it returns true, the host ignores the frame. It is called by one
// goroutine at a time, and no frame arrives until it has returned. It may call
// SendFrame. A nil function ends the interception.
func (h *Host) Intercept(f func(peer hcipacket.Address, cid uint16, payload []byte) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.intercept = f
}

// SendFrame sends any frame, after making a link to the peer if necessary. It
// does not wait for the controller to take the frame.
func (h *Host) SendFrame(ctx context.Context, peer hcipacket.Address, cid uint16, payload []byte) error {
	if len(payload) > maxPayload {
		return tooLong(len(payload), maxPayload)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	l, err := h.connect(ctx, peer)
	if err != nil {
		return err
	}
	l.send(cid, payload)
	return nil
}

// run handles the controller's packets until the inbox is closed.
func (h *Host) run() {
	defer close(h.ended)
	for h.inbox.wait() {
		h.handle()
	}
}

// handle handles the controller's next packet. It releases the lock also if the
// function set by Intercept ends the goroutine, as T.FailNow does.
func (h *Host) handle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if packet, ok := h.inbox.take(); ok {
		h.receive(packet)
		h.changed.Broadcast()
	}
}

// command passes a command to the controller.
func (h *Host) command(opcode hcipacket.Opcode, p hcipacket.Parameters) {
	h.config.Input(hcipacket.Command{Opcode: opcode, Parameters: p}.Append(nil))
}

// start passes a command to the controller. If the controller rejects it, the
// host calls rejected with the status.
func (h *Host) start(opcode hcipacket.Opcode, p hcipacket.Parameters, rejected func(status hcipacket.Status)) {
	h.started[opcode] = append(h.started[opcode], rejected)
	h.command(opcode, p)
}

// wait waits until done returns true, or until interrupted returns an error,
// which wait returns. It calls both with the lock held.
func (h *Host) wait(interrupted func() error, done func() bool) error {
	for {
		if err := interrupted(); err != nil {
			return err
		}
		if done() {
			return nil
		}
		h.changed.Wait()
	}
}

// waitContext is like wait, until ctx is done or the host is switched off.
func (h *Host) waitContext(ctx context.Context, done func() bool) error {
	stop := context.AfterFunc(ctx, h.wake)
	defer stop()
	return h.wait(func() error {
		if ctx.Err() != nil {
			return neterr.Context(ctx.Err())
		}
		return h.usable()
	}, done)
}

// usable returns an error if the host is closed or switched off.
func (h *Host) usable() error {
	switch {
	case h.closed:
		return net.ErrClosed
	case !h.powered:
		return errPowerOff
	}
	return nil
}

// wake makes all waiting calls check their conditions again. The lock prevents
// a call from missing it between its check and its wait.
func (h *Host) wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changed.Broadcast()
}

// A deadline is the deadline of calls that wait.
type deadline struct {
	time  time.Time
	timer *time.Timer
}

// set sets the deadline and wakes the calls. The zero time means none.
func (d *deadline) set(h *Host, t time.Time) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.time = t
	if !t.IsZero() {
		d.timer = time.AfterFunc(time.Until(t), h.wake)
	}
	h.changed.Broadcast()
}

// expired returns an error if the deadline has passed.
func (d *deadline) expired() error {
	if !d.time.IsZero() && !time.Now().Before(d.time) {
		return neterr.ErrTimeout
	}
	return nil
}
