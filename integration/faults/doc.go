// Package faults holds the fault table: what a program sees of every fault that
// a Bluetooth connection can meet, in everything that it can be doing. It has
// tests alone, which need the virtual machine of lab/run and root; lab/faults
// writes what they find into docs/faults.md.
//
// A cell of the table is one activity under one fault. It makes a connection
// between two virtual adapters (package rfcommtest), starts the activity, lets the
// fault strike, and compares what the caller gets with what the plan says: the
// errno, and within what time. It then mends the fault, and sees whether anything
// is left behind and whether a new connection works. A file transfer must never
// succeed falsely, and the next attempt must go on from what has come and make
// the file whole.
//
// Cells run one at a time: a link that stalls with full queues makes the kernel
// hold a lock that every RFCOMM socket of the machine needs. Those that take
// longer than 10 s, because the kernel's own time limits are that long, run only
// with the flag -long.
package faults
