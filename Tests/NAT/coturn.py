"""coturn against homebed: its client asks our server through each NAT, its server answers our client.

Runs in a world: homebed-launcher world -- python3 Tests/NAT/coturn.py FOLDER-OF-PROGRAMS
"""
import itertools
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import behaviours as nat
from network import enter

WORDS = {
    "Endpoint Independent": nat.KINDS[0], "Address Dependent": nat.KINDS[1],
    "Address and Port Dependent": nat.KINDS[2], "Address and Port-Dependent": nat.KINDS[2]}


def command(node, *words):
    result = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
        preexec_fn=lambda: enter(node.descriptor))
    return result.stdout


def filtering(text):
    """`NAT with Endpoint Independent Filtering!` in natdiscovery's words."""
    found = re.findall(r"NAT with (.+?) Filtering", text)
    return WORDS.get(found[-1], found[-1]) if found else text


def mapping(text):
    """By the three addresses that natdiscovery was told, not by its words: it asks the first address for the third one,
    which it takes for the second's."""
    told = re.findall(r"UDP reflexive addr: (\S+)", text)
    if len(told) == 2 and told[0] == told[1]:
        return nat.KINDS[0]
    if len(told) == 3 and told[0] != told[1]:
        return nat.KINDS[1] if told[0] == told[2] else nat.KINDS[2]
    return text


def client_asks_our_server(net):
    """The filtering test waits for answers that do not come: some seconds each."""
    for behaviour in itertools.product(nat.KINDS, nat.KINDS):
        running = nat.gateway(net.gateway, *behaviour)
        with ThreadPoolExecutor() as pool:
            texts = list(pool.map(
                lambda flag: command(net.one, "turnutils_natdiscovery", flag, "-L", "192.168.10.50", nat.FIRST),
                ("-m", "-f")))
        seen = (mapping(texts[0]), filtering(texts[1]))
        nat.check(f"natdiscovery behind {' / '.join(behaviour)}", seen, behaviour)
        running.stop()


def stun_client(net):
    """It asks for an answer to another port, for which it waits for ever behind a NAT: so it asks without one."""
    text = command(net.carrier, "turnutils_stunclient", nat.FIRST)
    nat.check("turnutils_stunclient", text.count("UDP reflexive addr: 198.51.100.2:") >= 3 or text, True)


def server_answers_our_client(net):
    server = subprocess.Popen(
        ["turnserver", "--stun-only", "-n", "-L", nat.FIRST, "-L", nat.SECOND, "-p", "3478",
         "--alt-listening-port", "3479", "--no-tls", "--no-dtls", "--no-cli", "--log-file", "stdout", "--pidfile",
         nat.folder + "/turnserver.pid"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: enter(net.server.descriptor))
    try:
        running = nat.gateway(net.gateway, nat.KINDS[0], nat.KINDS[2])
        until = time.monotonic() + 10
        # It takes a moment until it listens.
        while "refused" in (text := command(net.one, f"{nat.BIN}/homebed-bench", "stun", f"{nat.FIRST}:3478")):
            nat.check("turnserver listens", time.monotonic() < until, True)
            if time.monotonic() >= until:
                break
        running.stop()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
    nat.check("our client sees its address", "xorMappedAddress 198.51.100.1:" in text or text, True)
    nat.check("and RFC 5780's attributes", f"otherAddress {nat.SECOND}:3479" in text or text, True)
    nat.check("and who answers", "software Coturn" in text or text, True)


def main():
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    net = nat.Internet()
    client_asks_our_server(net)
    stun_client(net)
    net.service.stop()
    server_answers_our_client(net)
    shutil.rmtree(nat.folder)
    print(f"{len(nat.failures)} failed")
    return 1 if nat.failures else 0


if __name__ == "__main__":
    sys.exit(main())
