// Package hci asks the Linux kernel what it knows of the machine's Bluetooth
// adapters and of their links to other devices.
//
// For that it uses three ioctls of the kernel's HCI sockets, which read only
// and need no privilege: HCIGETDEVLIST, HCIGETDEVINFO and HCIGETCONNLIST
// (net/bluetooth/hci_sock.c). On other platforms, all functions fail with
// errors.ErrUnsupported.
package hci

// An Adapter is a Bluetooth controller as the kernel sees it.
type Adapter struct {
	Index   int
	Name    string  // "hci0"
	Address [6]byte // BD_ADDR in the order in which it is written
	Flags   Flags

	// ACLLength is the most bytes that the controller takes at once for a
	// link; 0 while it has not told.
	ACLLength int
	// Packets are the most bytes that the adapter's fastest packets of 1, of 3
	// and of 5 slots carry over a link. The peer may not take these packets.
	Packets [3]int
}

// Flags are the kernel's flags of an adapter (include/net/bluetooth/hci.h).
type Flags uint32

// The flags that describe the state of an adapter.
const (
	Up          Flags = 1 << 0 // HCI_UP
	Init        Flags = 1 << 1 // HCI_INIT: being set up
	PageScan    Flags = 1 << 3 // HCI_PSCAN: answers pages, so that devices can connect
	InquiryScan Flags = 1 << 4 // HCI_ISCAN: answers inquiries, so that devices can find it
)

// A Link is an ACL connection of an adapter to another device. All RFCOMM
// connections between the two share it.
type Link struct {
	Handle uint16  // the controller's number for it
	Device [6]byte // BD_ADDR of the other end, in the order in which it is written
	Mode   Mode

	Outgoing bool  // this adapter made it
	State    State // Connected, unless it comes from AllLinks
}

// State is how far the kernel is with a link
// (include/net/bluetooth/bluetooth.h).
type State int

// States of links.
const (
	Connected   State = 1 // BT_CONNECTED: it carries data
	Configuring State = 7 // BT_CONFIG: set up so far that the devices can pair
)

// Mode is the set of the kernel's HCI_LM flags of a link.
type Mode uint32

// The flags that describe how a link is protected
// (include/net/bluetooth/hci.h).
const (
	Encrypted Mode = 0x0004 // HCI_LM_ENCRYPT
	// FIPS is set when the link is encrypted with a P-256 key whose pairing
	// was protected against a man in the middle (hci_encrypt_change_evt).
	FIPS Mode = 0x0040 // HCI_LM_FIPS
)
