"""The article's client, step by step, in PyBluez, with words about what has come."""

import sys

import bluetooth

near, far, channel, size = sys.argv[1:]
client = bluetooth.BluetoothSocket(bluetooth.RFCOMM)
client.bind((near, 0))
client.connect((far, int(channel)))
print("connected", flush=True)
client.recv(2048)
client.send("file")
mark = b"Transfer complete"
received = bytearray()
while not received.endswith(mark):
    if not received:
        received += client.recv(4096)
        print(0, "bytes", flush=True)
    received += client.recv(4096)
print(len(received) - len(mark), "bytes", flush=True)
del received[-len(mark) :]
if len(received) != int(size):
    sys.exit("the file is not whole")
print("done", flush=True)
client.close()
