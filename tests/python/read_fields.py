"""Reads structured fields (RFC 9651) with the package `http-sf`.

usage: read_fields.py TYPE < VALUE

TYPE is `list` or `item`. Prints, as JSON, each item as its value and its parameters.
"""

import json
import sys

import http_sf


def plain(item):
    value, parameters = item
    return [str(value), {name: str(value) for name, value in parameters.items()}]


def main():
    (kind,) = sys.argv[1:]
    found = http_sf.parse(sys.stdin.read().encode(), tltype=kind)
    print(json.dumps([plain(item) for item in found] if kind == "list" else plain(found)))


main()
