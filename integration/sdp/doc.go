// Package sdp contains integration tests of package sdp: its client searches
// bluetoothd and scripted devices, and sdptool and PyBluez search its server. It
// contains no other code. The tests need root in the lab; see package
// integration.
//
// When all tests have ended, tshark decodes their packets. A packet that it calls
// malformed fails the test binary.
package sdp
