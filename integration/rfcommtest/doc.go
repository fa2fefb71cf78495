// Package rfcommtest contains integration tests of package rfcommtest: they
// connect the kernel's RFCOMM over virtual radios. It contains no other code.
// The tests need root in the lab; see package integration.
package rfcommtest
