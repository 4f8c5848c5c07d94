"""A receiver of notifications by aiohttp: prints its port, then each event that it takes, until its standard input ends.

It is told as JSON: `jwks`, the platform's public keys. Each request is verified by http-message-signatures, and read by cloudevents.
A challenge is echoed. `POST /control` answers how many events have come, and takes `answers` (the statuses of the next ones,
before 200), and `echo`: `right`, `wrong`, or `long`, with more than a KiB behind the token. What comes at `/slow` is answered when
something has come at `/fast`.
"""

import asyncio
import base64
import datetime
import json
import os
import sys
import threading
import types

from aiohttp import web
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, algorithms

told = json.loads(sys.argv[1])
state = {"answers": [], "echo": "right", "received": 0}
fast = None


def key(key_id):
    (found,) = [key for key in told["jwks"]["keys"] if key["kid"] == key_id]
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(found["x"] + "=="))


def verify(request, body):
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519, key_resolver=types.SimpleNamespace(resolve_public_key=key)
    )
    # The tests have a clock of their own.
    verifier.max_clock_skew = datetime.timedelta(days=10_000)
    message = types.SimpleNamespace(method=request.method, url=str(request.url), headers=dict(request.headers))
    covered = ["@method", "@target-uri", "content-digest", "content-type"]
    verifier.verify(message, max_age=None, expect_tag="shuqiao", require_components=covered, body=body)


async def take(request):
    body = await request.read()
    problem = None
    try:
        verify(request, body)
    except Exception as error:
        problem = str(error) or repr(error)
    headers = {name.lower(): value for name, value in request.headers.items()}
    event = from_structured_event(HTTPMessage(headers=headers, body=body))
    taken = {
        "path": request.path,
        "problem": problem,
        "media_type": headers["content-type"],
        "id": event.get_id(),
        "source": event.get_source(),
        "type": event.get_type(),
        "subject": event.get_subject(),
        "time": event.get_time().isoformat(),
        "data": event.get_data(),
    }
    state["received"] += 1
    print(json.dumps(taken), flush=True)
    status = state["answers"].pop(0) if state["answers"] else 200
    if status != 200:
        return web.Response(status=status, headers={"location": "/elsewhere"})
    if event.get_type() == "cn.shuqiao.subscription.challenge.v1":
        token = event.get_data()["token"]
        return web.Response(text={"right": token + "\n", "wrong": token[1:], "long": token + " " * 2048}[state["echo"]])
    if request.path == "/fast":
        fast.set()
    if request.path == "/slow":
        await fast.wait()
    # Nobody reads what is answered to an event.
    return web.Response(text="thanks " * 10_000)


async def control(request):
    state.update(await request.json())
    return web.json_response({"received": state["received"]})


async def main():
    global fast
    fast = asyncio.Event()
    app = web.Application()
    app.router.add_post("/control", control)
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


def end_with_input():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
asyncio.run(main())
