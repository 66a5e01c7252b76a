#!/usr/bin/env python3
"""A mobile device of the profile (section 5), written from its page alone: connects and fetches the application's page."""
import http.client
import json
import os
import sys
import time
import uuid
from urllib.parse import urlsplit

own = os.environ["HOMEBED_ADDRESS"]
with open(os.environ["HOMEBED_TOKEN_FILE"]) as file:
    user_token = json.load(file)["userToken"]


def ask(host, port, method, path, token, body=None, patience=5, **fields):
    """Four tries, as section 1 tells."""
    for pause in [0.5, 1, 2, None]:
        connection = http.client.HTTPConnection(host, port, timeout=patience, source_address=(own, 0))
        try:
            headers = {"Authorization": f"Bearer {token}", "Connection": "close", **fields}
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
            response = connection.getresponse()
            content = response.read()
            if response.status not in (429, 503) or pause is None:
                return response.status, content
        except OSError:
            if pause is None:
                raise
        finally:
            connection.close()
        time.sleep(pause)


server = urlsplit(os.environ["HOMEBED_SERVER_URL"])
application = os.environ["HOMEBED_APPLICATION"]
status, content = ask(
    server.hostname, server.port, "POST", f"/v1/homes/{os.environ['HOMEBED_HOME']}/connections", user_token,
    {"agentId": os.environ["HOMEBED_AGENT_ID"], "application": application}, patience=15,
    **{"Idempotency-Key": str(uuid.uuid4())})
if status != 201:
    sys.exit(f"connect-reply {status}: {content.decode()}")
connection = json.loads(content)
endpoint = connection["endpoint"]
token = os.environ.get("HOMEBED_CONNECTION_TOKEN") or connection["connectionToken"]
status, content = ask(endpoint["address"], endpoint["port"], "GET", f"/{application}", token)
print(f"{status}, {len(content)} octets")
sys.exit(0 if status == 200 else 1)
