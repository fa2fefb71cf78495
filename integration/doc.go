// Package integration contains integration tests of package rfcomm on real
// RFCOMM sockets: between two Bluetooth adapters, with PyBluez as the peer, and
// with net/http and crypto/tls on top. It also tests the L2CAP sockets of
// internal/btsocket. It contains no other code.
//
// The tests need the two virtual adapters of the lab, a virtual machine that
// lab/run boots, and skip outside it. Some need root there. To run one test:
//
//	lab/run go test -v -run '^TestConnReadGetsLastData$' ./integration
//
// Its subdirectories test filetransfer over RFCOMM, the virtual radio of
// rfcommtest, the behavior under every fault, and long operation under
// random faults.
package integration
