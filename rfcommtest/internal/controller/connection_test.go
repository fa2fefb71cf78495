package controller_test

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

func TestConnectionCompleteAcceptorFirst(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		if ofA == ofB {
			t.Errorf("both ends have handle %d", ofA)
		}
		if got := a.order(hcipacket.ConnectionComplete); got != "BA" {
			t.Errorf("the hosts received HCI_Connection_Complete in the order %s", got)
		}
	})
}

func TestACLDataKeepsBoundariesAndIsCounted(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		for boundary, want := range map[hcipacket.Boundary]hcipacket.Boundary{
			hcipacket.FirstNonFlushable: hcipacket.FirstFlushable,
			hcipacket.FirstFlushable:    hcipacket.FirstFlushable,
			hcipacket.Continuing:        hcipacket.Continuing,
		} {
			a.input(hcipacket.ACL{Handle: ofA, Boundary: boundary, Data: []byte("data")}.Append(nil))
			if got := b.data(); got.Handle != ofB || got.Boundary != want || string(got.Data) != "data" {
				t.Errorf("B received %+v, want boundary %d", got, want)
			}
			b.expectNothing()
			f := a.event(hcipacket.NumberOfCompletedPackets)
			if handles, handle, n := f.Uint8(), f.Handle(), f.Uint16(); handles != 1 || handle != ofA || n != 1 {
				t.Errorf("%d handles, %d packets of %d, want 1 of %d", handles, n, handle, ofA)
			}
		}
	})
}

func TestACLDataTooLongIsRejected(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, _ := connect(a, b)
		a.locked(func() {
			if err := a.controller.Input(hcipacket.ACL{Handle: ofA, Data: make([]byte, 1022)}.Append(nil)); err == nil {
				t.Error("1022 bytes were taken")
			}
		})
		b.expectNothing()
		// Data for an unknown handle is ignored: the host may not know yet that
		// the connection has ended.
		a.input(hcipacket.ACL{Handle: ofA + 1, Data: []byte("late")}.Append(nil))
		a.expectNothing()
	})
}

func TestStallHoldsDataAndLMP(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, _ := connect(a, b)
		a.locked(func() { a.conditions(b).Stall() })
		a.input(hcipacket.ACL{Handle: ofA, Boundary: hcipacket.FirstFlushable, Data: []byte("1")}.Append(nil))
		a.begin(controller.ReadRemoteSupportedFeatures, hcipacket.Parameters{}.Handle(ofA))
		a.input(hcipacket.ACL{Handle: ofA, Boundary: hcipacket.FirstFlushable, Data: []byte("2")}.Append(nil))
		time.Sleep(time.Hour)
		a.expectNothing()
		b.expectNothing()
		a.locked(func() { a.conditions(b).Resume() })
		a.event(hcipacket.NumberOfCompletedPackets)
		if first, second := b.data(), b.data(); string(first.Data)+string(second.Data) != "12" {
			t.Errorf("B received %+v and %+v", first, second)
		}
	})
}

func TestPageTimeoutWhenNotHeard(t *testing.T) {
	for name, hide := range map[string]func(a, b *host){
		"no page scan":   func(_, b *host) { b.do(controller.WriteScanEnable, hcipacket.Parameters{1}) },
		"out of range":   func(_, b *host) { b.locked(func() { b.controller.Station().SetReachable(false) }) },
		"powered off":    func(_, b *host) { b.locked(b.controller.PowerOff) },
		"stalled":        func(a, b *host) { a.locked(func() { a.conditions(b).Stall() }) },
		"heard too late": func(a, b *host) { a.locked(func() { a.conditions(b).PageDelay = 6 * time.Second }) },
	} {
		t.Run(name, func(t *testing.T) {
			withHosts(t, func(t *testing.T, a, b, _ *host) {
				hide(a, b)
				a.begin(controller.CreateConnection, connectTo(addressOfB))
				f := a.after(5120*time.Millisecond, hcipacket.ConnectionComplete)
				if status := hcipacket.Status(f.Uint8()); status != hcipacket.PageTimeout {
					t.Errorf("the page ended with %v", status)
				}
				b.expectNothing()
			})
		})
	}
}

func TestWritePageTimeout(t *testing.T) {
	withHosts(t, func(t *testing.T, a, _, _ *host) {
		a.do(controller.WritePageTimeout, hcipacket.Parameters{}.Uint16(0x0640)) // 1 s
		a.begin(controller.CreateConnection, connectTo(absent))
		a.after(time.Second, hcipacket.ConnectionComplete)
		a.locked(func() { a.controller.Station().PageTimeout = 50 * time.Millisecond })
		a.begin(controller.CreateConnection, connectTo(absent))
		a.after(50*time.Millisecond, hcipacket.ConnectionComplete)
	})
}

func TestPageIsHeardOncePossible(t *testing.T) {
	for name, change := range map[string]struct{ hide, show func(a, b *host) }{
		"page scan": {
			func(_, b *host) { b.do(controller.WriteScanEnable, hcipacket.Parameters{0}) },
			func(_, b *host) { b.do(controller.WriteScanEnable, hcipacket.Parameters{2}) },
		},
		"in range": {
			func(_, b *host) { b.locked(func() { b.controller.Station().SetReachable(false) }) },
			func(_, b *host) { b.locked(func() { b.controller.Station().SetReachable(true) }) },
		},
		"after a stall": {
			func(a, b *host) { a.locked(func() { a.conditions(b).Stall() }) },
			func(a, b *host) { a.locked(func() { a.conditions(b).Resume() }) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			withHosts(t, func(t *testing.T, a, b, _ *host) {
				change.hide(a, b)
				a.begin(controller.CreateConnection, connectTo(addressOfB))
				time.Sleep(2 * time.Second)
				a.expectNothing()
				b.expectNothing()
				change.show(a, b)
				b.event(hcipacket.ConnectionRequest)
			})
		})
	}
}

func TestPageDelay(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		a.locked(func() {
			a.conditions(b).PageDelay = 700 * time.Millisecond
			a.conditions(b).SetDelay(20 * time.Millisecond) // is added
		})
		a.begin(controller.CreateConnection, connectTo(addressOfB))
		b.after(720*time.Millisecond, hcipacket.ConnectionRequest)
	})
}

func TestRejectConnectionRequest(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		// Rejected by the controller.
		b.locked(func() { b.controller.Station().Refusal = hcipacket.LimitedResources })
		a.begin(controller.CreateConnection, connectTo(addressOfB))
		a.connected(addressOfB, hcipacket.LimitedResources)
		b.expectNothing()
		// Rejected by the host.
		b.locked(func() { b.controller.Station().Refusal = 0 })
		a.begin(controller.CreateConnection, connectTo(addressOfB))
		b.event(hcipacket.ConnectionRequest)
		b.begin(controller.RejectConnectionRequest, hcipacket.Parameters{}.Address(addressOfA).Status(hcipacket.UnacceptableAddress))
		b.connected(addressOfA, hcipacket.UnacceptableAddress)
		a.connected(addressOfB, hcipacket.UnacceptableAddress)
		// Not answered by the host.
		b.do(controller.WriteConnectionAcceptTimeout, hcipacket.Parameters{}.Uint16(0x0640)) // 1 s
		a.begin(controller.CreateConnection, connectTo(addressOfB))
		b.event(hcipacket.ConnectionRequest)
		time.Sleep(time.Second)
		b.connected(addressOfA, hcipacket.AcceptTimeout)
		a.connected(addressOfB, hcipacket.AcceptTimeout)
		// A later answer has no effect.
		if status := b.status(controller.AcceptConnectionRequest, hcipacket.Parameters{}.Address(addressOfA).Uint8(1)); status != hcipacket.UnknownConnection {
			t.Errorf("a late answer: %v", status)
		}
		if status := b.status(controller.RejectConnectionRequest, hcipacket.Parameters{}.Address(addressOfA).Status(hcipacket.LimitedResources)); status != hcipacket.UnknownConnection {
			t.Errorf("a late rejection: %v", status)
		}
		connect(a, b)
	})
}

func TestCreateConnectionCancel(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		a.begin(controller.CreateConnection, connectTo(absent))
		a.do(controller.CreateConnectionCancel, hcipacket.Parameters{}.Address(absent))
		a.connected(absent, hcipacket.UnknownConnection)
		time.Sleep(time.Minute)
		a.expectNothing()
		if status, _ := a.complete(controller.CreateConnectionCancel, hcipacket.Parameters{}.Address(absent)); status != hcipacket.UnknownConnection {
			t.Errorf("cancelling no page: %v", status)
		}
		// The other host may already have received the request.
		a.begin(controller.CreateConnection, connectTo(addressOfB))
		b.event(hcipacket.ConnectionRequest)
		a.do(controller.CreateConnectionCancel, hcipacket.Parameters{}.Address(addressOfB))
		a.connected(addressOfB, hcipacket.UnknownConnection)
		b.begin(controller.AcceptConnectionRequest, hcipacket.Parameters{}.Address(addressOfA).Uint8(1))
		b.connected(addressOfA, hcipacket.ConnectionTimeout)
		connect(a, b)
		if status, _ := a.complete(controller.CreateConnectionCancel, hcipacket.Parameters{}.Address(addressOfB)); status != hcipacket.ConnectionExists {
			t.Errorf("cancelling an established connection: %v", status)
		}
	})
}

func TestCreateConnectionByBothEnds(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		a.begin(controller.CreateConnection, connectTo(addressOfB))
		b.event(hcipacket.ConnectionRequest)
		b.begin(controller.CreateConnection, connectTo(addressOfA)) // sent before B's host processed the request
		a.event(hcipacket.ConnectionRequest)
		a.begin(controller.AcceptConnectionRequest, hcipacket.Parameters{}.Address(addressOfB).Uint8(1))
		ofA := a.connected(addressOfB, hcipacket.Success)
		b.connected(addressOfA, hcipacket.Success)
		if status := b.status(controller.AcceptConnectionRequest, hcipacket.Parameters{}.Address(addressOfA).Uint8(1)); status != hcipacket.UnknownConnection {
			t.Errorf("accepting the other page: %v", status)
		}
		time.Sleep(time.Minute)
		a.expectNothing()
		b.expectNothing()
		a.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofA).Status(hcipacket.RemoteUserTerminated))
	})
}

func TestCreateConnectionTwiceIsRejected(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		a.begin(controller.CreateConnection, connectTo(absent))
		if status := a.status(controller.CreateConnection, connectTo(absent)); status != hcipacket.CommandDisallowed {
			t.Errorf("while the first is paged: %v", status)
		}
		connect(a, b)
		if status := a.status(controller.CreateConnection, connectTo(addressOfB)); status != hcipacket.ConnectionExists {
			t.Errorf("while there is a connection: %v", status)
		}
	})
}

func TestDisconnectNotifiesBothEnds(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		b.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofB).Status(hcipacket.RemoteLowResources))
		b.disconnected(ofB, hcipacket.TerminatedByLocalHost)
		a.disconnected(ofA, hcipacket.RemoteLowResources)
		if status := b.status(controller.Disconnect, hcipacket.Parameters{}.Handle(ofB).Uint8(0x13)); status != hcipacket.UnknownConnection {
			t.Errorf("a second time: %v", status)
		}
		if again, _ := connect(a, b); again == ofA {
			t.Errorf("the next connection has the same handle %d", ofA)
		}
	})
}

func TestDisconnectInStallArrivesAtItsEnd(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		a.locked(func() { a.conditions(b).Stall() })
		a.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofA).Status(hcipacket.RemoteUserTerminated))
		a.disconnected(ofA, hcipacket.TerminatedByLocalHost)
		time.Sleep(time.Second)
		b.expectNothing()
		a.locked(func() { a.conditions(b).Resume() })
		b.disconnected(ofB, hcipacket.RemoteUserTerminated)
		connect(a, b)
	})
}

func TestConditionsDisconnectReasons(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		a.locked(func() {
			if !a.conditions(b).Disconnect(hcipacket.RemotePowerOff) {
				t.Error("there was no connection")
			}
		})
		a.disconnected(ofA, hcipacket.RemotePowerOff)
		b.disconnected(ofB, hcipacket.RemotePowerOff)
		a.locked(func() {
			if a.conditions(b).Disconnect(hcipacket.RemotePowerOff) {
				t.Error("there was still a connection")
			}
		})

		// At one end only: the other end loses the connection by supervision
		// timeout.
		ofA, ofB = connect(a, b)
		a.do(controller.WriteLinkSupervisionTimeout, hcipacket.Parameters{}.Handle(ofA).Uint16(0x0c80)) // 2 s
		a.locked(func() { a.conditions(b).Disconnect(hcipacket.RemoteLowResources, addressOfA) })
		a.disconnected(ofA, hcipacket.RemoteLowResources)
		b.gone(b.after(2*time.Second, hcipacket.DisconnectionComplete), ofB, hcipacket.ConnectionTimeout)

		// With ConnectionTimeout, both ends wait for the supervision timeout.
		ofA, ofB = connect(a, b)
		a.locked(func() {
			a.conditions(b).SetSupervisionTimeout(300 * time.Millisecond)
			a.conditions(b).Disconnect(hcipacket.ConnectionTimeout)
		})
		a.input(hcipacket.ACL{Handle: ofA, Boundary: hcipacket.FirstFlushable, Data: []byte("lost")}.Append(nil))
		a.gone(a.after(300*time.Millisecond, hcipacket.DisconnectionComplete), ofA, hcipacket.ConnectionTimeout)
		b.disconnected(ofB, hcipacket.ConnectionTimeout)
		connect(a, b)
	})
}

func TestResetIsNoticedBySupervision(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		_, ofB := connect(a, b)
		c.begin(controller.CreateConnection, connectTo(addressOfA))
		a.event(hcipacket.ConnectionRequest)
		a.do(controller.Reset, nil)
		c.connected(addressOfA, hcipacket.PageTimeout)
		b.gone(b.after(20*time.Second, hcipacket.DisconnectionComplete), ofB, hcipacket.ConnectionTimeout)
		a.expectNothing()
		a.do(controller.WriteScanEnable, hcipacket.Parameters{3})
		connect(b, a)
	})
}

// A device that was reset can page another one that still has their connection.
func TestPageOverRemovedConnectionEndsIt(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		_, ofB := connect(a, b)
		a.do(controller.Reset, nil)
		a.begin(controller.CreateConnection, connectTo(addressOfB))
		b.disconnected(ofB, hcipacket.ConnectionTimeout)
		b.event(hcipacket.ConnectionRequest)
		b.begin(controller.AcceptConnectionRequest, hcipacket.Parameters{}.Address(addressOfA).Uint8(1))
		b.connected(addressOfA, hcipacket.Success)
		a.connected(addressOfB, hcipacket.Success)
	})
}

func TestSetDelayOnlyDelays(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, _ := connect(a, b)
		a.locked(func() { a.conditions(b).SetDelay(30 * time.Millisecond) })
		for range 3 {
			a.input(hcipacket.ACL{Handle: ofA, Boundary: hcipacket.FirstFlushable, Data: []byte("data")}.Append(nil))
			a.event(hcipacket.NumberOfCompletedPackets)
		}
		time.Sleep(29 * time.Millisecond)
		b.expectNothing()
		time.Sleep(time.Millisecond)
		a.expectNothing()
		for range 3 {
			b.data()
		}
	})
}

// In Packet_Type of HCI_Change_Connection_Packet_Type (section 7.1.14), set
// bits for EDR packets forbid those packets.
func TestChangeConnectionPacketType(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, _ := connect(a, b)
		a.locked(func() { a.conditions(b).SetPacketTypes(air.EDR3) })
		for _, tt := range []struct {
			types uint16
			slots int
		}{
			{0xcc18, 6},                      // a 3-DH5
			{0xcc18 | 0x2204, 6 + 4},         // no 3 Mbit/s: a 2-DH5, and 342 bytes in a 2-DH3
			{0xcc18 | 0x3306, 6 + 6 + 6 + 2}, // no EDR: three DH5 and 4 bytes in a DM1
		} {
			a.begin(controller.ChangeConnectionPacketType, hcipacket.Parameters{}.Handle(ofA).Uint16(tt.types))
			a.event(hcipacket.ConnectionPacketTypeChanged)
			var before int
			a.locked(func() { before = a.conditions(b).Airtime().Slots })
			a.input(hcipacket.ACL{Handle: ofA, Boundary: hcipacket.FirstFlushable, Data: make([]byte, 1021)}.Append(nil))
			time.Sleep(time.Second)
			a.event(hcipacket.NumberOfCompletedPackets)
			b.data()
			a.locked(func() {
				if got := a.conditions(b).Airtime().Slots - before; got != tt.slots {
					t.Errorf("packet types %#x: %d slots, want %d", tt.types, got, tt.slots)
				}
			})
		}
	})
}
