"""What a gateway costs: home-gateway beside the kernel's NAT alone and miniupnpd, in turns; medians.

Runs in a world: homebed-launcher world -- python3 contrib/bench/nat.py FOLDER-OF-PROGRAMS TRAFFIC TURNS
where TRAFFIC is contrib/bench/traffic.c, compiled.
"""
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests" / "NAT"))
from network import Node, enter, ip, link  # noqa: E402

BIN, TRAFFIC, TURNS = sys.argv[1], os.path.abspath(sys.argv[2]), int(sys.argv[3])
OUTER, FAR, NEAR, PORT = "11.22.33.1", "11.22.33.2", "192.168.10.50", 8200
folder = tempfile.mkdtemp(prefix="homebed-bench-")
os.environ["PATH"] += ":/usr/sbin:/sbin"

KERNEL = f"""
table ip nat {{
  chain in {{ type nat hook prerouting priority dstnat; iifname "eth0" tcp dport {PORT} dnat to {NEAR}:{PORT}; }}
  chain out {{ type nat hook postrouting priority srcnat; oifname "eth0" masquerade; }}
}}
"""
MINIUPNPD = """
table inet filter {
  chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept
    iifname "eth1" accept; jump miniupnpd; }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting { type nat hook postrouting priority 100; jump postrouting_miniupnpd
    oifname "eth0" masquerade; }
  chain postrouting_miniupnpd { }
}
"""
MINIUPNPD_CONF = """ext_ifname=eth0
listening_ip=eth1
http_port=49300
enable_natpmp=no
enable_upnp=yes
secure_mode=no
uuid=1c2f6c2e-8e3b-4c5a-9a55-3d3f1a2b4c5d
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
allow 1024-65535 0.0.0.0/0 1024-65535
"""


def inside(node, *words, **more):
    return subprocess.run(words, preexec_fn=lambda: enter(node.descriptor), check=True, text=True, **more)


def spawned(node, *words):
    return subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=lambda: enter(node.descriptor))


class Home:
    """Two hosts with a gateway between them."""

    def __init__(self, kind, number):
        self.far, self.gateway, self.near = (Node(f"{name}{number}") for name in ("far", "gw", "near"))
        link(self.far, "eth0", f"{FAR}/24", self.gateway, "eth0", f"{OUTER}/24")
        link(self.near, "eth0", f"{NEAR}/24", self.gateway, "eth1", "192.168.10.1/24")
        self.near.ip("route add default via 192.168.10.1")
        self.running = []
        inside(self.gateway, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        getattr(self, kind)()
        for node in (self.far, self.near):
            process = subprocess.Popen(
                [TRAFFIC, "serve", str(PORT)], stdout=subprocess.PIPE, text=True,
                preexec_fn=lambda node=node: enter(node.descriptor))
            assert process.stdout.readline() == "ready\n"
            self.running.append(process)

    def kernel(self):
        inside(self.gateway, "nft", "-f", "-", input=KERNEL)

    def miniupnpd(self):
        inside(self.gateway, "nft", "-f", "-", input=MINIUPNPD)
        conf = pathlib.Path(folder, "miniupnpd.conf")
        conf.write_text(MINIUPNPD_CONF)
        self.running.append(
            spawned(self.gateway, "miniupnpd", "-d", "-f", str(conf), "-P", f"{folder}/{self.gateway.name}.pid"))
        self.map()

    def homebed(self):
        self.running.append(
            self.gateway.start(
                f"{BIN}/home-gateway", "--outside", "eth0", "--inside", "eth1", "--state-dir",
                f"{folder}/{self.gateway.name}", "--ssdp-max-delay", "0.02").process)
        self.map()

    def map(self):
        """By a control point of other people, as soon as the gateway is found."""
        for _ in range(20):
            done = subprocess.run(
                ["upnpc", "-m", "eth0", "-a", NEAR, str(PORT), str(PORT), "TCP"], stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, preexec_fn=lambda: enter(self.near.descriptor))
            if f"external {OUTER}:{PORT} TCP is redirected" in done.stdout:
                return
            time.sleep(0.2)
        raise SystemExit(f"upnpc maps nothing:\n{done.stdout}")

    def measure(self, node, *words):
        out = inside(node, TRAFFIC, *map(str, words), stdout=subprocess.PIPE).stdout
        return [float(word) for word in out.split()]

    def down(self):
        for process in self.running:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                process.kill()
            process.wait()
        for node in (self.far, self.gateway, self.near):
            os.close(node.descriptor)
            ip(f"netns delete {node.name}")


def main():
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    kinds = ["kernel", "homebed"] + (["miniupnpd"] if shutil.which("miniupnpd") else [])
    found = {kind: {} for kind in kinds}
    for turn in range(TURNS):
        for place, kind in enumerate(kinds):
            home = Home(kind, turn * 10 + place)
            results = {
                "UDP there and back, us": home.measure(home.near, "rtt", FAR, PORT, 2000)[0],
                "UDP of 64 octets, a second": home.measure(home.near, "flood", FAR, PORT, 64, 700)[0],
                "UDP of 1400 octets, a second": home.measure(home.near, "flood", FAR, PORT, 1400, 700)[0],
                "TCP through a mapping, MB/s": home.measure(home.far, "bulk", OUTER, PORT, 700)[0] / 1e6,
            }
            whole, spent = home.measure(home.far, "many", OUTER, PORT, 200)
            results["200 connections at once, ms"] = spent
            if whole != 200:
                raise SystemExit(f"{kind}: {whole:.0f} of 200 connections exchanged all")
            for name, value in results.items():
                found[kind].setdefault(name, []).append(value)
            home.down()
    for name in found["kernel"]:
        floor = statistics.median(found["kernel"][name])
        print(f"  {name:30}", end="")
        for kind in kinds:
            value = statistics.median(found[kind][name])
            print(f"  {kind} {value:9.1f}" + (f" (ratio {value / floor:.2f})" if kind != "kernel" else ""), end="")
        print()
    if "miniupnpd" not in kinds:
        print("  miniupnpd      skipped: not installed: apt-get install miniupnpd-nftables miniupnpc")
    shutil.rmtree(folder)


main()
