"""The article's server, step by step, in PyBluez. Only the size of the pieces is
new: today's kernels never end a blocking send of a large one."""

import sys

import bluetooth

server = bluetooth.BluetoothSocket(bluetooth.RFCOMM)
server.bind((sys.argv[1], int(sys.argv[2])))
server.listen(1)
print("listening", flush=True)
clients = []
while True:
    client, address = server.accept()
    clients.append(client)  # it closes none
    client.send("Enter the file name")
    name = client.recv(2048)
    with open(name, "rb") as f:
        while piece := f.read(4096):
            client.send(piece)
    client.send("Transfer complete")
