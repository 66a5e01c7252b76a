"""Every NAT behaviour of home-gateway, seen from inside and outside by a STUN client after RFC 5780's method.

Runs in a world: homebed-launcher world -- python3 Tests/NAT/behaviours.py FOLDER-OF-PROGRAMS
"""
import errno
import itertools
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import stun
from network import Node, Program, bridge, link

BIN = sys.argv[1]
KINDS = ["endpoint-independent", "address-dependent", "address-and-port-dependent"]
FIRST, SECOND, PORTS = "198.51.100.10", "198.51.100.11", (3478, 3479)
OUTER = "198.51.100.1"
failures = []
folder = tempfile.mkdtemp(prefix="homebed-nat-")


def check(name, seen, expected):
    if seen != expected:
        failures.append(name)
        print(f"FAIL  {name}: expected {expected}, saw {seen}")


class Internet:
    """A server with two addresses, a home behind one gateway, and one behind two."""

    def __init__(self):
        self.server, self.net, self.lan = Node("server"), Node("net"), Node("lan")
        self.gateway, self.one, self.two = Node("gateway"), Node("one"), Node("two")
        self.carrier, self.inner, self.deep = Node("carrier"), Node("inner"), Node("deep")
        link(self.server, "eth0", f"{FIRST}/24", self.net, "p1", None)
        self.server.ip(f"address add {SECOND}/24 dev eth0")
        link(self.gateway, "eth0", f"{OUTER}/24", self.net, "p2", None)
        link(self.carrier, "eth0", "198.51.100.2/24", self.net, "p3", None)
        bridge(self.net, "p1", "p2", "p3")
        link(self.gateway, "eth1", "192.168.10.1/24", self.lan, "p1", None)
        link(self.one, "eth0", "192.168.10.50/24", self.lan, "p2", None)
        link(self.two, "eth0", "192.168.10.51/24", self.lan, "p3", None)
        bridge(self.lan, "p1", "p2", "p3")
        link(self.carrier, "eth1", "100.64.0.1/24", self.inner, "eth0", "100.64.0.2/24")
        link(self.inner, "eth1", "192.168.10.1/24", self.deep, "eth0", "192.168.10.50/24")
        for node, router in (
            (self.one, "192.168.10.1"), (self.two, "192.168.10.1"), (self.deep, "192.168.10.1"),
            (self.inner, "100.64.0.1")):
            node.ip(f"route add default via {router}")
        self.service = self.server.start(
            f"{BIN}/service-server", "--address", FIRST, "--stun-address2", SECOND, "--state-dir", folder + "/server")

    def client(self, node, port):
        return stun.Client(node.socket(bound=("0.0.0.0", port)))


def gateway(node, mapping, filtering, hairpin="no"):
    return node.start(
        f"{BIN}/home-gateway", "--outside", "eth0", "--inside", "eth1", "--nat-mapping", mapping, "--nat-filtering",
        filtering, "--nat-hairpin", hairpin, "--state-dir", f"{folder}/{node.name}")


def behaviour(net, node, port):
    """What one host sees on an inner port: mapping, filtering, and the outer address that it got first."""
    asking = net.client(node, port)
    mapped = stun.mapping(asking, FIRST, SECOND, PORTS)
    seen = stun.filtering(net.client(node, port + 1000), FIRST, PORTS)
    return mapped[0], seen, mapped[1], asking


def hairpinned(net, a, outer_a, b, outer_b):
    """Whether a datagram from b to a's outer endpoint comes in at a, which has sent to b's before, and from where."""
    a.sock.sendto(b"open", outer_b)
    b.sock.sendto(b"hello", outer_a)
    a.ask((FIRST, PORTS[0]))
    b.ask((FIRST, PORTS[0]))
    a.receive(time.monotonic() + 0.03)
    return [sender for data, sender in a.other if data == b"hello"]


def all_behaviours(net):
    for mapping, filtering, hairpin in itertools.product(KINDS, KINDS, ["no", "yes"]):
        name = f"mapping {mapping} filtering {filtering} hairpin {hairpin}"
        running = gateway(net.gateway, mapping, filtering, hairpin)
        seen = behaviour(net, net.one, 5000)
        check(name, seen[:2], (mapping, filtering))
        check(f"{name}: a free port is kept", seen[2], (OUTER, 5000))
        # The same inner port at another host.
        other = behaviour(net, net.two, 5000)
        check(f"{name}: second host on the port", other[:2], (mapping, filtering))
        check(f"{name}: each has a port of its own", other[2][0] == OUTER and other[2][1] != 5000, True)
        came = hairpinned(net, seen[3], seen[2], other[3], other[2])
        # Where mappings depend on the remote end, it does not come from the port that was sent to.
        passes = hairpin == "yes" and (filtering != KINDS[2] or mapping == KINDS[0])
        check(f"{name}: hairpinning", bool(came), passes)
        if came and mapping == KINDS[0]:
            check(f"{name}: seen from the outer endpoint", came[0], other[2])
        running.stop()


def double_nat(net):
    """Behind two NATs the stricter of both counts in either respect."""
    for inner, outer in [((0, 0), (0, 0)), ((0, 2), (1, 0)), ((2, 0), (0, 1)), ((1, 1), (2, 2))]:
        running = [
            gateway(net.carrier, KINDS[outer[0]], KINDS[outer[1]]), gateway(net.inner, KINDS[inner[0]], KINDS[inner[1]])]
        expected = tuple(KINDS[max(a, b)] for a, b in zip(inner, outer))
        check(f"double NAT {inner} behind {outer}", behaviour(net, net.deep, 5000)[:2], expected)
        for program in running:
            program.stop()


def restarts(net):
    """After a stop, and after a kill, the gateway translates again; so it does when its cable was out."""
    times = []
    for number in [signal.SIGTERM, signal.SIGKILL] * 5:
        before = time.monotonic()
        running = gateway(net.gateway, KINDS[0], KINDS[2])
        times.append((time.monotonic() - before) * 1000)
        check(f"after {number.name}", net.client(net.one, 5000).ask((FIRST, PORTS[0])), (OUTER, 5000))
        running.stop(number)
    print(f"home-gateway is ready after {statistics.median(times):.1f} ms (median of {len(times)})")
    running = gateway(net.gateway, KINDS[0], KINDS[2])
    for interface in ("eth0", "eth1"):
        net.gateway.ip(f"link set {interface} down", f"link set {interface} up")
        check(f"after {interface} was down", net.client(net.one, 5000).ask((FIRST, PORTS[0]), 20), (OUTER, 5000))
    # Made anew, as a cable of USB is: the rules' hook is on the new one.
    net.gateway.ip("link delete eth1")
    link(net.gateway, "eth1", "192.168.10.1/24", net.lan, "p1", None)
    net.lan.ip("link set p1 master br0")
    # Its MAC address is another one now.
    for node in (net.one, net.two):
        node.ip("neigh flush all")
    check("after eth1 was made anew", net.client(net.one, 5000).ask((FIRST, PORTS[0]), 20), (OUTER, 5000))
    net.gateway.ip("address flush dev eth0", "address add 198.51.100.3/24 dev eth0")
    check("another outer address", net.client(net.one, 5000).ask((FIRST, PORTS[0]), 20), ("198.51.100.3", 5000))
    running.stop()
    net.gateway.ip("address flush dev eth0", f"address add {OUTER}/24 dev eth0")


def errors_and_fragments(net):
    running = gateway(net.gateway, KINDS[0], KINDS[2])
    host = net.one.socket(bound=("0.0.0.0", 5000))
    host.connect((FIRST, 9))
    host.settimeout(2)
    host.send(b"nobody is there")
    check("port unreachable comes through", error_of(host), errno.ECONNREFUSED)
    host.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
    host.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
    host.send(b"one hop")
    check("time exceeded", error_of(host), errno.EHOSTUNREACH)
    echo = net.server.socket(bound=(FIRST, 7000))
    echo.settimeout(2)
    far = net.one.socket(bound=("0.0.0.0", 5001))
    far.settimeout(2)
    # IP_MTU_DISCOVER: never set DF.
    far.setsockopt(socket.IPPROTO_IP, 10, 0)
    payload = os.urandom(6000)
    far.sendto(payload, (FIRST, 7000))
    data, sender = echo.recvfrom(65535)
    check("fragments go out", (data == payload, sender), (True, (OUTER, 5001)))
    echo.sendto(data[::-1], sender)
    check("fragments come back", far.recvfrom(65535), (payload[::-1], (FIRST, 7000)))
    running.stop()


def error_of(sock):
    try:
        sock.recv(100)
    except OSError as error:
        return error.errno
    return 0


def kernel_side(net):
    """TCP, and what is for the gateway itself, stay with the kernel."""
    running = gateway(net.gateway, KINDS[2], KINDS[2])
    tcp = net.one.socket(socket.SOCK_STREAM)
    tcp.settimeout(2)
    tcp.connect((FIRST, 8080))
    tcp.sendall(b"GET / HTTP/1.1\r\nHost: 198.51.100.10:8080\r\nConnection: close\r\n\r\n")
    check("TCP passes", tcp.recv(100)[:9], b"HTTP/1.1 ")
    for address, asker in (("192.168.10.1", net.one), (OUTER, net.server)):
        own = net.gateway.socket(bound=(address, 53))
        own.settimeout(2)
        host = asker.socket(bound=("0.0.0.0", 5005))
        host.settimeout(2)
        host.sendto(b"for you", (address, 53))
        data, sender = own.recvfrom(100)
        own.sendto(data, sender)
        check(f"the gateway's own port at {address}", host.recvfrom(100), (b"for you", (address, 53)))
    # As a client outside, from a port of its own range.
    client = stun.Client(net.gateway.socket())
    check("the gateway itself asks outside", client.ask((FIRST, PORTS[0])), (OUTER, client.sock.getsockname()[1]))
    running.stop()


class ControlPoint:
    """Speaks SOAP to the gateway from a host inside."""

    def __init__(self, node, service="WANIPConnection:2"):
        self.node, self.kind = node, f"urn:schemas-upnp-org:service:{service}"
        text = self.exchange(b"GET /description.xml HTTP/1.1\r\nHost: 192.168.10.1:49300\r\nConnection: close\r\n\r\n")
        here = text.index(f"<serviceType>{self.kind}</serviceType>")
        self.path = re.search(r"<controlURL>([^<]+)</controlURL>", text[here:]).group(1)

    def exchange(self, request):
        sock = self.node.socket(socket.SOCK_STREAM)
        sock.settimeout(5)
        sock.connect(("192.168.10.1", 49300))
        sock.sendall(request)
        text = b""
        while more := sock.recv(65536):
            text += more
        return text.decode()

    def call(self, action, **arguments):
        body = (
            '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
            's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
            f'<u:{action} xmlns:u="{self.kind}">'
            + "".join(f"<{name}>{value}</{name}>" for name, value in arguments.items())
            + f"</u:{action}></s:Body></s:Envelope>").encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 192.168.10.1:49300\r\nConnection: close\r\n"
            f'Content-Type: text/xml; charset="utf-8"\r\nSOAPACTION: "{self.kind}#{action}"\r\n'
            f"Content-Length: {len(body)}\r\n\r\n").encode()
        text = self.exchange(head + body)
        if " 200 " not in text.split("\r\n", 1)[0]:
            raise AssertionError(f"{action} is answered {text}")

    def map(self, port, protocol, remote=""):
        self.call(
            "AddPortMapping", NewRemoteHost=remote, NewExternalPort=port, NewProtocol=protocol, NewInternalPort=8200,
            NewInternalClient="192.168.10.50", NewEnabled=1, NewPortMappingDescription="test", NewLeaseDuration=600)

    def unmap(self, port, protocol, remote=""):
        self.call("DeletePortMapping", NewRemoteHost=remote, NewExternalPort=port, NewProtocol=protocol)


def connects(node, address, bound=None):
    """Whether a TCP connection comes about and is echoed, and from where the listener sees it."""
    sock = node.socket(socket.SOCK_STREAM, bound=(bound, 0) if bound else None)
    sock.settimeout(1)
    try:
        sock.connect(address)
        return sock.recv(100).decode()
    except OSError:
        return None


def tell_peers(listener):
    """A TCP server that tells each client its address."""
    while True:
        try:
            connection, peer = listener.accept()
        except OSError:
            return
        connection.sendall(peer[0].encode())
        connection.close()


def mappings(net):
    """Ports mapped through UPnP pass, from their remote host alone where they have one, also after a restart."""
    listener = net.one.socket(socket.SOCK_STREAM, bound=("0.0.0.0", 8200))
    listener.listen(16)
    threading.Thread(target=tell_peers, args=(listener,), daemon=True).start()
    inner = net.one.socket(bound=("0.0.0.0", 8200))
    inner.settimeout(1)
    running = gateway(net.gateway, KINDS[2], KINDS[2], "yes")
    point = ControlPoint(net.one)
    for protocol in ("TCP", "UDP"):
        point.map(8300, protocol)
        point.map(8301, protocol, FIRST)
    # A port of the gateway's own range.
    point.map(64000, "UDP")
    for turn in ("mapped", "after a kill"):
        check(f"TCP {turn}", connects(net.server, (OUTER, 8300)), FIRST)
        check(f"TCP {turn}, for one host", connects(net.server, (OUTER, 8301), FIRST), FIRST)
        check(f"TCP {turn}, for another host", connects(net.server, (OUTER, 8301), SECOND), None)
        check(f"TCP {turn}, hairpinned", connects(net.two, (OUTER, 8300)), OUTER)
        check(f"TCP {turn}, nobody mapped it", connects(net.server, (OUTER, 8302)), None)
        for port, bound, passes in ((8300, SECOND, True), (8301, FIRST, True), (8301, SECOND, False), (64000, FIRST, True)):
            check(f"UDP {port} {turn} from {bound}", answers(net.server, inner, port, bound), passes)
        check(f"UDP {turn}, hairpinned", answers(net.two, inner, 8300, "192.168.10.51"), True)
        if turn == "mapped":
            running.stop(signal.SIGKILL)
            running = gateway(net.gateway, KINDS[2], KINDS[2], "yes")
            point = ControlPoint(net.one)
    # A host's connection from a port that is mapped outside goes out by another one.
    from_mapped = net.two.socket(socket.SOCK_STREAM, bound=("0.0.0.0", 8300))
    echo = net.server.socket(socket.SOCK_STREAM, bound=(FIRST, 7001))
    echo.listen(1)
    from_mapped.connect((FIRST, 7001))
    seen = echo.accept()[1]
    check("TCP from a mapped port", (seen[0], seen[1] != 8300), (OUTER, True))
    for protocol in ("TCP", "UDP"):
        point.unmap(8300, protocol)
    check("TCP taken away", connects(net.server, (OUTER, 8300)), None)
    check("UDP taken away", answers(net.server, inner, 8300, SECOND), False)
    running.stop()
    listener.close()


def answers(node, inner, port, bound):
    """Whether a datagram to a mapped port comes in, and its answer leaves by that port."""
    outside = node.socket(bound=(bound, 0))
    outside.settimeout(1)
    outside.sendto(b"in", (OUTER, port))
    inner.settimeout(0.3)
    try:
        data, sender = inner.recvfrom(100)
        inner.sendto(data, sender)
        return outside.recvfrom(100) == (b"in", (OUTER, port))
    except OSError:
        return False


def main():
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    net = Internet()
    for part in (all_behaviours, double_nat, restarts, errors_and_fragments, kernel_side, mappings):
        before = time.monotonic()
        try:
            part(net)
        except (AssertionError, OSError) as error:
            failures.append(part.__name__)
            print(f"FAIL  {part.__name__}: {error}")
            for program in Program.running[1:]:
                program.stop(signal.SIGKILL)
                print(program.errors)
        print(f"{part.__name__}: {time.monotonic() - before:.1f} s")
    net.service.stop()
    shutil.rmtree(folder)
    print(f"{len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
