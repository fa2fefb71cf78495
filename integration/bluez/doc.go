// Package bluez contains integration tests of package bluez with the real
// bluetoothd, as user nobody where the work needs no privilege. It contains no
// other code. The tests need root in the lab; see package integration.
package bluez
