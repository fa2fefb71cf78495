package inquiry

import (
	"fmt"
	"strings"
)

// A Class is a Class of Device, of 24 bits: a major class, a minor class whose
// meaning depends on the major class, and a set of service classes (Assigned
// Numbers, section 2.8). Zero stands for an unknown class.
type Class uint32

// Major returns the name of the major class, such as "Phone". For reserved
// values it returns "Reserved".
func (c Class) Major() string {
	if name := c.major().name; name != "" {
		return name
	}
	return "Reserved"
}

// Minor returns the name of the minor class, such as "Smartphone". It returns
// "" if the minor class is uncategorized or reserved.
func (c Class) Minor() string {
	if minor := c.major().minor; minor != nil {
		return minor(int(c >> 2 & 0x3f))
	}
	return ""
}

// Services returns the names of the service classes, such as "Audio", in the
// order of their bits.
func (c Class) Services() []string {
	var names []string
	for i, name := range services {
		if name != "" && c&(1<<(firstService+i)) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String returns the major class and, if it is known, the minor class:
// "Phone (Smartphone)".
func (c Class) String() string {
	if minor := c.Minor(); minor != "" {
		return fmt.Sprintf("%s (%s)", c.Major(), minor)
	}
	return c.Major()
}

func (c Class) major() majorClass { return majors[c>>8&0x1f] }

// A majorClass is a major device class.
type majorClass struct {
	name  string
	minor func(bits int) string // the name of a minor class; nil if it has none
}

var majors = [32]majorClass{
	0: {"Miscellaneous", nil},
	1: {"Computer", oneOf("Desktop", "Server", "Laptop", "Handheld computer", "Palm-size computer",
		"Wearable computer", "Tablet")},
	2: {"Phone", oneOf("Cellular", "Cordless", "Smartphone", "Modem or gateway", "ISDN access")},
	3: {"Network access point", networkLoad},
	4: {"Audio/Video", oneOf("Headset", "Hands-free", "", "Microphone", "Loudspeaker", "Headphones",
		"Portable audio", "Car audio", "Set-top box", "HiFi audio", "Video recorder", "Video camera",
		"Camcorder", "Video monitor", "Video display and loudspeaker", "Video conferencing", "",
		"Gaming or toy")},
	5: {"Peripheral", peripheral},
	6: {"Imaging", imaging},
	7: {"Wearable", oneOf("Wristwatch", "Pager", "Jacket", "Helmet", "Glasses", "Pin")},
	8: {"Toy", oneOf("Robot", "Vehicle", "Doll or action figure", "Controller", "Game")},
	9: {"Health", oneOf("Blood pressure monitor", "Thermometer", "Weighing scale", "Glucose meter",
		"Pulse oximeter", "Heart rate monitor", "Health data display", "Step counter",
		"Body composition analyzer", "Peak flow monitor", "Medication monitor", "Knee prosthesis",
		"Ankle prosthesis", "Health manager", "Personal mobility device")},
	0x1f: {"Uncategorized", nil},
}

// oneOf returns a function that numbers the names from 1.
func oneOf(names ...string) func(bits int) string {
	return func(bits int) string {
		if bits < 1 || bits > len(names) {
			return ""
		}
		return names[bits-1]
	}
}

// networkLoad names the upper three bits of a minor class.
func networkLoad(bits int) string {
	return [8]string{
		"fully available", "1 to 17 % utilized", "17 to 33 % utilized", "33 to 50 % utilized",
		"50 to 67 % utilized", "67 to 83 % utilized", "83 to 99 % utilized", "no service available",
	}[bits>>3]
}

var peripheralKind = oneOf("Joystick", "Gamepad", "Remote control", "Sensor", "Digitizer tablet",
	"Card reader", "Digital pen", "Handheld scanner", "Gestural input device")

// peripheral names the two flags of a minor class and the kind below them.
func peripheral(bits int) string {
	flags := [4]string{"", "Keyboard", "Pointing device", "Keyboard and pointing device"}[bits>>4]
	return join(", ", flags, peripheralKind(bits&0xf))
}

// imaging names the four flags of a minor class.
func imaging(bits int) string {
	names := make([]string, 4)
	for i, name := range []string{"Display", "Camera", "Scanner", "Printer"} {
		if bits&(1<<(2+i)) != 0 {
			names[i] = name
		}
	}
	return join(", ", names...)
}

// join joins the strings that are not empty.
func join(separator string, parts ...string) string {
	var all []string
	for _, part := range parts {
		if part != "" {
			all = append(all, part)
		}
	}
	return strings.Join(all, separator)
}

// firstService is the bit of the first service class.
const firstService = 13

var services = [...]string{
	"Limited discoverable", "LE audio", "", "Positioning", "Networking", "Rendering", "Capturing",
	"Object transfer", "Audio", "Telephony", "Information",
}
