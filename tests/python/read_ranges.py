"""Reads one column of a few rows of a Parquet file over HTTP, as each of four tools does it, and never the whole file.

usage: read_ranges.py ADDRESS COLUMN KEY VALUE

Prints, as JSON, by tool the sum of COLUMN over the rows in which KEY is VALUE.
"""

import datetime
import json
import sys

import duckdb
import pandas
import polars
import pyarrow.parquet
from fsspec.implementations.http import HTTPFileSystem


class Files(HTTPFileSystem):
    """Files over HTTP, read in the very ranges that are asked for, and for DuckDB, which asks whether they are there and how
    old they are, without a request for all of them."""

    def exists(self, path, **_):
        return self.info(path)["size"] > 0

    def isdir(self, path):
        return False

    def glob(self, path, **_):
        return [path]

    def modified(self, path):
        return datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


def opened(address):
    return Files(skip_instance_cache=True).open(address, block_size=65536, cache_type="none")


def by_pyarrow(address, column, key, value):
    with opened(address) as file:
        table = pyarrow.parquet.read_table(file, columns=[column, key], filters=[(key, "=", value)], pre_buffer=False)
        return table.column(column).to_pandas().sum()


def by_pandas(address, column, key, value):
    with opened(address) as file:
        return pandas.read_parquet(file, columns=[column], filters=[(key, "=", value)])[column].sum()


def by_polars(address, column, key, value):
    rows = polars.scan_parquet(address).filter(polars.col(key) == value)
    return rows.select(polars.col(column).sum()).collect().item()


def by_duckdb(address, column, key, value):
    duckdb.register_filesystem(Files(skip_instance_cache=True, block_size=65536, cache_type="none"))
    return duckdb.execute(f"select sum({column}) from read_parquet(?) where {key} = ?", [address, value]).fetchone()[0]


def main():
    address, column, key, value = sys.argv[1:]
    tools = {"pyarrow": by_pyarrow, "pandas": by_pandas, "polars": by_polars, "duckdb": by_duckdb}
    found = {}
    for name, read in tools.items():
        # Each asks for an address of its own, by which the server's log tells them apart.
        found[name] = int(read(f"{address}?{name}", column, key, value))
    print(json.dumps(found))


main()
