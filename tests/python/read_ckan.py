"""Reads a server as CKAN's own client, as frictionless, and as the harvester of ckanext-harvest does.

usage: read_ckan.py ADDRESS DATASET < TICKET

Prints, as JSON, what each of them has found.
"""

import json
import os
import sys
from urllib.parse import urlencode

os.environ["NO_PROXY"] = "*"

import ckanapi
import requests
from frictionless import Catalog, Package, portals


def by_ckanapi(client, dataset):
    package = client.action.package_show(id=dataset)
    table = package["resources"][0]["id"]
    pages, offset = [], 0
    while True:
        page = client.action.datastore_search(resource_id=table, limit=2, offset=offset, sort="case_no desc")
        if not page["records"]:
            break
        pages.append([row["case_no"] for row in page["records"]])
        offset += 2
    sql = f'SELECT county, count(*) AS n FROM "{table}" GROUP BY county ORDER BY county'
    return {
        "packages": client.action.package_list(),
        "found": client.action.package_search(q="处罚", fq="organization:scjg", rows=5)["count"],
        "organization": package["organization"]["title"],
        "files": [resource["url"].rsplit("/", 1)[1] for resource in package["resources"]],
        "resource": client.action.resource_show(id=table)["format"],
        "pages": pages,
        "total": page["total"],
        "fields": [field["id"] for field in page["fields"]],
        "filtered": client.action.datastore_search(
            resource_id=table, filters=json.dumps({"county": "360402"}) if client.get_only else {"county": "360402"}
        )["records"],
        "sql": client.action.datastore_search_sql(sql=sql)["records"],
    }


def errors_of_ckanapi(client):
    found = {}
    for name, action, arguments in [
        ("missing", "package_show", {"id": "309001-000009"}),
        ("unknown_table", "datastore_search", {"resource_id": "309001-000009-csv"}),
        ("unknown_parameter", "package_search", {"ext_bbox": "1,2,3,4"}),
        ("no_filter", "package_search", {"fq": "title:x"}),
        ("no_action", "package_create", {"name": "x"}),
    ]:
        try:
            client.call_action(action, arguments)
            found[name] = None
        except ckanapi.CKANAPIError as error:
            found[name] = type(error).__name__
    return found


def by_frictionless(address, dataset):
    package = Package(f"{address}/dataset/{dataset}")
    catalog = Catalog(control=portals.CkanControl(baseurl=address, organization_name="scjg"))
    return {
        "name": package.name,
        "formats": [resource.format for resource in package.resources],
        "rows": len(package.resources[0].read_rows()),
        "catalog": [entry.package.name for entry in catalog.datasets],
    }


def by_harvester(address, terms):
    """The requests of `CKANHarvester._search_for_datasets`: pages of 100 by id until one is empty."""
    found, start, previous = [], 0, None
    while True:
        parameters = {"rows": "100", "start": str(start), "sort": "id asc"}
        if terms:
            parameters["fq"] = " ".join(terms)
        content = requests.get(f"{address}/api/3/action/package_search?{urlencode(parameters)}").text
        assert content != previous, "the paging does not work"
        results = json.loads(content).get("result", {}).get("results", [])
        if not results:
            return found
        found += [(package["id"], package["metadata_modified"]) for package in results]
        start, previous = start + 100, content


def main():
    address, dataset = sys.argv[1:]
    ticket = sys.stdin.read().strip()
    anyone = ckanapi.RemoteCKAN(address)
    in_addresses = ckanapi.RemoteCKAN(address, get_only=True)
    department = ckanapi.RemoteCKAN(address, apikey=ticket)
    all_of_it = by_harvester(address, [])
    newest = max(modified for _, modified in all_of_it)
    found = {
        "post": by_ckanapi(anyone, dataset),
        "get": by_ckanapi(in_addresses, dataset),
        "errors": errors_of_ckanapi(anyone),
        "department": department.action.datastore_search(resource_id=f"{dataset}-csv", fields=["case_no", "person"])["records"],
        "frictionless": by_frictionless(address, dataset),
        "harvested": [name for name, _ in all_of_it],
        "since": [name for name, _ in by_harvester(address, [f"metadata_modified:[{newest}Z TO *]"])],
        "later": by_harvester(address, ["metadata_modified:[2999-01-01T00:00:00Z TO *]"]),
        "excluded": by_harvester(address, ["-organization:scjg"]),
        "included": [name for name, _ in by_harvester(address, ["organization:gaj OR organization:scjg", "groups:301"])],
    }
    print(json.dumps(found, ensure_ascii=False))


main()
