"""Which days are worked in China, and when so many working days are over?

usage: oracle_calendar.py < {"from": "2024-01-01", "to": "2026-12-31", "limits": [["2026-02-13", 2], ..]}
prints {"worked": [days], "ends": [the n-th working day after each]}
"""

import datetime
import json
import sys

import chinese_calendar


def end(received, days):
    # `find_workday` takes the first day itself, or the next one that is worked, for number 0.
    return chinese_calendar.find_workday(days if chinese_calendar.is_workday(received) else days - 1, received)


def main():
    asked = json.load(sys.stdin)
    first, last = (datetime.date.fromisoformat(asked[name]) for name in ("from", "to"))
    worked = chinese_calendar.get_workdays(first, last)
    ends = [end(datetime.date.fromisoformat(received), days) for received, days in asked["limits"]]
    print(json.dumps({"worked": [str(day) for day in worked], "ends": [str(day) for day in ends]}))


main()
