// Package btsnoop writes logs of HCI packets in the btsnoop format, which btmon
// -r and Wireshark read.
//
// The format is that of snoop (RFC 1761) with other values: the identification
// is "btsnoop", the version is 1, and times are in microseconds. This package
// writes datalink type 2001, BlueZ's monitor format, which supports packets of
// several adapters: the flags hold the index of the adapter and an opcode
// (BlueZ, src/shared/btsnoop.h; Linux, include/net/bluetooth/hci_mon.h).
package btsnoop
