"""Reads a feature collection with GDAL's driver for OGC API - Features.

usage: read_oapif.py ADDRESS COLLECTION [WEST,SOUTH,EAST,NORTH] [WHERE] < TICKET

Prints, as JSON, the layers, and the collection's fields, ids and geometries (as hexadecimal WKB), page after page.
"""

import json
import os
import sys

from pyogrio import list_layers, set_gdal_config_options
from pyogrio.raw import read

os.environ["no_proxy"] = "*"


def main():
    address, collection, *rest = sys.argv[1:]
    bbox = tuple(float(number) for number in rest[0].split(",")) if rest and rest[0] else None
    where = rest[1] if len(rest) > 1 and rest[1] else None
    options = {}
    ticket = sys.stdin.read().strip()
    if ticket:
        options |= {"GDAL_HTTP_AUTH": "BEARER", "GDAL_HTTP_BEARER": ticket}
    set_gdal_config_options(options)
    source = f"OAPIF:{address}/ogc"
    meta, ids, geometries, columns = read(
        source, layer=collection, bbox=bbox, where=where, return_fids=True, PAGE_SIZE=2
    )
    rows = [dict(zip(meta["fields"], [str(value) for value in row])) for row in zip(*columns)]
    found = {
        "layers": sorted(name for name, _ in list_layers(source)),
        "crs": meta["crs"],
        "fields": list(meta["fields"]),
        "rows": rows,
        "geometries": [None if one is None else bytes(one).hex() for one in geometries],
    }
    print(json.dumps(found, ensure_ascii=False))


main()
