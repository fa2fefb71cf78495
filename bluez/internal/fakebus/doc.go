// Package fakebus is a D-Bus daemon on a Unix socket and, on it, a bluetoothd that a
// test scripts: adapters, devices, profiles, agents, pairing, discovery, restarts,
// errors, delays. It serves tests of package bluez on machines without Bluetooth.
//
// Rules of the bus come from the D-Bus specification and from dbus-daemon; rules of
// bluetoothd come from BlueZ 5.66 and name the function of its source. The calls of
// package bluezcalls have the same errors here and, in the lab, from the real
// bluetoothd.
package fakebus
