// Package btsnoop writes a log of HCI packets in the format of btsnoop files,
// which btmon -r and Wireshark read.
//
// The format is that of snoop (RFC 1761) with other values: the identification
// is "btsnoop", the version 1, and times are in microseconds. The datalink type
// here is 2001, BlueZ's monitor format, which holds the packets of several
// adapters: flags are the index of the adapter and an opcode (BlueZ,
// src/shared/btsnoop.h; Linux, include/net/bluetooth/hci_mon.h).
package btsnoop
