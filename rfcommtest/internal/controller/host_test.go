package controller_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// A host drives one controller and queues the packets that it receives from it.
type host struct {
	*testing.T
	name       string
	radio      *radio.Radio
	controller *controller.Controller
	heard      []any // Events and ACLs that no method has taken yet
	all        *[]string
	answers    map[hcipacket.EventCode]func(f *hcipacket.Fields)
	answered   chan struct{} // closed when the last event has been answered
}

var (
	addressOfA = hcipacket.Address{0x02, 0, 0, 0, 0, 0xa0}
	addressOfB = hcipacket.Address{0x02, 0, 0, 0, 0, 0xb0}
	addressOfC = hcipacket.Address{0x02, 0, 0, 0, 0, 0xc0}
	absent     = hcipacket.Address{0x02, 0, 0, 0, 0, 0xff}
)

// everyEvent is the event mask of hosts that select all events.
var everyEvent = hcipacket.Parameters{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// withHosts runs a test with three hosts on a fake clock. Time passes only
// while all goroutines wait.
func withHosts(t *testing.T, test func(t *testing.T, a, b, c *host)) {
	t.Helper()
	withControllers(t, func(int, *controller.Config) {}, test)
}

// withControllers runs a test with three hosts on a fake clock. The function
// adjust changes the config of the controller with the given number.
func withControllers(t *testing.T, adjust func(number int, config *controller.Config), test func(t *testing.T, a, b, c *host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := radio.New()
		var all []string // the packets received by all hosts, in order
		hosts := make([]*host, 3)
		for i, address := range []hcipacket.Address{addressOfA, addressOfB, addressOfC} {
			h := &host{T: t, name: string(rune('A' + i)), radio: r, all: &all, answers: make(map[hcipacket.EventCode]func(*hcipacket.Fields))}
			config := controller.Config{
				Address: address, Name: "controller " + h.name, ACLLength: 1021, ACLBuffers: 8, PacketTypes: air.EDR3, Output: h.output,
			}
			adjust(i, &config)
			r.Lock()
			h.controller = controller.New(r, i, config)
			r.Unlock()
			h.do(controller.SetEventMask, everyEvent)
			h.do(controller.WriteScanEnable, hcipacket.Parameters{3})
			hosts[i] = h
		}
		defer func() {
			r.Lock()
			defer r.Unlock()
			r.Close()
		}()
		test(t, hosts[0], hosts[1], hosts[2])
	})
}

// output receives a packet of the controller. The radio's lock is held.
func (h *host) output(packet []byte) {
	packet = append([]byte(nil), packet...)
	if acl, err := hcipacket.ParseACL(packet); err == nil {
		h.heard = append(h.heard, acl)
		*h.all = append(*h.all, h.name+" data")
		return
	}
	event, err := hcipacket.ParseEvent(packet)
	if err != nil {
		h.Errorf("%s received % x: %v", h.name, packet, err)
		return
	}
	*h.all = append(*h.all, fmt.Sprintf("%s %v", h.name, event.Code))
	if answer := h.answers[event.Code]; answer != nil {
		// Like a real host, answer after the controller has finished its
		// current step, and one event after the other.
		before, done := h.answered, make(chan struct{})
		h.answered = done
		go func() {
			defer close(done)
			if before != nil {
				<-before
			}
			answer(hcipacket.FieldsOf(event.Parameters))
		}()
		return
	}
	h.heard = append(h.heard, event)
}

// locked calls f with the radio's lock held, then waits until its immediate
// effects have happened.
func (h *host) locked(f func()) {
	h.radio.Lock()
	f()
	h.radio.Unlock()
	synctest.Wait()
}

func (h *host) input(packet []byte) {
	h.Helper()
	h.locked(func() {
		if err := h.controller.Input(packet); err != nil {
			h.Errorf("%s: %v", h.name, err)
		}
	})
}

// send sends a command.
func (h *host) send(opcode hcipacket.Opcode, p hcipacket.Parameters) {
	h.Helper()
	h.input(hcipacket.Command{Opcode: opcode, Parameters: p}.Append(nil))
}

// status sends a command that is answered with HCI_Command_Status, and returns
// the status.
func (h *host) status(opcode hcipacket.Opcode, p hcipacket.Parameters) hcipacket.Status {
	h.Helper()
	h.send(opcode, p)
	f := h.event(hcipacket.CommandStatus)
	status := hcipacket.Status(f.Uint8())
	h.checkAnswer(f, opcode)
	return status
}

// complete sends a command that is answered with HCI_Command_Complete, and
// returns the status and the other return parameters.
func (h *host) complete(opcode hcipacket.Opcode, p hcipacket.Parameters) (hcipacket.Status, *hcipacket.Fields) {
	h.Helper()
	h.send(opcode, p)
	f := h.event(hcipacket.CommandComplete)
	h.checkAnswer(f, opcode)
	return hcipacket.Status(f.Uint8()), f
}

// checkAnswer checks Num_HCI_Command_Packets and Command_Opcode of an answer. With
// 0 packets allowed, a host would wait for another answer before its next
// command (section 4.4).
func (h *host) checkAnswer(f *hcipacket.Fields, opcode hcipacket.Opcode) {
	h.Helper()
	if allowed, got := f.Uint8(), hcipacket.Opcode(f.Uint16()); allowed != 1 || got != opcode {
		h.Errorf("%s: %v was answered for %v, allowing %d commands; want 1", h.name, opcode, got, allowed)
	}
}

// do sends a command that must succeed.
func (h *host) do(opcode hcipacket.Opcode, p hcipacket.Parameters) *hcipacket.Fields {
	h.Helper()
	status, f := h.complete(opcode, p)
	if status != hcipacket.Success {
		h.Errorf("%s: %v: %v", h.name, opcode, status)
	}
	return f
}

// begin sends a command that must be answered with HCI_Command_Status and
// succeed.
func (h *host) begin(opcode hcipacket.Opcode, p hcipacket.Parameters) {
	h.Helper()
	if status := h.status(opcode, p); status != hcipacket.Success {
		h.Errorf("%s: %v: %v", h.name, opcode, status)
	}
}

// event takes the next received packet, which must be the given event.
func (h *host) event(code hcipacket.EventCode) *hcipacket.Fields {
	h.Helper()
	next := h.next()
	event, ok := next.(hcipacket.Event)
	if !ok || event.Code != code {
		h.Fatalf("%s received %+v, want %v", h.name, next, code)
	}
	return hcipacket.FieldsOf(event.Parameters)
}

// data takes the next received packet, which must be ACL data.
func (h *host) data() hcipacket.ACL {
	h.Helper()
	next := h.next()
	data, ok := next.(hcipacket.ACL)
	if !ok {
		h.Fatalf("%s received %+v, want data", h.name, next)
	}
	return data
}

// next takes the next received packet, or returns nil.
func (h *host) next() any {
	synctest.Wait()
	h.radio.Lock()
	defer h.radio.Unlock()
	if len(h.heard) == 0 {
		return nil
	}
	next := h.heard[0]
	h.heard = h.heard[1:]
	return next
}

// expectNothing checks that no received packet is left.
func (h *host) expectNothing() {
	h.Helper()
	for next := h.next(); next != nil; next = h.next() {
		h.Errorf("%s received %+v, want nothing", h.name, next)
	}
}

// after checks that the host receives nothing until d has passed, and then
// takes the given event.
func (h *host) after(d time.Duration, code hcipacket.EventCode) *hcipacket.Fields {
	h.Helper()
	time.Sleep(d - time.Millisecond)
	h.expectNothing()
	time.Sleep(time.Millisecond)
	return h.event(code)
}

func connectTo(address hcipacket.Address) hcipacket.Parameters {
	return hcipacket.Parameters{}.Address(address).Uint16(0xcc18).Uint8(2, 0).Uint16(0).Uint8(1)
}

// connected takes HCI_Connection_Complete and returns the handle.
func (h *host) connected(to hcipacket.Address, want hcipacket.Status) hcipacket.Handle {
	h.Helper()
	f := h.event(hcipacket.ConnectionComplete)
	status, handle, address := hcipacket.Status(f.Uint8()), f.Handle(), f.Address()
	if status != want || address != to {
		h.Errorf("%s: connection to %x: %v, want %v to %x", h.name, address, status, want, to)
	}
	if linkType, encrypted := f.Uint8(), f.Uint8(); linkType != 1 || encrypted != 0 {
		h.Errorf("%s: connection of type %d, encrypted %d; want 1 (ACL) and 0", h.name, linkType, encrypted)
	}
	return handle
}

// connect makes a connection from one host to another.
func connect(a, b *host) (ofA, ofB hcipacket.Handle) {
	a.Helper()
	to, from := b.controller.Station().Address(), a.controller.Station().Address()
	a.begin(controller.CreateConnection, connectTo(to))
	b.event(hcipacket.ConnectionRequest)
	b.begin(controller.AcceptConnectionRequest, hcipacket.Parameters{}.Address(from).Uint8(1))
	ofB = b.connected(from, hcipacket.Success)
	return a.connected(to, hcipacket.Success), ofB
}

// disconnected takes HCI_Disconnection_Complete.
func (h *host) disconnected(handle hcipacket.Handle, want hcipacket.Status) {
	h.Helper()
	h.gone(h.event(hcipacket.DisconnectionComplete), handle, want)
}

func (h *host) gone(f *hcipacket.Fields, handle hcipacket.Handle, want hcipacket.Status) {
	h.Helper()
	status, got, reason := hcipacket.Status(f.Uint8()), f.Handle(), hcipacket.Status(f.Uint8())
	if status != hcipacket.Success || got != handle || reason != want {
		h.Errorf("%s: connection %d ended: status %v, reason %v; want connection %d, reason %v", h.name, got, status, reason, handle, want)
	}
}

func (h *host) conditions(other *host) *radio.Conditions {
	return h.radio.Conditions(h.controller.Station().Address(), other.controller.Station().Address())
}

// order returns the names of the hosts that received the given events, in
// order.
func (h *host) order(codes ...hcipacket.EventCode) string {
	h.radio.Lock()
	defer h.radio.Unlock()
	var some []string
	for _, line := range *h.all {
		for _, code := range codes {
			if strings.HasSuffix(line, code.String()) {
				some = append(some, line[:1])
			}
		}
	}
	return strings.Join(some, "")
}
