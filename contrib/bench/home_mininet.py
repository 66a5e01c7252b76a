#!/usr/bin/python3
"""The home of home.c with mininet: so many hosts at one Linux bridge, one ping, and down again. As root
(of a world: `homebed-launcher world -- /usr/bin/python3 home_mininet.py 64`).

usage: home_mininet.py HOSTS
"""
import sys

from mininet.net import Mininet
from mininet.nodelib import LinuxBridge


def main():
    hosts = int(sys.argv[1])
    # The same frames as the others: no IPv6, no OpenFlow controller.
    net = Mininet(switch=LinuxBridge, controller=None, ipBase="192.168.10.0/24", waitConnected=False)
    switch = net.addSwitch("s1")
    for number in range(1, hosts + 1):
        net.addLink(net.addHost(f"h{number}"), switch)
    net.start()
    answer = net.get("h1").cmd(f"ping -q -c 1 -W 2 {net.get(f'h{hosts}').IP()}")
    net.stop()
    if " 1 received" not in answer:
        sys.exit(f"no reply: {answer}")


main()
