"""Reads a letter (RFC 5322) as a mail program does: its head and text as JSON."""

import json
import sys
from email import message_from_string, policy

letter = message_from_string(sys.stdin.read(), policy=policy.default)
print(json.dumps({
    "from": letter["from"], "to": letter["to"], "subject": letter["subject"], "date": letter["date"],
    "text": letter.get_content(),
}))
