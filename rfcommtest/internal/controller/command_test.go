package controller_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// These are the commands that Linux sends to set up a controller. All must
// succeed.
func TestControllerAcceptsTheKernelsSetup(t *testing.T) {
	withHosts(t, func(t *testing.T, a, _, _ *host) {
		for _, command := range []hcipacket.Command{
			{Opcode: controller.Reset},
			{Opcode: controller.ReadLocalSupportedFeatures},
			{Opcode: controller.ReadLocalVersionInformation},
			{Opcode: controller.ReadBDADDR},
			{Opcode: controller.ReadLocalSupportedCommands},
			{Opcode: controller.WriteExtendedInquiryResponse, Parameters: make([]byte, 241)},
			{Opcode: controller.WriteInquiryMode, Parameters: []byte{2}},
			{Opcode: controller.ReadLocalExtendedFeatures, Parameters: []byte{1}},
			{Opcode: controller.ReadLocalExtendedFeatures, Parameters: []byte{2}},
			{Opcode: controller.ReadBufferSize},
			{Opcode: controller.ReadClassOfDevice},
			{Opcode: controller.ReadLocalName},
			{Opcode: controller.ReadVoiceSetting},
			{Opcode: controller.ReadNumberOfSupportedIAC},
			{Opcode: controller.ReadCurrentIACLAP},
			{Opcode: controller.WriteConnectionAcceptTimeout, Parameters: []byte{0x00, 0x7d}},
			{Opcode: controller.SetEventMask, Parameters: make([]byte, 8)},
			{Opcode: controller.SetEventMaskPage2, Parameters: make([]byte, 8)},
			{Opcode: controller.WriteSimplePairingMode, Parameters: []byte{1}},
			{Opcode: controller.WriteSecureConnectionsHost, Parameters: []byte{1}},
			{Opcode: controller.SetEventFilter, Parameters: []byte{0}},
			{Opcode: controller.ReadStoredLinkKey, Parameters: make([]byte, 7)},
			{Opcode: controller.WriteDefaultLinkPolicySettings, Parameters: []byte{0, 0}},
			{Opcode: controller.ReadPageScanActivity},
			{Opcode: controller.ReadPageScanType},
			{Opcode: controller.DeleteStoredLinkKey, Parameters: make([]byte, 7)},
			{Opcode: controller.WriteScanEnable, Parameters: []byte{2}},
		} {
			a.do(command.Opcode, command.Parameters)
		}
		a.expectNothing()
	})
}

func TestControllerReportsItsConfig(t *testing.T) {
	withHosts(t, func(t *testing.T, a, _, _ *host) {
		if got := a.do(controller.ReadBDADDR, nil).Address(); got != addressOfA {
			t.Errorf("address %x", got)
		}
		f := a.do(controller.ReadBufferSize, nil)
		if length, audio, buffers := f.Uint16(), f.Uint8(), f.Uint16(); length != 1021 || audio != 0 || buffers != 8 {
			t.Errorf("%d buffers of %d bytes, and of %d for audio", buffers, length, audio)
		}
		name := a.do(controller.ReadLocalName, nil).Bytes(248)
		if got := string(bytes.TrimRight(name, "\x00")); got != "controller A" {
			t.Errorf("name %q", got)
		}
		if status, _ := a.complete(controller.ReadLocalExtendedFeatures, hcipacket.Parameters{3}); status != hcipacket.InvalidParameters {
			t.Errorf("features of page 3: %v", status)
		}
	})
}

// Hosts rely on the list of supported commands. These bytes were assembled by
// hand from the octets and bits of Volume 4, Part E, section 6.27, and checked
// against btmon's list. They are independent of the controller's own table.
func TestReadLocalSupportedCommands(t *testing.T) {
	want := [64]byte{
		0:  0xb3, // inquiry; making, ending and cancelling a connection
		1:  0xff, // accepting and rejecting one; keys, PINs, packets, authentication
		2:  0xf9, // encryption; names, features and version of others
		3:  0x01, // clock offset
		4:  0x80, // role
		5:  0xde, // link policy; event mask, reset
		6:  0xa1, // event filter; stored keys
		7:  0xff, // name, accept timeout, page timeout, scans
		8:  0x3f, // scan activity, authentication
		9:  0x0f, // class, voice
		10: 0x04, // transmit power
		11: 0x1f, // supervision timeout, inquiry access codes
		12: 0xf0, // inquiry scan type, inquiry mode
		13: 0x03, // page scan type
		14: 0xf8, // version, commands, features, buffers
		15: 0x32, // address, link quality, RSSI
		17: 0x63, // extended inquiry response, simple pairing
		18: 0x80, // IO capability
		19: 0x0f, // confirmation, passkey
		20: 0x1c, // keypresses, refusal of the IO capability, key size
		22: 0x04, // second event mask
		32: 0x3c, // Secure Connections, authenticated payload timeout
	}
	withHosts(t, func(t *testing.T, a, _, _ *host) {
		if got := a.do(controller.ReadLocalSupportedCommands, nil).Bytes(64); !bytes.Equal(got, want[:]) {
			t.Errorf("got  % x\nwant % x", got, want)
		}
	})
}

func TestCommandsUnknownOrShortAreRejected(t *testing.T) {
	withHosts(t, func(t *testing.T, a, _, _ *host) {
		for _, opcode := range []hcipacket.Opcode{0x0403, 0x0c31, 0x2001, 0xfc00} {
			if status := a.status(opcode, hcipacket.Parameters{1, 2, 3}); status != hcipacket.UnknownCommand {
				t.Errorf("%v: %v", opcode, status)
			}
		}
		if status := a.status(controller.CreateConnection, hcipacket.Parameters{1, 2, 3}); status != hcipacket.InvalidParameters {
			t.Errorf("a cut Create_Connection: %v", status)
		}
		a.expectNothing()
	})
}

func TestCommandsWithUnknownHandleAreRejected(t *testing.T) {
	withHosts(t, func(t *testing.T, a, _, _ *host) {
		handle := hcipacket.Parameters{}.Handle(0x0123).Uint8(0, 0, 0)
		for _, opcode := range []hcipacket.Opcode{
			controller.Disconnect, controller.ReadRemoteSupportedFeatures, controller.ReadRemoteExtendedFeatures,
			controller.ReadRemoteVersionInformation, controller.ReadClockOffset, controller.AuthenticationRequested,
			controller.SetConnectionEncryption, controller.ChangeConnectionPacketType,
		} {
			if status := a.status(opcode, handle); status != hcipacket.UnknownConnection {
				t.Errorf("%v: %v", opcode, status)
			}
		}
		for _, opcode := range []hcipacket.Opcode{
			controller.RoleDiscovery, controller.ReadLinkPolicySettings, controller.WriteLinkPolicySettings, controller.ReadLinkSupervisionTimeout,
			controller.WriteLinkSupervisionTimeout, controller.ReadTransmitPowerLevel, controller.ReadLinkQuality, controller.ReadRSSI, controller.ReadEncryptionKeySize,
			controller.ReadAuthPayloadTimeout, controller.WriteAuthPayloadTimeout,
		} {
			status, f := a.complete(opcode, handle)
			if got := f.Handle(); status != hcipacket.UnknownConnection || got != 0x0123 {
				t.Errorf("%v: %v for handle %d", opcode, status, got)
			}
		}
	})
}

func TestSettingsReadBackWrites(t *testing.T) {
	withHosts(t, func(t *testing.T, a, _, _ *host) {
		for write, tt := range map[hcipacket.Opcode]struct {
			read hcipacket.Opcode
			size int
		}{
			controller.WriteLocalName:                 {controller.ReadLocalName, 248},
			controller.WriteExtendedInquiryResponse:   {controller.ReadExtendedInquiryResponse, 241},
			controller.WriteClassOfDevice:             {controller.ReadClassOfDevice, 3},
			controller.WriteScanEnable:                {controller.ReadScanEnable, 1},
			controller.WriteConnectionAcceptTimeout:   {controller.ReadConnectionAcceptTimeout, 2},
			controller.WritePageTimeout:               {controller.ReadPageTimeout, 2},
			controller.WriteVoiceSetting:              {controller.ReadVoiceSetting, 2},
			controller.WriteDefaultLinkPolicySettings: {controller.ReadDefaultLinkPolicySettings, 2},
			controller.WriteAuthenticationEnable:      {controller.ReadAuthenticationEnable, 1},
			controller.WriteInquiryMode:               {controller.ReadInquiryMode, 1},
			controller.WriteSimplePairingMode:         {controller.ReadSimplePairingMode, 1},
			controller.WriteSecureConnectionsHost:     {controller.ReadSecureConnectionsHost, 1},
			controller.WritePageScanActivity:          {controller.ReadPageScanActivity, 4},
			controller.WriteInquiryScanActivity:       {controller.ReadInquiryScanActivity, 4},
			controller.WritePageScanType:              {controller.ReadPageScanType, 1},
			controller.WriteInquiryScanType:           {controller.ReadInquiryScanType, 1},
		} {
			before := a.do(tt.read, nil).Bytes(tt.size)
			value := make([]byte, tt.size)
			for i := range value {
				value[i] = byte(i + 1)
			}
			a.do(write, value)
			if got := a.do(tt.read, nil).Bytes(tt.size); !bytes.Equal(got, value) {
				t.Errorf("%v: % x, want % x", tt.read, got, value)
			}
			a.do(controller.Reset, nil)
			if got := a.do(tt.read, nil).Bytes(tt.size); !bytes.Equal(got, before) && write != controller.WriteScanEnable {
				t.Errorf("%v after a reset: % x, want % x", tt.read, got, before)
			}
		}
	})
}

func TestInputRejectsInvalidPackets(t *testing.T) {
	withHosts(t, func(t *testing.T, a, _, _ *host) {
		for _, packet := range [][]byte{nil, {0x01}, {0x02, 1}, {0x03, 0, 0, 0}, {0x04, 0x0e, 0}, {0xff, 0}} {
			a.locked(func() {
				if err := a.controller.Input(packet); err == nil {
					t.Errorf("no error for % x", packet)
				}
			})
		}
		a.expectNothing()
	})
}

func TestRemoteCommandsQueryThePeer(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		own := a.do(controller.ReadLocalSupportedFeatures, nil).Bytes(8)
		b.do(controller.WriteSimplePairingMode, hcipacket.Parameters{1})
		b.do(controller.WriteLocalName, hcipacket.Parameters{}.Text("printer", 248))
		ofA, ofB := connect(a, b)

		a.begin(controller.ReadRemoteSupportedFeatures, hcipacket.Parameters{}.Handle(ofA))
		f := a.event(hcipacket.ReadRemoteSupportedFeaturesComplete)
		if status, handle, got := f.Uint8(), f.Handle(), f.Bytes(8); status != 0 || handle != ofA || !bytes.Equal(got, own) {
			t.Errorf("features: status %d, connection %d, % x", status, handle, got)
		}
		a.begin(controller.ReadRemoteExtendedFeatures, hcipacket.Parameters{}.Handle(ofA).Uint8(1))
		f = a.event(hcipacket.ReadRemoteExtendedFeaturesComplete)
		if status, handle, page, last, got := f.Uint8(), f.Handle(), f.Uint8(), f.Uint8(), f.Bytes(8); status != 0 || handle != ofA || page != 1 || last != 2 || got[0] != 1 {
			t.Errorf("features: status %d, connection %d, page %d of %d, % x; want simple pairing", status, handle, page, last, got)
		}
		a.begin(controller.ReadRemoteVersionInformation, hcipacket.Parameters{}.Handle(ofA))
		if f = a.event(hcipacket.ReadRemoteVersionInformationComplete); f.Uint8() != 0 || f.Handle() != ofA || f.Uint8() != 7 {
			t.Error("the version is not 4.1")
		}
		a.begin(controller.ReadClockOffset, hcipacket.Parameters{}.Handle(ofA))
		a.event(hcipacket.ReadClockOffsetComplete)
		for h, handle := range map[*host]hcipacket.Handle{a: ofA, b: ofB} {
			f := h.do(controller.RoleDiscovery, hcipacket.Parameters{}.Handle(handle))
			f.Handle()
			want := uint8(1) // peripheral
			if h == a {
				want = 0 // central
			}
			if role := f.Uint8(); role != want {
				t.Errorf("%s has role %d, want %d", h.name, role, want)
			}
		}
		a.begin(controller.ChangeConnectionPacketType, hcipacket.Parameters{}.Handle(ofA).Uint16(0xcc18))
		a.event(hcipacket.ConnectionPacketTypeChanged)

		// The name comes over the connection if there is one, even from a device
		// that does not answer pages. Each request is independent of the last.
		ask := hcipacket.Parameters{}.Address(addressOfB).Uint8(1, 0).Uint16(0)
		b.do(controller.WriteScanEnable, hcipacket.Parameters{0})
		for i, connected := range []bool{true, true, false, false} {
			if i == 2 {
				b.do(controller.WriteScanEnable, hcipacket.Parameters{2})
				a.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofA).Uint8(0x13))
				a.disconnected(ofA, hcipacket.TerminatedByLocalHost)
			}
			a.begin(controller.RemoteNameRequest, ask)
			f := a.event(hcipacket.RemoteNameRequestComplete)
			status, address, name := f.Uint8(), f.Address(), f.Bytes(248)
			if got := strings.TrimRight(string(name), "\x00"); status != 0 || address != addressOfB || got != "printer" {
				t.Errorf("name, while connected %v: status %d of %x, %q", connected, status, address, got)
			}
		}
		a.begin(controller.RemoteNameRequest, hcipacket.Parameters{}.Address(absent).Uint8(1, 0).Uint16(0))
		if f := a.after(5120*time.Millisecond, hcipacket.RemoteNameRequestComplete); hcipacket.Status(f.Uint8()) != hcipacket.PageTimeout {
			t.Error("the name of an absent device is known")
		}
	})
}

// Over a link, a name request ends together with the link, or when the host
// cancels it.
func TestRemoteNameRequestEndsWithLink(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		address := hcipacket.Parameters{}.Address(addressOfB)
		ask := append(address, 1, 0, 0, 0)
		ofA, _ := connect(a, b)
		a.locked(func() { a.conditions(b).Stall() })
		a.begin(controller.RemoteNameRequest, ask)
		if status := a.status(controller.RemoteNameRequest, ask); status != hcipacket.CommandDisallowed {
			t.Errorf("a second request: %v", status)
		}
		if status, _ := a.complete(controller.RemoteNameRequestCancel, address); status != hcipacket.Success {
			t.Errorf("cancel: %v", status)
		}
		a.wantStatus(hcipacket.RemoteNameRequestComplete, hcipacket.UnknownConnection)
		a.begin(controller.RemoteNameRequest, ask)
		a.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofA).Uint8(0x13))
		a.disconnected(ofA, hcipacket.TerminatedByLocalHost)
		a.wantStatus(hcipacket.RemoteNameRequestComplete, hcipacket.TerminatedByLocalHost)
		a.locked(func() { a.conditions(b).Resume() })
		a.expectNothing()
	})
}

func TestRemoteNameRequestCancel(t *testing.T) {
	withHosts(t, func(t *testing.T, a, _, _ *host) {
		address := hcipacket.Parameters{}.Address(absent)
		ask := hcipacket.Parameters{}.Address(absent).Uint8(1, 0).Uint16(0)
		if status, f := a.complete(controller.RemoteNameRequestCancel, address); status != hcipacket.UnknownConnection || f.Address() != absent {
			t.Errorf("cancelling none: %v", status)
		}
		for range 2 {
			a.begin(controller.RemoteNameRequest, ask)
			time.Sleep(time.Second)
			if status := a.status(controller.RemoteNameRequest, ask); status != hcipacket.CommandDisallowed {
				t.Errorf("a second request: %v", status)
			}
			if status, f := a.complete(controller.RemoteNameRequestCancel, address); status != hcipacket.Success || f.Address() != absent {
				t.Errorf("cancelling: %v", status)
			}
			f := a.event(hcipacket.RemoteNameRequestComplete)
			if status := hcipacket.Status(f.Uint8()); status != hcipacket.UnknownConnection || f.Address() != absent {
				t.Errorf("the request ended with %v", status)
			}
		}
		time.Sleep(time.Minute)
		a.expectNothing()
	})
}
