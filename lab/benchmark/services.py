"""The ends that look a service up by its UUID, with PyBluez or with bluetoothd.

The service on channel N has the UUID b1000000-0000-1000-8000-0000000000NN, with N
in hexadecimal.
"""

import os
import signal
import sys
import time

role, far = sys.argv[1:3]
first, count, step = map(int, sys.argv[3:6])
channels = range(first, first + count)


def uuid(channel):
    return "b1000000-0000-1000-8000-0000000000%02x" % channel


def count_one(unit):
    print("1", unit, flush=True)


def dial():
    """Dials the services with PyBluez, as its documentation shows."""
    import bluetooth

    connections = []
    for channel in channels:
        found = bluetooth.find_service(uuid=uuid(channel), address=far)[0]
        connection = bluetooth.BluetoothSocket(bluetooth.RFCOMM)
        connection.connect((found["host"], found["port"]))
        connections.append(connection)
        count_one("connections")
    signal.pause()  # until killed


def search():
    """Searches for the records several times."""
    import bluetooth

    for _ in range(step):
        found = bluetooth.find_service(uuid="1101", address=far)
        if len(found) != count:
            raise SystemExit("found %d services, want %d" % (len(found), count))
        count_one("searches")
    signal.pause()


def system_bus():
    import dbus
    import dbus.mainloop.glib

    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    return dbus.SystemBus()


def manager(bus):
    import dbus

    return dbus.Interface(bus.get_object("org.bluez", "/org/bluez"), "org.bluez.ProfileManager1")


def managed_objects(bus):
    import dbus

    return dbus.Interface(bus.get_object("org.bluez", "/"), "org.freedesktop.DBus.ObjectManager").GetManagedObjects()


def await_adapters(bus):
    """Waits until bluetoothd has powered all adapters on."""
    wanted = {name for name in os.listdir("/sys/class/bluetooth") if ":" not in name}
    while True:
        adapters = {path: found["org.bluez.Adapter1"] for path, found in managed_objects(bus).items() if "org.bluez.Adapter1" in found}
        if wanted <= {path.rsplit("/", 1)[1] for path, adapter in adapters.items() if adapter["Powered"]}:
            return
        time.sleep(0.1)


def publish():
    """Publishes the services with bluetoothd, which opens no listeners."""
    from gi.repository import GLib

    bus = system_bus()
    await_adapters(bus)
    profiles = manager(bus)
    for channel in channels:
        options = {"Role": "server", "AutoConnect": False, "ServiceRecord": RECORD % (uuid(channel), channel)}
        # With the UUID of the service, bluetoothd would listen itself.
        profiles.RegisterProfile("/published/%d" % channel, uuid(0x80 + channel), options)
    print("published", flush=True)
    GLib.MainLoop().run()


RECORD = """<?xml version="1.0" encoding="UTF-8" ?><record>
<attribute id="0x0001"><sequence><uuid value="%s"/></sequence></attribute>
<attribute id="0x0004"><sequence><sequence><uuid value="0x0100"/></sequence>
<sequence><uuid value="0x0003"/><uint8 value="0x%02x"/></sequence></sequence></attribute>
<attribute id="0x0005"><sequence><uuid value="0x1002"/></sequence></attribute>
<attribute id="0x0100"><text value="Service"/></attribute></record>"""


def connect_profiles():
    """Dials the services by bluetoothd's method ConnectProfile."""
    import dbus
    import dbus.service
    from gi.repository import GLib

    near = sys.argv[6]
    bus = system_bus()
    connections = []

    class Profile(dbus.service.Object):
        @dbus.service.method("org.bluez.Profile1", in_signature="oha{sv}", out_signature="")
        def NewConnection(self, device, connection, properties):
            connections.append(connection.take())

    profiles, kept = manager(bus), []
    for channel in channels:
        kept.append(Profile(bus, "/dialed/%d" % channel))
        options = {"Role": "client", "AutoConnect": False, "RequireAuthentication": False}
        profiles.RegisterProfile("/dialed/%d" % channel, uuid(channel), options)

    objects = managed_objects(bus)
    (path,) = [
        path
        for path, interfaces in objects.items()
        if interfaces.get("org.bluez.Device1", {}).get("Address") == far
        and objects[interfaces["org.bluez.Device1"]["Adapter"]]["org.bluez.Adapter1"]["Address"] == near
    ]
    device = dbus.Interface(bus.get_object("org.bluez", path), "org.bluez.Device1")
    loop, left = GLib.MainLoop(), list(channels)

    def failed(error):
        print(error, flush=True)
        loop.quit()

    def dial_next():
        if left:
            device.ConnectProfile(uuid(left.pop(0)), reply_handler=connected, error_handler=failed)

    def connected():
        count_one("connections")
        dial_next()

    dial_next()
    loop.run()


{
    "dial-service": dial,
    "search": search,
    "publish": publish,
    "connect-profiles": connect_profiles,
}[role]()
