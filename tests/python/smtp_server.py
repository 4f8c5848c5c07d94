"""A mail server by aiosmtpd: prints its port, then each letter that it takes, and serves until its standard input ends.

It is told as JSON: `host`, `port` (0: a free one), `security` (tls, starttls, clear), `certificate` and `key` (files), `user` and
`password`, `answers`: for a recipient the replies that it gets instead of 250, each once, and `senders`: the same for our own
address.
"""

import asyncio
import json
import os
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult

told = json.loads(sys.argv[1])
answers = told.get("answers", {})
senders = told.get("senders", [])
tls = None
if told["security"] != "clear":
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(told["certificate"], told["key"])
starts = told["security"] == "starttls"


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if senders:
            return senders.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        waiting = answers.get(address)
        if waiting:
            return waiting.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        taken = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "letter": envelope.content.decode(),
            "encrypted": server.transport.get_extra_info("cipher") is not None,
            "user": session.auth_data.login.decode() if session.auth_data else None,
        }
        print(json.dumps(taken), flush=True)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, given):
    if mechanism != "PLAIN":
        return AuthResult(success=False, handled=False)
    known = (given.login.decode(), given.password.decode()) == (told["user"], told["password"])
    return AuthResult(success=known, handled=False, auth_data=given)


def smtp():
    return SMTP(
        Handler(),
        hostname="mail.example.cn",
        tls_context=tls if starts else None,
        require_starttls=starts,
        authenticator=authenticate,
        auth_required="user" in told,
        auth_require_tls=starts,
    )


async def serve():
    loop = asyncio.get_running_loop()
    encrypted = tls if told["security"] == "tls" else None
    server = await loop.create_server(smtp, told["host"], told["port"], ssl=encrypted)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()
asyncio.run(serve())
