"""The article's server, step by step, in PyBluez. It differs from the article only
in the size of the pieces: on today's kernels, a blocking send of a large piece
never returns."""

import sys

import bluetooth

server = bluetooth.BluetoothSocket(bluetooth.RFCOMM)
server.bind((sys.argv[1], int(sys.argv[2])))
server.listen(1)
print("listening", flush=True)
clients = []
while True:
    client, address = server.accept()
    clients.append(client)  # as in the article, no connection is closed
    client.send("Enter the file name")
    name = client.recv(2048)
    with open(name, "rb") as f:
        while piece := f.read(4096):
            client.send(piece)
    client.send("Transfer complete")
