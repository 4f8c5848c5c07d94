"""An OpenID provider by Authlib, on a free port: prints its issuer and serves until its standard input ends.

Besides what the package does, it holds clients to PKCE (RFC 7636) and to the secret that it is told.
"""

import base64
import json
import os
import sys
import threading
from urllib.parse import parse_qs, unquote, urlparse

import flask
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from oidc_provider_mock import User, app
from werkzeug.serving import make_server

secret = sys.argv[1]
users = [User(sub=user["sub"], claims=user["claims"]) for user in json.loads(sys.argv[2])]
provider = app(require_nonce=True, user_claims=users)
provider.debug = False
challenges = {}


@provider.after_request
def remember(response):
    if flask.request.path == "/oauth2/authorize" and response.status_code in (302, 303):
        code = parse_qs(urlparse(response.headers["location"]).query).get("code")
        if code and flask.request.args.get("code_challenge_method") == "S256":
            challenges[code[0]] = flask.request.args["code_challenge"]
    return response


@provider.before_request
def check():
    if flask.request.path != "/oauth2/token":
        return None
    scheme, _, value = flask.request.headers.get("authorization", "").partition(" ")
    given = unquote(base64.b64decode(value).decode().partition(":")[2]) if scheme == "Basic" else None
    if given != secret:
        return {"error": "invalid_client"}, 401
    challenge = challenges.get(flask.request.form.get("code"))
    if not challenge or create_s256_code_challenge(flask.request.form.get("code_verifier", "")) != challenge:
        return {"error": "invalid_grant"}, 400
    return None


server = make_server("127.0.0.1", 0, provider, threaded=True)
print(json.dumps({"issuer": f"http://127.0.0.1:{server.server_port}"}), flush=True)


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()
server.serve_forever()
