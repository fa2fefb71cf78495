"""The ends of a connection with nothing but Python's own blocking sockets."""

import select
import socket
import sys

role, near, far = sys.argv[1:4]
channel, size, step, count = map(int, sys.argv[4:])


def new():
    return socket.socket(socket.AF_BLUETOOTH, socket.SOCK_STREAM, socket.BTPROTO_RFCOMM)


def dial(channel):
    connection = new()
    connection.bind((near, 0))
    connection.connect((far, channel))
    return connection


def listen(channel):
    listener = new()
    listener.bind((far, channel))
    listener.listen(1)
    return listener


def accept():
    listener = listen(channel)
    print("listening", flush=True)
    connection, _ = listener.accept()
    return connection


def send():
    connection, data = dial(channel), bytes(size)
    while True:
        connection.sendall(data)


def receive():
    connection, counted = accept(), 0
    while data := connection.recv(32768):
        counted += len(data)
        if counted >= step:
            print(counted, "bytes", flush=True)
            counted = 0


def ask():
    connection, data, counted = dial(channel), bytes(size), 0
    while True:
        connection.sendall(data)
        got = 0
        while got < size:
            got += len(connection.recv(32768))
        counted += 1
        if counted == step:
            print(counted, "trips", flush=True)
            counted = 0


def echo():
    connection = accept()
    while data := connection.recv(32768):
        connection.sendall(data)


def dial_many():
    connections = []
    for number in range(count):
        connections.append(dial(channel + number))
        print("1 connections", flush=True)
    select.select([], [], [])  # until killed


def accept_many():
    listeners = [listen(channel + number) for number in range(count)]
    print("listening", flush=True)
    connections = [listener.accept()[0] for listener in listeners]  # in the order of the dials
    connections[-1].recv(1)  # until the dialing end is gone


try:
    {
        "send": send,
        "receive": receive,
        "ask": ask,
        "echo": echo,
        "dial": dial_many,
        "accept": accept_many,
    }[role]()
except ConnectionResetError:
    pass  # how a clean close of the peer reads
