"""Reads a feed by feedparser, and prints its identity and entries as JSON.

usage: read_feed.py ADDRESS
"""

import json
import sys
import urllib.request

import feedparser

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

with OPENER.open(sys.argv[1]) as answer:
    read = feedparser.parse(answer.read())
entries = [{"id": entry.id, "title": entry.title, "kind": entry.tags[0].term} for entry in read.entries]
print(json.dumps({"broken": bool(read.bozo), "id": read.feed.id, "entries": entries}, ensure_ascii=False))
