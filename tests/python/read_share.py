"""Reads shared tables with the official client of Delta Sharing, as its profile and its questions say."""

import json
import os
import sys
import tempfile
import warnings
from contextlib import redirect_stdout
from datetime import date, datetime
from decimal import Decimal

warnings.filterwarnings("ignore")
for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
    os.environ.pop(name, None)

import delta_sharing


def plain(value):
    """A cell as JSON."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return None if value != value else value


def rows(frame):
    return [{name: plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def answer(question, profile):
    """What one question gives: `tables`, `version`, or rows, or how often each cell of a column comes."""
    kind, options = question["ask"], question.get("options", {})
    if kind == "tables":
        client = delta_sharing.SharingClient(profile)
        return [[table.share, table.schema, table.name] for table in client.list_all_tables()]
    table = f"{profile}#{question['table']}"
    try:
        if kind == "version":
            return delta_sharing.get_table_version(table, **options)
        if kind == "changes":
            return rows(delta_sharing.load_table_changes_as_pandas(table, **options))
        frame = delta_sharing.load_as_pandas(table, **options)
    except Exception as error:
        return {"error": str(error)}
    return len(frame) if kind == "count" else rows(frame)


profile_text = sys.stdin.read()
with tempfile.NamedTemporaryFile("w", suffix=".share") as file:
    file.write(profile_text)
    file.flush()
    with redirect_stdout(sys.stderr):
        answers = [answer(question, file.name) for question in json.loads(sys.argv[1])]
print(json.dumps(answers, ensure_ascii=False))
