// Package serial tests package serial in the lab: with the kernel's RFCOMM ttys,
// pseudo terminals and the programs that open them.
package serial
