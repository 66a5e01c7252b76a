"""A STUN client after RFC 8489 and RFC 5780, written apart from homebed's own."""
import os
import select
import socket
import struct
import time

COOKIE = 0x2112A442


class Client:
    """One UDP socket and what came to it."""

    def __init__(self, sock):
        self.sock = sock
        self.came = {}
        self.other = []

    def send(self, to, change=0):
        transaction = os.urandom(12)
        body = struct.pack(">HHI", 3, 4, change) if change else b""
        self.sock.sendto(struct.pack(">HHI", 1, len(body), COOKIE) + transaction + body, to)
        return transaction

    def receive(self, until):
        """Takes what comes until a time."""
        while (left := until - time.monotonic()) > 0:
            if not select.select([self.sock], [], [], left)[0]:
                return
            self.take()

    def take(self):
        try:
            data, sender = self.sock.recvfrom(65535)
        except OSError:
            return
        if len(data) >= 20 and struct.unpack(">I", data[4:8])[0] == COOKIE and data[0:2] == b"\x01\x01":
            self.came[data[8:20]] = (mapped(data), sender)
        else:
            self.other.append((data, sender))

    def ask(self, to, tries=6):
        """The mapped address that a server tells; asked again until it answers."""
        for _ in range(tries):
            transaction = self.send(to)
            until = time.monotonic() + 0.5
            while transaction not in self.came and time.monotonic() < until:
                self.receive(min(until, time.monotonic() + 0.01))
            if transaction in self.came:
                return self.came[transaction][0]
        raise AssertionError(f"{to} does not answer")

    def is_answered(self, to, change):
        """Whether the server's answer from elsewhere comes in. The answer to a plain request that was sent later is the
        fence: the other one was sent before it."""
        asked = [self.send(to, change) for _ in range(2)]
        self.ask(to)
        self.receive(time.monotonic() + 0.03)
        return any(transaction in self.came for transaction in asked)


def mapped(data):
    place = 20
    while place + 4 <= len(data):
        kind, length = struct.unpack(">HH", data[place : place + 4])
        value = data[place + 4 : place + 4 + length]
        if kind == 0x20 and length == 8:
            address = bytes(a ^ b for a, b in zip(value[4:8], struct.pack(">I", COOKIE)))
            return socket.inet_ntoa(address), struct.unpack(">H", value[2:4])[0] ^ (COOKIE >> 16)
        place += 4 + (length + 3) // 4 * 4
    return None


def mapping(client, first, second, ports):
    """RFC 5780, 4.3; gives the behaviour and the first mapped address."""
    one = client.ask((first, ports[0]))
    two = client.ask((second, ports[0]))
    if one == two:
        return "endpoint-independent", one
    three = client.ask((second, ports[1]))
    return ("address-dependent" if two == three else "address-and-port-dependent"), one


def filtering(client, first, ports):
    """RFC 5780, 4.4; with a socket that has sent to nobody else."""
    if client.is_answered((first, ports[0]), 6):
        return "endpoint-independent"
    if client.is_answered((first, ports[0]), 2):
        return "address-dependent"
    return "address-and-port-dependent"
