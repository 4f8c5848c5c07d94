"""Reads a document as python-docx sees it.

usage: read_docx.py < BASE64

Prints, as JSON, the text of each paragraph and the cells of each table.
"""

import base64
import io
import json
import sys

import docx

document = docx.Document(io.BytesIO(base64.b64decode(sys.stdin.read())))
tables = [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]
json.dump({"paragraphs": [paragraph.text for paragraph in document.paragraphs], "tables": tables}, sys.stdout)
