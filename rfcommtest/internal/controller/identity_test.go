package controller_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// seen is what A learns about B.
type seen struct {
	name     string
	class    uint32
	response string
}

// see makes A inquire for B, and ask for its name.
func see(t *testing.T, a, b, c *host) seen {
	t.Helper()
	respondEvenly(a)
	c.do(controller.WriteScanEnable, hcipacket.Parameters{0})
	a.do(controller.WriteInquiryMode, hcipacket.Parameters{2})
	a.begin(controller.Inquiry, inquiry(generalInquiry, 48, 1))
	time.Sleep(responseTime)
	found := a.result()
	a.event(hcipacket.InquiryComplete)
	name := remoteName(a)
	b.begin(controller.CreateConnection, connectTo(addressOfA))
	f := a.event(hcipacket.ConnectionRequest)
	f.Address()
	if class := f.Uint24(); class != found.class {
		t.Errorf("class %x in an inquiry result, %x in a page", found.class, class)
	}
	a.begin(controller.AcceptConnectionRequest, hcipacket.Parameters{}.Address(addressOfB).Uint8(1))
	a.connected(addressOfB, hcipacket.Success)
	b.connected(addressOfA, hcipacket.Success)
	if connected := remoteName(a); connected != name {
		t.Errorf("name %q, over a connection %q", name, connected)
	}
	return seen{name, found.class, found.response}
}

// remoteName makes A ask for the name of B.
func remoteName(a *host) string {
	a.Helper()
	a.begin(controller.RemoteNameRequest, hcipacket.Parameters{}.Address(addressOfB).Uint8(1, 0).Uint16(0))
	f := a.event(hcipacket.RemoteNameRequestComplete)
	f.Bytes(7)
	return string(bytes.TrimRight(f.Bytes(controller.NameSize), "\x00"))
}

func TestIdentityOverridesTheHost(t *testing.T) {
	const (
		power = "\x02\x0a\x04"     // transmit power
		uuids = "\x03\x03\x01\x11" // serial port
		old   = "\x04\x09old"      // complete name
		short = "\x03\x08ol"       // shortened name
		long  = "a name of more than forty-eight bytes, with an é in it"
	)
	for name, tt := range map[string]struct {
		config  controller.Config
		written string // by the host
		want    seen
	}{
		"the host's values":          {controller.Config{}, old + power, seen{"old", 0x111111, old + power}},
		"a class":                    {controller.Config{Seen: controller.Identity{Class: 0x001f00}}, old, seen{"old", 0x001f00, old}},
		"a name":                     {controller.Config{Seen: controller.Identity{Name: "HC-05"}}, old + power + uuids, seen{"HC-05", 0x111111, "\x06\x09HC-05" + power + uuids}},
		"a name instead of a short":  {controller.Config{Seen: controller.Identity{Name: "HC-05"}}, uuids + short, seen{"HC-05", 0x111111, "\x06\x09HC-05" + uuids}},
		"a name without a response":  {controller.Config{Seen: controller.Identity{Name: "HC-05"}}, "", seen{"HC-05", 0x111111, "\x06\x09HC-05"}},
		"a long name":                {controller.Config{Seen: controller.Identity{Name: long}}, old + power, seen{long, 0x111111, "\x30\x08" + long[:47] + power}},
		"a response":                 {controller.Config{Seen: controller.Identity{Response: []byte(power)}}, old, seen{"old", 0x111111, power}},
		"a response and a name":      {controller.Config{Seen: controller.Identity{Name: "HC-05", Response: []byte(power)}}, old, seen{"HC-05", 0x111111, power}},
		"an invalid response":        {controller.Config{Seen: controller.Identity{Name: "x"}}, power + "\xff\x0a", seen{"x", 0x111111, "\x02\x09x" + power}},
		"no space for the host's":    {controller.Config{Seen: controller.Identity{Name: "x"}}, power + "\xeb\xff" + strings.Repeat("v", 234), seen{"x", 0x111111, "\x02\x09x" + power}},
		"a 2.0 device":               {controller.Config{Version: controller.Version20, Seen: controller.Identity{Name: "HC-05"}}, "", seen{"HC-05", 0x111111, ""}},
		"a device without responses": {controller.Config{Without: controller.ExtendedInquiryResponse}, old, seen{"old", 0x111111, ""}},
	} {
		adjust := func(number int, config *controller.Config) {
			if number == 1 {
				config.Seen, config.Version, config.Without = tt.config.Seen, tt.config.Version, tt.config.Without
			}
		}
		t.Run(name, func(t *testing.T) {
			withControllers(t, adjust, func(t *testing.T, a, b, c *host) {
				own := hcipacket.Parameters{}.Text("old", controller.NameSize)
				b.do(controller.WriteLocalName, own)
				b.do(controller.WriteClassOfDevice, hcipacket.Parameters{}.Uint24(0x111111))
				if tt.config.Version == 0 {
					b.do(controller.WriteExtendedInquiryResponse, hcipacket.Parameters{0}.Text(tt.written, controller.ResponseSize))
				}
				if got := see(t, a, b, c); got != tt.want {
					t.Errorf("got  %+v\nwant %+v", got, tt.want)
				}
				// The host reads the values that it has written.
				if got := b.do(controller.ReadLocalName, nil).Bytes(controller.NameSize); !bytes.Equal(got, own) {
					t.Errorf("the host reads the name %q", got)
				}
				if got := b.do(controller.ReadClassOfDevice, nil).Uint24(); got != 0x111111 {
					t.Errorf("the host reads the class %x", got)
				}
			})
		})
	}
}

// A host takes over the values that it reads first.
func TestIdentityIsTheHostsDefault(t *testing.T) {
	response := []byte("\x06\x09HC-05")
	adjust := func(_ int, config *controller.Config) {
		config.Seen = controller.Identity{Name: "HC-05", Class: 0x001f00, Response: response}
	}
	withControllers(t, adjust, func(t *testing.T, a, _, _ *host) {
		a.do(controller.WriteClassOfDevice, hcipacket.Parameters{}.Uint24(0x111111))
		a.do(controller.Reset, nil)
		if got := a.do(controller.ReadLocalName, nil).Bytes(6); string(got) != "HC-05\x00" {
			t.Errorf("name %q", got)
		}
		if got := a.do(controller.ReadClassOfDevice, nil).Uint24(); got != 0x001f00 {
			t.Errorf("class %x", got)
		}
		if got := a.do(controller.ReadExtendedInquiryResponse, nil).Bytes(8); string(got) != "\x00"+string(response) {
			t.Errorf("response %q", got)
		}
	})
}
