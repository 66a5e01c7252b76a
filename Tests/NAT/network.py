"""Network namespaces inside a world, sockets and programs in them."""
import ctypes
import os
import signal
import socket
import subprocess

libc = ctypes.CDLL(None, use_errno=True)


def enter(descriptor):
    if libc.setns(descriptor, 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def ip(*lines):
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)


class Node:
    """A namespace."""

    def __init__(self, name):
        self.name = name
        ip(f"netns add {name}")
        self.descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY)
        self.ip("link set lo up")

    def ip(self, *lines):
        subprocess.run(
            ["ip", "-n", self.name, "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)

    def socket(self, kind=socket.SOCK_DGRAM, bound=None):
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        enter(self.descriptor)
        try:
            made = socket.socket(socket.AF_INET, kind)
        finally:
            enter(own)
            os.close(own)
        if bound is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(bound)
        return made

    def start(self, *command):
        """Starts a program of homebed and waits until it is ready."""
        return Program(self, command)


class Program:
    running = []

    def __init__(self, node, command):
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, SWIFT_BACKTRACE="enable=no"), preexec_fn=lambda: enter(node.descriptor))
        Program.running.append(self)
        line = self.process.stdout.readline()
        if line != "ready\n":
            raise AssertionError(f"{command[0]} is not ready: {line}{self.process.stderr.read()}")

    def stop(self, number=signal.SIGTERM):
        Program.running.remove(self)
        self.process.send_signal(number)
        _, self.errors = self.process.communicate()
        if number == signal.SIGTERM and self.process.returncode != 0:
            raise AssertionError(f"exit status {self.process.returncode}")


def link(a, name_a, address_a, b, name_b, address_b):
    """A cable between two namespaces, whose ends have addresses where these are given."""
    ip(f"link add {name_a} netns {a.name} type veth peer name {name_b} netns {b.name}")
    for node, name, address in ((a, name_a, address_a), (b, name_b, address_b)):
        node.ip(f"link set {name} up", *([f"address add {address} dev {name}"] if address else []))


def bridge(node, *ports):
    node.ip("link add br0 type bridge", "link set br0 up", *(f"link set {port} master br0" for port in ports))
