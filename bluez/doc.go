// Package bluez finds and pairs devices, and publishes services, through BlueZ's
// daemon bluetoothd over D-Bus. It needs no root.
package bluez
