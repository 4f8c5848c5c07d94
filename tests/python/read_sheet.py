"""Reads a sheet as openpyxl and as pandas see it.

usage: read_sheet.py FILE

Prints, as JSON, the name of the sheet, its rows with the type of each cell, and the rows as pandas reads them.
"""

import json
import sys

import openpyxl
import pandas


def main():
    (path,) = sys.argv[1:]
    sheet = openpyxl.load_workbook(path).active
    rows = [[{"type": cell.data_type, "value": str(cell.value)} for cell in row] for row in sheet.iter_rows()]
    frame = pandas.read_excel(path)
    found = {
        "sheet": sheet.title,
        "frozen": sheet.freeze_panes,
        "rows": rows,
        "pandas": json.loads(frame.to_json(orient="records", force_ascii=False, date_format="iso")),
    }
    print(json.dumps(found, ensure_ascii=False))


main()
