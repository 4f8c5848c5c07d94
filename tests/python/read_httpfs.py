"""Reads one column of a few rows of a Parquet file with DuckDB's own HTTP reader.

usage: read_httpfs.py ADDRESS COLUMN KEY VALUE

Prints, as JSON, the sum of COLUMN over the rows in which KEY is VALUE.
"""

import json
import pathlib
import sys

# `tests/run` keeps this DuckDB apart from the one of the other scripts.
sys.path.insert(0, f"{sys.prefix}/httpfs")

import duckdb
import duckdb_extension_httpfs

address, column, key, value = sys.argv[1:]
extension = next(pathlib.Path(duckdb_extension_httpfs.__file__).parent.glob("extensions/*/httpfs.duckdb_extension"))
database = duckdb.connect()
database.execute(f"load '{extension}'")
query = f"select sum({column}) from read_parquet(?) where {key} = ?"
print(json.dumps(int(database.execute(query, [address, value]).fetchone()[0])))
