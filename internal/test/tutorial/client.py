"""The article's client, step by step, in PyBluez. It writes the file to "received"."""

import sys, bluetooth
near, far, channel, name = sys.argv[1:]
client = bluetooth.BluetoothSocket(bluetooth.RFCOMM)
client.bind((near, 0))
client.connect((far, int(channel)))
print(client.recv(2048).decode(), flush=True)
client.send(name)
mark = b"Transfer complete"
received = bytearray()
while not received.endswith(mark):
    try:
        part = client.recv(4096)
    except bluetooth.BluetoothError:
        break
    if not part:
        break
    received += part
client.close()
if received.endswith(mark):
    del received[-len(mark):]
    print("complete")
else:
    print("incomplete:", received[-200:])
with open("received", "wb") as f:
    f.write(received)
