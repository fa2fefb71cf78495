package controller_test

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// These tests cover the values that a host reads and sets for one connection.

// Handles count up, wrap after 0x0eff (section 5.4.2), and skip those in use.
func TestConnectionHandlesAreUnique(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		kept, _ := connect(a, b)
		last := kept
		for range 0x0eff {
			handle, atC := connect(a, c)
			if want := last%0x0eff + 1; handle != want && want != kept {
				t.Fatalf("handle %#x after %#x", handle, last)
			}
			if handle == kept || handle == 0 || handle > 0x0eff {
				t.Fatalf("handle %#x, while %#x is in use", handle, kept)
			}
			last = handle
			a.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(handle).Status(hcipacket.RemoteUserTerminated))
			a.disconnected(handle, hcipacket.TerminatedByLocalHost)
			c.disconnected(atC, hcipacket.RemoteUserTerminated)
		}
		// Data still belongs to the connection that was kept.
		a.input(hcipacket.ACL{Handle: kept, Boundary: hcipacket.FirstFlushable, Data: []byte("data")}.Append(nil))
		b.data()
		c.expectNothing()
	})
}

func TestConnectionRequestDescribesThePager(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		a.do(controller.WriteClassOfDevice, hcipacket.Parameters{}.Uint24(0x5a020c))
		a.begin(controller.CreateConnection, connectTo(addressOfB))
		f := b.event(hcipacket.ConnectionRequest)
		if from, class, linkType := f.Address(), f.Uint24(), f.Uint8(); from != addressOfA || class != 0x5a020c || linkType != 1 {
			t.Errorf("a page of %x, class %#x, link type %d", from, class, linkType)
		}
	})
}

// A connection begins with the default settings of its host, and keeps its own.
func TestLinkPolicyOfOneConnection(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		a.do(controller.WriteDefaultLinkPolicySettings, hcipacket.Parameters{}.Uint16(0x0005))
		toB, _ := connect(a, b)
		toC, _ := connect(a, c)
		a.do(controller.WriteLinkPolicySettings, hcipacket.Parameters{}.Handle(toB).Uint16(0x0007))
		for handle, want := range map[hcipacket.Handle]uint16{toB: 0x0007, toC: 0x0005} {
			f := a.do(controller.ReadLinkPolicySettings, hcipacket.Parameters{}.Handle(handle))
			if got, policy := f.Handle(), f.Uint16(); got != handle || policy != want {
				t.Errorf("policy %#x of connection %d, want %#x of %d", policy, got, want, handle)
			}
		}
	})
}

func TestReadLinkSupervisionTimeout(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		toB, _ := connect(a, b)
		toC, _ := connect(a, c)
		a.do(controller.WriteLinkSupervisionTimeout, hcipacket.Parameters{}.Handle(toB).Uint16(0x0640)) // 1 s
		for handle, want := range map[hcipacket.Handle]uint16{toB: 0x0640, toC: 0x7d00} {
			f := a.do(controller.ReadLinkSupervisionTimeout, hcipacket.Parameters{}.Handle(handle))
			if got, slots := f.Handle(), f.Uint16(); got != handle || slots != want {
				t.Errorf("%#x slots of connection %d, want %#x of %d", slots, got, want, handle)
			}
		}
	})
}

// The kernel drops a link whose keys are shorter than 7 bytes, and requires 16
// for BT_SECURITY_FIPS (hci_encrypt_cfm, l2cap_check_enc_key_size).
func TestReadEncryptionKeySizeIs16(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, _ := connect(a, b)
		f := a.do(controller.ReadEncryptionKeySize, hcipacket.Parameters{}.Handle(ofA))
		if handle, size := f.Handle(), f.Uint8(); handle != ofA || size != 16 {
			t.Errorf("%d bytes on connection %d, want 16 on %d", size, handle, ofA)
		}
	})
}

// A connection uses the packet types that its host allows and both controllers
// have.
func TestConnectionPacketTypes(t *testing.T) {
	const (
		all          = 0xcc18
		noEnhanced   = all | 0x3306
		threeAndFour = 3*(5+1) + 1 + 1 // slots of three DH5, and 4 bytes in a DM1
	)
	for name, tt := range map[string]struct {
		types  [2]air.PacketTypes // of the controllers of A and B
		create uint16             // Packet_Type of A's HCI_Create_Connection
		change uint16             // of A's HCI_Change_Connection_Packet_Type, unless 0
		slots  int                // for 1021 bytes
	}{
		"all":                          {[2]air.PacketTypes{air.EDR3, air.EDR3}, all, 0, 6},
		"the host allows basic rate":   {[2]air.PacketTypes{air.EDR3, air.EDR3}, noEnhanced, 0, threeAndFour},
		"and then all":                 {[2]air.PacketTypes{air.EDR3, air.EDR3}, noEnhanced, all, 6},
		"the controller has no more":   {[2]air.PacketTypes{air.BasicRate, air.EDR3}, all, 0, threeAndFour},
		"nor after a change":           {[2]air.PacketTypes{air.BasicRate, air.EDR3}, all, all, threeAndFour},
		"the other controller, either": {[2]air.PacketTypes{air.EDR3, air.BasicRate}, all, all, threeAndFour},
	} {
		t.Run(name, func(t *testing.T) {
			adjust := func(number int, config *controller.Config) {
				if number < 2 {
					config.PacketTypes = tt.types[number]
				}
			}
			withControllers(t, adjust, func(t *testing.T, a, b, _ *host) {
				a.locked(func() { a.conditions(b).SetPacketTypes(air.EDR3) })
				a.begin(controller.CreateConnection, hcipacket.Parameters{}.Address(addressOfB).Uint16(tt.create).Uint8(2, 0).Uint16(0).Uint8(1))
				b.event(hcipacket.ConnectionRequest)
				b.begin(controller.AcceptConnectionRequest, hcipacket.Parameters{}.Address(addressOfA).Uint8(1))
				b.connected(addressOfA, hcipacket.Success)
				ofA := a.connected(addressOfB, hcipacket.Success)
				if tt.change != 0 {
					a.begin(controller.ChangeConnectionPacketType, hcipacket.Parameters{}.Handle(ofA).Uint16(tt.change))
					a.event(hcipacket.ConnectionPacketTypeChanged)
				}
				a.input(hcipacket.ACL{Handle: ofA, Boundary: hcipacket.FirstFlushable, Data: make([]byte, 1021)}.Append(nil))
				time.Sleep(time.Second)
				a.locked(func() {
					if got := a.conditions(b).Airtime().Slots; got != tt.slots {
						t.Errorf("%d slots, want %d", got, tt.slots)
					}
				})
			})
		})
	}
}

// The end of a connection frees the buffers of its data without
// HCI_Number_Of_Completed_Packets, which would name a handle of the past.
func TestDisconnectCompletesNoPackets(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		a.locked(func() { a.conditions(b).SetPacketTypes(air.EDR3) })
		a.input(hcipacket.ACL{Handle: ofA, Boundary: hcipacket.FirstFlushable, Data: make([]byte, 1021)}.Append(nil))
		a.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofA).Status(hcipacket.RemoteUserTerminated))
		a.disconnected(ofA, hcipacket.TerminatedByLocalHost)
		time.Sleep(time.Second)
		b.data()
		b.disconnected(ofB, hcipacket.RemoteUserTerminated)
		a.expectNothing()
	})
}
