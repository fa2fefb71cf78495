// Package faults contains the integration tests that produce the fault table,
// docs/faults.md: the result that a program gets for every fault of a
// Bluetooth connection, in every activity. It contains no other code. The
// tests need root in the lab (see package integration); lab/faults runs them
// and writes the table.
//
// A cell of the table is one activity under one fault. Its test connects two
// virtual adapters (package rfcommtest), starts the activity, applies the
// fault, and compares the caller's result with the plan: the error, and the
// time until it is returned. The test then reverts the fault, and checks that
// no descriptor and no goroutine is left and that a new connection works. A
// file transfer must never report success without the complete file, and the
// next attempt must resume from the data received so far and complete the file.
//
// Cells run one at a time: a link that stalls with full queues makes the
// kernel hold a lock that every RFCOMM socket of the machine needs. Cells
// that take more than 10 s because of the kernel's own timeouts run only with
// the flag -long.
package faults
