#!/usr/bin/env python3
"""A configured agent in plain Python, written from the protocol profile alone: a foreign device under test.

It discovers a configurator, registers, refreshes at half its lifetime and keeps a configuration document. Its settings
come from the HOMEBED_* variables that every program in a node's place is started with.
"""
import http.client, http.server, json, os, re, signal, socket, sys, threading, time, uuid

ENV = os.environ
ADDRESS, PORT = ENV["HOMEBED_ADDRESS"], int(ENV.get("HOMEBED_HTTP_PORT", "49210"))
AGENT = ENV["HOMEBED_AGENT_ID"]
GROUP = (ENV.get("HOMEBED_SSDP_GROUP", "239.255.255.250"), int(ENV.get("HOMEBED_SSDP_PORT", "1900")))
STATE = os.path.join(ENV["HOMEBED_STATE_DIR"], "agent.json")
KIND = "urn:schemas-homebed:device:Configurator:1"
OWN = f"http://{ADDRESS}:{PORT}/configuration"
KNOWN = {"hostName": str, "ntpServer": str, "qosClass": int, "dnsServers": list, "dhcp": bool, "vendor": dict,
         "applications": dict, "connections": dict}

lock = threading.Lock()
state = {"token": None, "configurator": None, "document": {}, "revision": 0}
if os.path.exists(STATE):
    with open(STATE) as file:
        state.update(json.load(file))


def keep():
    with open(STATE + ".new", "w") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(STATE + ".new", STATE)


def merge(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, form, *args):
        print(form % args, file=sys.stderr)

    def answer(self, status, body, kind="application/json", etag=None):
        octets = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(octets)))
        if etag is not None:
            self.send_header("ETag", f'"{etag}"')
        self.end_headers()
        self.wfile.write(octets)

    def problem(self, status, name, etag=None, **more):
        kind = f"urn:homebed:problem:{name}" if name else "about:blank"
        body = {"type": kind, "title": name or self.responses[status][0], "status": status, **more}
        self.answer(status, body, "application/problem+json", etag)

    def refused(self):
        """The checks that every request has to pass; the body is read first, so that the connection stays usable."""
        self.body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 65536))
        if self.headers.get("Host") != f"{ADDRESS}:{PORT}":
            return self.problem(421, None) or True
        if state["token"] is None or self.headers.get("Authorization") != f"Bearer {state['token']}":
            return self.problem(401, "unauthorized") or True
        if self.path != "/configuration":
            return self.problem(404, None) or True

    def do_GET(self):
        with lock:
            if not self.refused():
                self.answer(200, state["document"], etag=state["revision"])

    def do_PATCH(self):
        with lock:
            if self.refused():
                return
            if self.headers.get("Content-Type", "").split(";")[0].strip() != "application/merge-patch+json":
                return self.problem(415, None)
            wanted = self.headers.get("If-Match")
            if wanted is None:
                return self.problem(428, "stale-revision", etag=state["revision"])
            if wanted not in ("*", f'"{state["revision"]}"'):
                return self.problem(412, "stale-revision", etag=state["revision"])
            try:
                patch = json.loads(self.body)
            except ValueError:
                return self.problem(400, "malformed-body")
            if not isinstance(patch, dict):
                return self.problem(400, "malformed-body")
            for name, value in patch.items():
                if name not in KNOWN or value is not None and not isinstance(value, KNOWN[name]):
                    return self.problem(422, "unsupported-setting", pointer="/" + name)
            state["document"], state["revision"] = merge(state["document"], patch), state["revision"] + 1
            keep()
            self.answer(200, state["document"], etag=state["revision"])


def search(finder):
    """One search (UDA 2.0 clause 1.3): the ID and API of the first configurator that answers within 1.5 s."""
    finder.sendto((f"M-SEARCH * HTTP/1.1\r\nHOST: {GROUP[0]}:{GROUP[1]}\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n"
                   f"ST: {KIND}\r\nCPFN.UPNP.ORG: python\r\n\r\n").encode(), GROUP)
    end = time.monotonic() + 1.5
    while (left := end - time.monotonic()) > 0:
        finder.settimeout(left)
        try:
            text = finder.recv(8192).decode("utf-8", "replace")
        except TimeoutError:
            break
        headers = {name.strip().lower(): value.strip() for name, _, value in
                   (line.partition(":") for line in text.splitlines()[1:])}
        usn = re.match(r"uuid:([0-9a-f-]{36})", headers.get("usn", ""))
        if text.startswith("HTTP/1.1 200") and usn and headers.get("st") == KIND:
            place = re.match(r"http://(\d+\.\d+\.\d+\.\d+)(:\d+)?", headers.get("location", ""))
            if place and place[1].rsplit(".", 1)[0] == ADDRESS.rsplit(".", 1)[0]:
                return usn[1], place[0]
    return None


def register(configurator, api, reason):
    mac = ENV["HOMEBED_MAC"]
    body = {"agentId": AGENT, "reason": reason, "device": json.loads(ENV["HOMEBED_DEVICE"]),
            "interfaces": [{"name": ENV["HOMEBED_INTERFACE"], "ifType": 6, "macAddress": mac,
                            "ipAddresses": [f"{ADDRESS}/{ENV['HOMEBED_PREFIX_LENGTH']}"],
                            "defaultGateway": ENV.get("HOMEBED_GATEWAY"), "dnsServers": []}],
            "applications": json.loads(ENV.get("HOMEBED_APPLICATIONS", "[]")),
            "configurationURL": OWN, "lifetime": 3600}
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    if state["token"] and state["configurator"] == configurator:
        headers["Authorization"] = f"Bearer {state['token']}"
    # From its own address: on loopback a socket that is not bound comes from 127.0.0.1, which is nobody's.
    connection = http.client.HTTPConnection(api.partition("://")[2], timeout=5, source_address=(ADDRESS, 0))
    with lock:  # held until the token is known: the configurator may use it at once
        connection.request("PUT", f"/agents/{AGENT}", json.dumps(body).encode(), headers)
        reply = connection.getresponse()
        if reply.status not in (200, 201):
            raise ValueError(f"the registration was answered with {reply.status}")
        answer = json.load(reply)
        connection.close()
        if answer["configuratorId"] != configurator:
            raise ValueError("the reply names another configurator than the one that was found")
        state.update(token=answer["controlToken"], configurator=configurator)
        keep()
    return answer["lifetime"]


def live():
    finder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    finder.bind((ADDRESS, 0))
    finder.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(ADDRESS))
    found, reason = None, "new-device"
    while True:
        if found is None:
            for pause in (0, 0, 0.5, 2.5):
                time.sleep(pause)
                if (found := search(finder)) is not None:
                    break
            else:
                print("no configurator answers", file=sys.stderr)
                time.sleep(51)
                continue
        try:
            lifetime = register(*found, reason)
            reason = "refresh"
            time.sleep(lifetime / 2)
        except (OSError, ValueError, KeyError) as trouble:
            print(f"registration failed: {trouble}", file=sys.stderr)
            found, reason = None, "new-device" if reason == "new-device" else "connection-change"
            time.sleep(60)


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
server = http.server.ThreadingHTTPServer((ADDRESS, PORT), Api)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
live()
