"""Uploads a file in chunks with tuspy, a client of tus 1.0.0 that nobody here wrote, and breaks off or goes on as asked.

usage: upload_material.py < JSON

Takes "code" (the code of exchange/auth/README.md, which signs), "key_file", "key_id", the "address" of the materials, the "file",
the "chunk" size, "stop" where it breaks off (or null), and the "upload" to go on with (or null). Prints the upload's address, the
offset that the server tells, and where it began.
"""

import json
import sys

import requests
from tusclient.client import TusClient

given = json.load(sys.stdin)
names = {}
exec(given["code"], names)


class Signing(requests.auth.AuthBase):
    def __call__(self, request):
        media_type = request.headers.get("content-type", "")
        body = request.body or b""
        signed = names["sign"](given["key_file"], given["key_id"], request.method, request.url, body, media_type)
        request.headers.update(signed)
        return request


begin = requests.sessions.Session.__init__


def begin_signing(session):
    begin(session)
    session.auth, session.trust_env = Signing(), False


requests.sessions.Session.__init__ = begin_signing

client = TusClient(given["address"])
uploader = client.uploader(
    given["file"],
    url=given["upload"],
    chunk_size=given["chunk"],
    metadata={"filename": "现场照片.png"},
    upload_checksum=True,
)
began = uploader.offset
uploader.upload(stop_at=given["stop"])
print(json.dumps({"upload": uploader.url, "offset": uploader.get_offset(), "began": began}))
