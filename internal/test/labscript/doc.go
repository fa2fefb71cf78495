// Package labscript tests the parts of the lab's scripts that need no virtual
// machine: options, the choice of a kernel's packages, the tests that are left
// out on a kernel, and unsuitable machines, with stand-ins for programs such as
// uname and QEMU. It contains no other code. To run also the tests of lab/run
// that start a virtual machine:
//
//	go test ./internal/test/labscript -machine
package labscript
