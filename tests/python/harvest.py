"""Takes a catalogue and its feeds as other portals do, with nothing but the address of the server.

usage: harvest.py ADDRESS DATASET

Follows Hydra's pages to their end (rdflib), reads the feeds (feedparser), the sitemap, the linked data in the dataset's page, and
the CSV file by the metadata beside it (csvw). Prints what it found as JSON.
"""

import json
import re
import sys
import tempfile
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

import csvw
import feedparser
import rdflib
from rdflib.namespace import DCTERMS, RDF

DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")
HYDRA = rdflib.Namespace("http://www.w3.org/ns/hydra/core#")
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(address, accept="*/*"):
    with OPENER.open(urllib.request.Request(address, headers={"accept": accept})) as answer:
        return answer.read()


def catalogue(address):
    codes, pages = [], 0
    while address:
        graph = rdflib.Graph().parse(data=ask(address, "application/rdf+xml"), format="xml")
        codes += [str(graph.value(dataset, DCTERMS.identifier)) for dataset in graph.subjects(RDF.type, DCAT.Dataset)]
        views = graph.subjects(RDF.type, HYDRA.PagedCollection)
        address = next((str(graph.value(view, HYDRA.next)) for view in views if graph.value(view, HYDRA.next)), None)
        pages += 1
    return {"codes": sorted(codes), "pages": pages}


def feed(address):
    read = feedparser.parse(ask(address))
    entries = [{"id": e.id, "title": e.title, "kind": e.tags[0].term, "summary": e.summary} for e in read.entries]
    return {"broken": bool(read.bozo), "id": read.feed.id, "entries": entries}


def table(dataset):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("latest.csv", "csv-metadata.json"):
            Path(folder, name).write_bytes(ask(f"{dataset}/{name}"))
        group = csvw.TableGroup.from_file(Path(folder, "csv-metadata.json"))
        rows = list(group.tables[0].iterdicts(strict=True))
    return json.loads(json.dumps(rows, default=str))


def main():
    address, dataset = sys.argv[1:]
    page = ask(dataset, "text/html").decode()
    linked = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    locations = ElementTree.fromstring(ask(f"{address}/sitemap.xml")).findall(".//{*}loc")
    found = {
        "catalogue": catalogue(f"{address}/catalog"),
        "feed": feed(f"{address}/feed.atom"),
        "dataset_feed": feed(f"{dataset}/feed.atom"),
        "sitemap": [location.text for location in locations],
        "linked": [json.loads(text) for text in linked],
        "rows": table(dataset),
    }
    print(json.dumps(found, ensure_ascii=False))


main()
