// Package bluez finds and pairs devices, and publishes services, through BlueZ's
// daemon bluetoothd over D-Bus. It needs no root: the policy of the bus that BlueZ
// installs permits every user to call bluetoothd.
//
// [Listen] opens an RFCOMM listener and publishes it, so that other devices find
// it by its UUID. [Publish] publishes a service record alone. [Dial] finds the
// channel of a service and connects. [Connect] returns a [Client] for the other
// tasks: adapters, devices, discovery, pairing, agents and profiles.
//
// # bluetoothd and the bus
//
// A Client is a private connection to the system bus. bluetoothd forgets the
// registrations of a program with its connection, also if the program is killed.
// Publications, profiles and agents are registered again when bluetoothd has
// restarted; their Report functions receive the loss and the return.
//
// No function of this package starts bluetoothd. In a container, mount
// /run/dbus/system_bus_socket of the host, and use its network namespace for
// connections, since the kernel has Bluetooth sockets in the initial one only.
//
// # Errors
//
// Errors of bluetoothd and of the bus are an [*Error], whose text is one line with
// the cause and, where there is one, a remedy. errors.Is matches it with a variable
// of this package such as [ErrPowerOff]. The names and the texts of bluetoothd's
// errors differ between versions, so a program should not compare them itself.
//
// On systems other than Linux, functions return errors.ErrUnsupported.
package bluez
