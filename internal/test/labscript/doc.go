// Package labscript tests the parts of the lab's scripts that need no virtual
// machine: options, the choice of a kernel's packages, and the tests that are
// left out on a kernel. It contains no other code.
package labscript
