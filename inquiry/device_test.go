package inquiry_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/inquiry"
)

func TestDeviceString(t *testing.T) {
	a := rfcomm.BDAddr{1, 2, 3, 4, 5, 6}
	for want, d := range map[string]inquiry.Device{
		`01:02:03:04:05:06`:                         {Addr: a, RSSI: inquiry.RSSIUnknown},
		`01:02:03:04:05:06 "HC-05"`:                 {Addr: a, Name: "HC-05", RSSI: inquiry.RSSIUnknown},
		`01:02:03:04:05:06 Phone -60 dBm`:           {Addr: a, Class: 0x200, RSSI: -60},
		`01:02:03:04:05:06 "\x1b[2J\xff\n" -60 dBm`: {Addr: a, Name: "\x1b[2J\xff\n", RSSI: -60},
	} {
		if got := d.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestRSSIUnknown(t *testing.T) {
	if got := inquiry.RSSIUnknown.String(); got != "unknown" {
		t.Errorf("%q", got)
	}
	strengths := []inquiry.RSSI{20, inquiry.RSSIUnknown, -127}
	if slices.Sort(strengths); strengths[0] != inquiry.RSSIUnknown {
		t.Errorf("sorted: %v", strengths)
	}
}

func TestClassNames(t *testing.T) {
	for class, want := range map[inquiry.Class]string{
		0x000000: "Miscellaneous",
		0x00010c: "Computer (Laptop)",
		0x00011c: "Computer (Tablet)",
		0x000120: "Computer",
		0x5a020c: "Phone (Smartphone) Networking Capturing Object transfer Telephony",
		0x020300: "Network access point (fully available) Networking",
		0x0203e0: "Network access point (no service available) Networking",
		0x240404: "Audio/Video (Headset) Rendering Audio",
		0x24040c: "Audio/Video Rendering Audio",
		0x240418: "Audio/Video (Headphones) Rendering Audio",
		0x000448: "Audio/Video (Gaming or toy)",
		0x000500: "Peripheral",
		0x002508: "Peripheral (Gamepad) Limited discoverable",
		0x000540: "Peripheral (Keyboard)",
		0x000580: "Peripheral (Pointing device)",
		0x0005c0: "Peripheral (Keyboard and pointing device)",
		0x000594: "Peripheral (Pointing device, Digitizer tablet)",
		0x000680: "Imaging (Printer)",
		0x0406c0: "Imaging (Scanner, Printer) Rendering",
		0x000704: "Wearable (Wristwatch)",
		0x000814: "Toy (Game)",
		0x00093c: "Health (Personal mobility device)",
		0x000a00: "Reserved",
		0x001f00: "Uncategorized",
		0x001f04: "Uncategorized",
		0xff8000: "Miscellaneous Positioning Networking Rendering Capturing Object transfer Audio Telephony Information",
		0x004000: "Miscellaneous LE audio",
	} {
		got := strings.TrimSpace(class.String() + " " + strings.Join(class.Services(), " "))
		if got != want {
			t.Errorf("0x%06x: %q, want %q", class, got, want)
		}
	}
}

func TestClassOfAnyValue(t *testing.T) {
	for class := range inquiry.Class(1 << 13) {
		if s := class.String(); s == "" || strings.Contains(s, "()") {
			t.Fatalf("0x%06x: %q", class, s)
		}
	}
}
