// Package hci lists the machine's Bluetooth adapters and their links to other
// devices, as the Linux kernel knows them.
//
// It uses three ioctls of the kernel's HCI sockets that only read and need no
// privilege: HCIGETDEVLIST, HCIGETDEVINFO and HCIGETCONNLIST
// (net/bluetooth/hci_sock.c). On other platforms, all functions fail with
// errors.ErrUnsupported.
package hci

// An Adapter is a Bluetooth controller of this machine.
type Adapter struct {
	Index   int
	Name    string  // "hci0"
	Address [6]byte // BD_ADDR, the most significant byte first
	Flags   Flags

	// ACLLength is the maximum number of bytes that the controller accepts in
	// one packet for a link. It is 0 until the kernel has read it.
	ACLLength int
	// Packets holds the maximum number of bytes in the adapter's fastest
	// packets of 1, 3 and 5 slots. The peer may not support these packets.
	Packets [3]int
}

// Flags are the kernel's flags of an adapter (include/net/bluetooth/hci.h).
type Flags uint32

// The flags that describe the state of an adapter.
const (
	Up          Flags = 1 << 0 // HCI_UP
	Init        Flags = 1 << 1 // HCI_INIT: the kernel is setting it up
	PageScan    Flags = 1 << 3 // HCI_PSCAN: answers pages, so devices can connect
	InquiryScan Flags = 1 << 4 // HCI_ISCAN: answers inquiries, so devices can discover it
	Inquiring   Flags = 1 << 7 // HCI_INQUIRY: an inquiry is in progress
)

// A Link is an ACL connection of an adapter to another device. All RFCOMM
// connections between the two share it.
type Link struct {
	Handle uint16  // the controller's number for the link
	Device [6]byte // BD_ADDR of the peer, the most significant byte first
	Mode   Mode

	Outgoing bool  // this adapter opened the link
	State    State // Connected, unless it comes from AllLinks
}

// State is the kernel's state of a link (include/net/bluetooth/bluetooth.h).
type State int

// States of links.
const (
	Connected   State = 1 // BT_CONNECTED: it carries data
	Configuring State = 7 // BT_CONFIG: it is up, and the devices can pair
)

// Mode is the set of the kernel's HCI_LM flags of a link.
type Mode uint32

// The flags that describe the protection of a link
// (include/net/bluetooth/hci.h).
const (
	Encrypted Mode = 0x0004 // HCI_LM_ENCRYPT
	// FIPS is set when the link is encrypted with a P-256 key whose pairing
	// was protected against a man in the middle (hci_encrypt_change_evt).
	FIPS Mode = 0x0040 // HCI_LM_FIPS
)
