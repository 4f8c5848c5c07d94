"""Turns conditions in CQL2 text into CQL2 JSON with the library `cql2`.

usage: cql2_json.py < TEXTS

Reads a JSON list of texts and prints the list of documents.
"""

import json
import sys

import cql2

print(json.dumps([cql2.parse_text(text).to_json() for text in json.load(sys.stdin)], ensure_ascii=False))
