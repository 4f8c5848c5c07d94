"""Which of these identity numbers and credit codes have a wrong check digit?

usage: oracle_numbers.py < {"identity": [..], "credit": [..], "wrong": [identity numbers]}

The samples' identity numbers stand behind a region that was never assigned, so only their check digits are asked for.
"""

import json
import sys

from stdnum.cn import ric, uscc


def is_person(number):
    return len(number) == 18 and ric.calc_check_digit(number) == number[17]


def main():
    asked = json.load(sys.stdin)
    found = {
        "identity": [number for number in asked["identity"] if not is_person(number)],
        "credit": [code for code in asked["credit"] if uscc.calc_check_digit(code[:17]) != code[17]],
        "wrong": [number for number in asked["wrong"] if not is_person(number)],
    }
    print(json.dumps(found))


main()
