package inquiry

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

// The addresses of tests.
var (
	adapterAddress = rfcomm.BDAddr{0, 0xaa, 1, 0, 0, 0}
	nearby         = rfcomm.BDAddr{0, 0xaa, 1, 0, 0, 1}
	distant        = rfcomm.BDAddr{0, 0xaa, 1, 0, 0, 2}
)

// A controller stands in for a controller and its HCI socket. The test plays
// its part.
type controller struct {
	*testing.T
	commands chan []byte
	events   chan []byte
	closing  sync.Once
	closed   chan struct{}
	readErr  error // of Read, if closed
}

func newController(t *testing.T) *controller {
	return &controller{
		T: t, readErr: os.ErrClosed,
		commands: make(chan []byte, 10), events: make(chan []byte, 10), closed: make(chan struct{}),
	}
}

func (c *controller) Read(p []byte) (int, error) {
	select {
	case packet := <-c.events:
		return copy(p, packet), nil
	case <-c.closed:
		return 0, c.readErr
	}
}

func (c *controller) Write(p []byte) (int, error) {
	c.commands <- bytes.Clone(p)
	return len(p), nil
}

func (c *controller) Close() error {
	c.closing.Do(func() { close(c.closed) })
	return nil
}

// next returns the next command, or nil if there is none within d.
func (c *controller) next(d time.Duration) []byte {
	select {
	case packet := <-c.commands:
		return packet
	case <-time.After(d):
		return nil
	}
}

// expect waits for a command and checks its parameters.
func (c *controller) expect(code opcode, parameters ...byte) {
	c.Helper()
	packet := c.next(time.Hour)
	if want := command(code, parameters...); !bytes.Equal(packet, want) {
		c.Fatalf("command % x, want % x", packet, want)
	}
}

// expectNothing checks that no command is sent for d.
func (c *controller) expectNothing(d time.Duration) {
	c.Helper()
	if packet := c.next(d); packet != nil {
		c.Fatalf("command % x, want none", packet)
	}
}

// expectInquiry waits for a general inquiry of the given length and accepts it.
func (c *controller) expectInquiry(units byte) {
	c.Helper()
	c.expect(inquiry, 0x33, 0x8b, 0x9e, units, 0)
	c.answer(inquiry, success)
}

// refuseInquiry waits for a general inquiry of 8 units and refuses it.
func (c *controller) refuseInquiry(s status) {
	c.Helper()
	c.expect(inquiry, 0x33, 0x8b, 0x9e, 8, 0)
	c.answer(inquiry, s)
}

// expectCancel waits for the end of the inquiry and confirms it.
func (c *controller) expectCancel() {
	c.Helper()
	c.expect(inquiryCancel)
	c.complete(inquiryCancel, success)
}

// expectNameRequest waits for a request for a device's name and accepts it.
func (c *controller) expectNameRequest(device rfcomm.BDAddr) {
	c.Helper()
	c.expect(nameRequest, append(kernelOrder(device), 1, 0, 0x34, 0x92)...)
	c.answer(nameRequest, success)
}

// expectNameCancel waits for the end of such a request and confirms it.
func (c *controller) expectNameCancel(device rfcomm.BDAddr) {
	c.Helper()
	const unknownConnection = 0x02
	c.expect(nameRequestCancel, kernelOrder(device)...)
	c.complete(nameRequestCancel, success, kernelOrder(device)...)
	c.name(device, unknownConnection, "")
}

// event sends an event.
func (c *controller) event(code eventCode, parameters ...byte) {
	c.events <- append([]byte{eventPacket, byte(code), byte(len(parameters))}, parameters...)
}

// answer sends a command's status.
func (c *controller) answer(code opcode, s status) {
	c.event(commandStatus, binary.LittleEndian.AppendUint16([]byte{byte(s), 1}, uint16(code))...)
}

// complete sends a command's result.
func (c *controller) complete(code opcode, s status, parameters ...byte) {
	p := binary.LittleEndian.AppendUint16([]byte{1}, uint16(code))
	c.event(commandComplete, append(append(p, byte(s)), parameters...)...)
}

// inquiryComplete ends the inquiry.
func (c *controller) inquiryComplete() { c.event(inquiryComplete, byte(success)) }

// found sends a response of class 0x5a020c with an RSSI of -60 dBm, a clock
// offset of 0x1234 and, if eir is not empty, an extended inquiry response.
func (c *controller) found(device rfcomm.BDAddr, eir string) {
	p := append([]byte{1}, kernelOrder(device)...)
	p = append(p, 1, 0, 0x0c, 0x02, 0x5a, 0x34, 0x12, 0xc4)
	if eir == "" {
		c.event(inquiryResultWithRSSI, p...)
		return
	}
	c.event(extendedInquiryResult, append(append(p, eir...), make([]byte, 240-len(eir))...)...)
}

// name ends a request for a device's name.
func (c *controller) name(device rfcomm.BDAddr, s status, name string) {
	p := append([]byte{byte(s)}, kernelOrder(device)...)
	c.event(nameRequestComplete, append(append(p, name...), make([]byte, 248-len(name))...)...)
}

// device returns the device of found with a name.
func device(address rfcomm.BDAddr, name string) Device {
	return Device{Addr: address, Name: name, Class: 0x5a020c, RSSI: -60}
}

// A consumer is the loop over the devices of a search.
type consumer struct {
	*testing.T
	devices chan Device // receives each device; the body of the loop waits for that
	ended   chan error  // receives the error of the loop at its end
	cancel  context.CancelFunc
	check   chan error // the result of the next check of the adapter
}

// consume starts a loop over the devices that a controller finds. Body, if not
// nil, is called for each device before it is received; if it returns false, it
// ends the loop.
func consume(c *controller, o Options, body func(Device) bool) *consumer {
	ctx, cancel := context.WithCancel(c.Context())
	u := &consumer{c.T, make(chan Device), make(chan error, 1), cancel, make(chan error, 1)}
	s := o.search(&rfcomm.Adapter{Addr: adapterAddress}, c)
	s.check = func() error {
		select {
		case err := <-u.check:
			return err
		default:
			return nil
		}
	}
	go func() {
		l := startLoop(ctx, s)
		err := l.run(func(d Device, err error) bool {
			if body != nil && !body(d) {
				return false
			}
			u.devices <- d
			return true
		})
		l.end()
		u.ended <- err
	}()
	return u
}

// consumeNameless starts a loop and makes its inquiry, which finds only distant,
// without a name. The request for the name is next.
func consumeNameless(c *controller) *consumer {
	u := consume(c, Options{}, nil)
	c.expectInquiry(8)
	c.found(distant, "")
	u.expect(device(distant, ""))
	c.inquiryComplete()
	return u
}

// expect waits for a device.
func (u *consumer) expect(want Device) {
	u.Helper()
	select {
	case got := <-u.devices:
		if got != want {
			u.Fatalf("received %v, want %v", got, want)
		}
	case err := <-u.ended:
		u.Fatalf("the loop ended (%v) without %v", err, want)
	case <-time.After(time.Hour):
		u.Fatalf("no device, want %v", want)
	}
}

// expectNothing checks that the loop receives nothing now.
func (u *consumer) expectNothing() {
	u.Helper()
	synctest.Wait()
	select {
	case d := <-u.devices:
		u.Fatalf("received %v, want nothing", d)
	default:
	}
}

// end waits for the end of the loop, and returns its error.
func (u *consumer) end() error {
	u.Helper()
	select {
	case d := <-u.devices:
		u.Fatalf("received %v, want the end", d)
	case err := <-u.ended:
		return err
	case <-time.After(time.Hour):
		u.Fatal("the loop did not end")
	}
	return nil
}

// succeed waits for the end of the loop, which must have no error.
func (u *consumer) succeed() {
	u.Helper()
	if err := u.end(); err != nil {
		u.Fatal(err)
	}
}

// withController runs a test with a controller and a fake clock, and checks that
// no command is left at its end.
func withController(t *testing.T, test func(t *testing.T, c *controller)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newController(t)
		test(t, c)
		c.expectNothing(time.Minute)
	})
}
