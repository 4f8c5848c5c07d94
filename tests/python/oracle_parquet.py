"""Counts the rows of a Parquet file, and computes one expression over them, with DuckDB.

usage: oracle_parquet.py FILE EXPRESSION
"""

import json
import sys

import duckdb


def main():
    file, expression = sys.argv[1:]
    found = duckdb.sql(f"select count(*), {expression} from read_parquet('{file}')").fetchall()
    [(rows, value)] = found
    print(json.dumps({"rows": rows, "value": int(value)}))


main()
