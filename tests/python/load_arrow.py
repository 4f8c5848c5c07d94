"""Loads an Arrow stream into pandas and polars, with nothing but a bearer ticket.

usage: load_arrow.py ADDRESS SQL < TICKET

Prints, as JSON, the rows as pandas and as polars see them, with the types of the columns.
"""

import io
import json
import sys
import urllib.request

import pandas
import polars
import pyarrow


def ask(address, ticket, sql):
    request = urllib.request.Request(
        f"{address}/api/v1/sql?format=arrow",
        data=json.dumps({"sql": sql}).encode(),
        headers={"authorization": f"Bearer {ticket}", "content-type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as answer:
        return answer.read()


def main():
    address, sql = sys.argv[1:]
    stream = ask(address, sys.stdin.read().strip(), sql)
    in_pandas: pandas.DataFrame = pyarrow.ipc.open_stream(stream).read_pandas()
    in_polars = polars.read_ipc_stream(io.BytesIO(stream))
    found = {
        "pandas": json.loads(in_pandas.to_json(orient="records", force_ascii=False)),
        "polars": json.loads(in_polars.write_json()),
        "types": [str(dtype) for dtype in in_polars.dtypes],
    }
    print(json.dumps(found, ensure_ascii=False))


main()
