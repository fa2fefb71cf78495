package fakebus

import (
	"sync"
	"testing"
	"time"
)

// A script changes how bluetoothd answers the next call of a method, or all.
type script struct {
	method  string
	forever bool
	replies bool        // holds the reply, not the call
	run     func(*Call) // with the lock held
	hold    func(*Call, func())
	release func()
}

func (z *BlueZ) script(s *script) *script {
	if s.release == nil {
		s.release = func() {}
	}
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	z.scripts = append(z.scripts, s)
	return s
}

// Fail makes the next call of a method such as "org.bluez.Device1.Pair" fail.
func (z *BlueZ) Fail(method, name, text string) {
	z.script(&script{method: method, run: func(c *Call) { c.fail(name, text) }})
}

// FailAll makes all calls of a method fail until bluetoothd stops.
func (z *BlueZ) FailAll(method, name, text string) {
	z.script(&script{method: method, forever: true, run: func(c *Call) { c.fail(name, text) }})
}

// Handle makes handle answer all calls of a method until bluetoothd stops. It runs on
// a goroutine of its own and may call c.Pass for the usual answer. A later Handle does
// not replace an earlier one.
func (z *BlueZ) Handle(method string, handle func(c *Call)) {
	z.script(&script{method: method, forever: true, run: func(c *Call) { z.bus.working.Go(func() { handle(c) }) }})
}

// Pass handles the call as bluetoothd does without a script.
func (c *Call) Pass() {
	c.z.bus.mu.Lock()
	defer c.z.bus.mu.Unlock()
	if c.z.peer == c.from {
		c.z.handle(c)
	}
}

// Delay makes bluetoothd handle the next call of a method later.
func (z *BlueZ) Delay(method string, d time.Duration) {
	z.script(&script{method: method, run: func(c *Call) { time.AfterFunc(d, c.Pass) }})
}

// A Hold stops a call until Release.
type Hold struct {
	arrived  chan *Call
	released chan struct{}
	once     sync.Once
}

// Hold stops the next call of a method before bluetoothd handles it. Other calls are
// handled meanwhile. A stop of bluetoothd releases the call, which is then lost.
func (z *BlueZ) Hold(method string) *Hold {
	h, s := z.newHold(method)
	s.run = func(c *Call) { s.hold(c, func() { z.handle(c) }) }
	z.script(s)
	return h
}

// HoldReply stops the reply to the next call of a method: bluetoothd has done its
// work, and the caller has no answer yet.
func (z *BlueZ) HoldReply(method string) *Hold {
	h, s := z.newHold(method)
	s.replies = true
	z.script(s)
	return h
}

func (z *BlueZ) newHold(method string) (*Hold, *script) {
	h := &Hold{arrived: make(chan *Call, 1), released: make(chan struct{})}
	s := &script{method: method, release: h.Release}
	s.hold = func(c *Call, proceed func()) {
		h.arrived <- c
		z.bus.working.Go(func() {
			select {
			case <-h.released:
			case <-z.bus.ctx.Done():
				return
			}
			z.bus.mu.Lock()
			defer z.bus.mu.Unlock()
			if z.peer == c.from {
				proceed()
			}
		})
	}
	return h, s
}

// Await waits until a call has arrived.
func (h *Hold) Await(t testing.TB) *Call {
	t.Helper()
	select {
	case c := <-h.arrived:
		return c
	case <-time.After(20 * time.Second):
		t.Fatal("no call arrived within 20 s")
		return nil
	}
}

// Arrived reports whether a call waits.
func (h *Hold) Arrived() bool { return len(h.arrived) > 0 }

// Release lets the call go on.
func (h *Hold) Release() { h.once.Do(func() { close(h.released) }) }
