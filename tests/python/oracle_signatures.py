"""Signs and verifies with an implementation of RFC 9421 that nobody here wrote.

usage: oracle_signatures.py sign|verify|example < JSON

A request is {"method", "url", "headers", "body"}; a response is {"status", "headers", "body"} beside its "request".
`sign` needs "private_key" (PEM), "key_id", "created" (seconds), "nonce", "components" and prints the headers to send.
`verify` needs "public_key" (32 bytes, base64) and "components", and prints the verified components or {"error"}.
`example` runs the code of exchange/auth/README.md, given as "code", and prints the headers that it makes.
"""

import base64
import datetime
import json
import sys
import types

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, algorithms
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from http_message_signatures.resolvers import MappingKeyResolver

TAG = "shuqiao"


def message(given):
    request = types.SimpleNamespace(**{key: given["request"][key] for key in ("method", "url", "headers")})
    if "status" not in given:
        return request
    return types.SimpleNamespace(status_code=given["status"], headers=given["headers"], request=request)


def body(given):
    text = given.get("body")
    return None if text is None else text.encode()


def sign(given):
    key = load_pem_private_key(given["private_key"].encode(), None)
    resolver = MappingKeyResolver(public_keys={}, private_keys={given["key_id"]: key})
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=resolver)
    signed = message(given)
    signer.sign(
        signed,
        key_id=given["key_id"],
        created=datetime.datetime.fromtimestamp(given["created"], datetime.timezone.utc),
        nonce=given["nonce"],
        label="oracle",
        tag=TAG,
        covered_component_ids=given["components"],
        body=body(given),
    )
    return dict(signed.headers)


def verify(given):
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(given["public_key"]))
    resolver = types.SimpleNamespace(resolve_public_key=lambda key_id: key if key_id == given["key_id"] else None)
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=resolver)
    # The tests have a clock of their own.
    verifier.max_clock_skew = datetime.timedelta(days=10_000)
    try:
        (result,) = verifier.verify(
            message(given), max_age=None, expect_tag=TAG, require_components=given["components"], body=body(given)
        )
    except HTTPMessageSignaturesException as error:
        return {"error": str(error)}
    return {"covered": list(result.covered_components)}


def example(given):
    names = {}
    exec(given["code"], names)
    return names["sign"](given["key_file"], given["key_id"], given["method"], given["url"], body(given), purpose=given["purpose"])


if __name__ == "__main__":
    print(json.dumps({"sign": sign, "verify": verify, "example": example}[sys.argv[1]](json.load(sys.stdin))))
