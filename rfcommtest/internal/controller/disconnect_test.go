package controller_test

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// Linux keeps a connection object from HCI_Connection_Request to
// HCI_Connection_Complete. In between it does not dial the same device.
func TestConnectionRequestAlwaysCompletes(t *testing.T) {
	for name, giveUp := range map[string]func(a *host){
		"cancelled": func(a *host) {
			a.do(controller.CreateConnectionCancel, hcipacket.Parameters{}.Address(addressOfB))
			a.connected(addressOfB, hcipacket.UnknownConnection)
		},
		"reset": func(a *host) { a.do(controller.Reset, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			withHosts(t, func(t *testing.T, a, b, _ *host) {
				from := hcipacket.Parameters{}.Address(addressOfA)
				for _, answer := range []func(){
					func() {
						b.begin(controller.AcceptConnectionRequest, from.Uint8(1))
						b.connected(addressOfA, hcipacket.ConnectionTimeout)
					},
					func() {
						b.begin(controller.RejectConnectionRequest, from.Status(hcipacket.LimitedResources))
						b.connected(addressOfA, hcipacket.LimitedResources)
					},
					func() { // no answer
						time.Sleep(5 * time.Second)
						b.connected(addressOfA, hcipacket.AcceptTimeout)
					},
				} {
					a.begin(controller.CreateConnection, connectTo(addressOfB))
					b.event(hcipacket.ConnectionRequest)
					giveUp(a)
					answer()
					time.Sleep(time.Minute)
					b.expectNothing()
				}
			})
		})
	}
}

func TestResetDiscardsPendingCommands(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		a.begin(controller.RemoteNameRequest, hcipacket.Parameters{}.Address(absent).Uint8(1, 0).Uint16(0))
		a.begin(controller.Inquiry, hcipacket.Parameters{}.Uint24(0x9e8b33).Uint8(2, 0))
		a.begin(controller.CreateConnection, connectTo(absent))
		b.begin(controller.CreateConnection, connectTo(addressOfA))
		a.event(hcipacket.ConnectionRequest)
		a.do(controller.Reset, nil)
		time.Sleep(time.Minute)
		a.expectNothing()
	})
}

// Reason 0 means success.
func TestDisconnectWithReason0IsRejected(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		a.begin(controller.CreateConnection, connectTo(addressOfB))
		b.event(hcipacket.ConnectionRequest)
		from := hcipacket.Parameters{}.Address(addressOfA)
		if status := b.status(controller.RejectConnectionRequest, from.Status(hcipacket.Success)); status != hcipacket.InvalidParameters {
			t.Errorf("rejecting for reason 0: %v", status)
		}
		b.begin(controller.AcceptConnectionRequest, from.Uint8(1))
		ofB := b.connected(addressOfA, hcipacket.Success)
		a.connected(addressOfB, hcipacket.Success)
		if status := b.status(controller.Disconnect, hcipacket.Parameters{}.Handle(ofB).Status(hcipacket.Success)); status != hcipacket.InvalidParameters {
			t.Errorf("hanging up for reason 0: %v", status)
		}
		a.expectNothing()
	})
}

// The controller drops ACL data beyond its buffers, because a stall can last
// forever.
func TestACLDataBeyondBuffersIsRejected(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		ofA, _ := connect(a, b)
		toC, _ := connect(a, c)
		a.locked(func() {
			a.conditions(b).Stall()
			a.conditions(c).Stall()
			for i := range 10 {
				data := hcipacket.ACL{Handle: ofA, Boundary: hcipacket.FirstFlushable, Data: []byte("data")}
				if i%2 == 1 {
					data.Handle = toC
				}
				if err := a.controller.Input(data.Append(nil)); (err != nil) != (i >= 8) {
					t.Errorf("packet %d: %v", i, err)
				}
			}
			a.conditions(b).Resume()
		})
		for range 4 {
			a.event(hcipacket.NumberOfCompletedPackets)
			b.data()
		}
		// The end of a connection frees its buffers.
		a.locked(func() { a.conditions(c).Disconnect(hcipacket.RemotePowerOff) })
		a.disconnected(toC, hcipacket.RemotePowerOff)
		a.locked(func() { a.conditions(b).Stall() })
		for range 8 {
			a.input(hcipacket.ACL{Handle: ofA, Boundary: hcipacket.FirstFlushable, Data: []byte("data")}.Append(nil))
		}
	})
}

func TestDisconnectInStallThenRedial(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		a.locked(func() { a.conditions(b).Stall() })
		a.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofA).Status(hcipacket.RemoteUserTerminated))
		a.disconnected(ofA, hcipacket.TerminatedByLocalHost)
		a.begin(controller.CreateConnection, connectTo(addressOfB))
		time.Sleep(time.Second)
		a.locked(func() { a.conditions(b).Resume() })
		b.disconnected(ofB, hcipacket.RemoteUserTerminated)
		b.event(hcipacket.ConnectionRequest)
	})
}

// Data that was sent before LMP_detach arrives before it, even after a stall.
func TestDisconnectOvertakesNoData(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		a.locked(func() { a.conditions(b).SetDelay(time.Second) })
		a.input(hcipacket.ACL{Handle: ofA, Boundary: hcipacket.FirstFlushable, Data: []byte("last")}.Append(nil))
		a.event(hcipacket.NumberOfCompletedPackets)
		a.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofA).Status(hcipacket.RemoteUserTerminated))
		a.disconnected(ofA, hcipacket.TerminatedByLocalHost)
		a.locked(func() { a.conditions(b).Resume() }) // there is no stall
		b.expectNothing()
		a.locked(func() { a.conditions(b).Stall() })
		time.Sleep(time.Minute)
		b.expectNothing()
		a.locked(func() { a.conditions(b).Resume() })
		if data := b.data(); string(data.Data) != "last" {
			t.Errorf("B received %+v", data)
		}
		b.disconnected(ofB, hcipacket.RemoteUserTerminated)
	})
}

// An end that has lost contact does not receive LMP_detach.
func TestDisconnectIsNotHeardAfterLoss(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		a.locked(func() {
			a.conditions(b).SetSupervisionTimeout(2 * time.Second)
			a.conditions(b).Disconnect(hcipacket.ConnectionTimeout)
		})
		a.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofA).Status(hcipacket.RemoteUserTerminated))
		a.disconnected(ofA, hcipacket.TerminatedByLocalHost)
		a.locked(func() { a.conditions(b).Stall() })
		a.locked(func() { a.conditions(b).Resume() })
		b.gone(b.after(2*time.Second, hcipacket.DisconnectionComplete), ofB, hcipacket.ConnectionTimeout)
	})
}
