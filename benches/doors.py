"""Measures doors over HTTP at a server of its own, in a folder of its own, which later runs use again.

usage: doors.py SHUQIAO FOLDER places [FEATURES]
       doors.py SHUQIAO FOLDER files [FILES]

places  pages of OGC API Features out of so many (5,000,000), first and deep, in boxes and by values, as strangers ask
files   a table in so many files (2,000), each of a delivery of its own, read whole by the official client of Delta Sharing

SHUQIAO is the program. The folder's directory has one dataset for each; deliveries go the way of any delivery.
"""

import csv
import http.client
import io
import json
import math
import os
import pathlib
import random
import re
import subprocess
import sys
import time
from urllib.parse import urlsplit

HERE = pathlib.Path(__file__).resolve().parent
SAMPLES = HERE.parent / "datasets" / "samples"
PORT = 8797
BASE = f"http://127.0.0.1:{PORT}"
PLACES, FILES = "106001/000011", "106001/000012"
TIMES = 20
TOWNS, RARE = 300, 5000
ITEMS = {
    PLACES: [("编号", "id", "字符型C", "20", ""), ("类别", "kind", "字符型C", "20", ""), ("代码", "code", "字符型C", "20", ""),
             ("座位数", "seats", "整型I", "", ""), ("位置", "shape", "通用型G", "", "geometry")],
    FILES: [("批次", "delivery", "整型I", "", ""), ("编号", "number", "整型I", "", ""), ("内容", "content", "字符型C", "40", "")],
}
TITLES = {PLACES: ("测量地点", "places"), FILES: ("测量批次", "deliveries")}


class Office:
    """A data folder with its program."""

    def __init__(self, program, folder):
        self.program, self.folder = program, pathlib.Path(folder)
        self.data, self.server = self.folder / "data", None

    def run(self, *words, who=None):
        command = [self.program, "--data-dir", str(self.data), *words]
        command += ["--as", who, "--operator", "甲" if "reviewer" in who else "乙"] if who else []
        found = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if found.returncode:
            sys.exit(f"{' '.join(command)}\n{found.stdout}")
        return found.stdout

    def build(self, code):
        """The folder, and one entry of its directory, reviewed and in force."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.data / "format").exists():
            self.run("init")
            self.run("org", "put", str(SAMPLES / "directory" / "departments.json"), who=":system_administrator")
            key = str(self.folder / "scjg.pem")
            self.run("key", "generate", key)
            self.run("key", "register", "scjg", key, who=":security_administrator")
        if (self.folder / f"{TITLES[code][1]}.done").exists():
            return False
        if code in json.dumps(json.loads(self.run("resource", "search", "--json", TITLES[code][0], who="scjg:analyst"))):
            return True
        sheet, extension = self.folder / "目录.csv", self.folder / "扩展.csv"
        write_sheet(code, sheet, extension)
        editor, reviewer = "scjg:directory_editor", "scjg:reviewer"
        self.run("resource", "import", str(sheet), "--extension", str(extension), who=editor)
        for step in ("registration", "publication"):
            self.run("resource", "step", f"submit-{step}", code, who=editor)
            self.run("resource", "step", f"approve-{step}", code, who=reviewer)
        return True

    def done(self, code):
        (self.folder / f"{TITLES[code][1]}.done").touch()

    def __enter__(self):
        log = open(self.folder / "server.log", "w")
        words = ["--data-dir", str(self.data), "serve", "--listen", f"127.0.0.1:{PORT}"]
        self.server = subprocess.Popen([self.program, *words], stdout=log, stderr=log)
        for _ in range(600):
            try:
                if get("/.well-known/jwks.json")[0] == 200:
                    return self
            except OSError:
                time.sleep(0.1)
        sys.exit(f"no server: see {self.folder / 'server.log'}")

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()


def busy(office):
    """Seconds of processor time that the server used."""
    fields = pathlib.Path(f"/proc/{office.server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def write_sheet(code, sheet, extension):
    """The entry in the sheet of 26 columns and its extension, below the heads of the sample register."""
    heads = [row for row in csv.reader(open(SAMPLES / "clerk" / "材料目录.csv", encoding="utf-8"))][:2]
    more = [row for row in csv.reader(open(SAMPLES / "clerk" / "材料扩展.csv", encoding="utf-8"))]
    title, name = TITLES[code]
    rows, own = [], []
    for place, (item, column, kind, length, form) in enumerate(ITEMS[code]):
        first = ["基础信息资源类", "共享材料信息资源", "登记公告", "", "", "测量", title, code, "测量科", "为测量合成。", "自描述格式", "CSV", ""]
        row = [str(place + 1), *(first if place == 0 else [""] * 13), item, kind, length, "无条件共享", ""]
        rows.append(row + (["共享平台方式", "文件", "是", "", "不定期", "2026-06-30", "市场监管"] if place == 0 else ["", "", "是"] + [""] * 4))
        cells = [code, title, item, "", "", "", column, "一般", "否", "", "", "", "", form, "是"]
        cells += ["1" if column == "id" else "", "", "", "", "", "", ""]
        own.append(cells)
    resource = list(more[1])
    resource[0], resource[1], resource[6] = code, title, name
    for file, lines in ((sheet, heads + rows), (extension, [more[0], resource, *own])):
        with open(file, "w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(lines)


def get(path, fields=None):
    """Status, body and seconds of a request by a connection of its own."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=600)
    connection.request("GET", path, headers=fields or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, time.monotonic() - began


def centre(number):
    number %= TOWNS
    return 105 + (number % 20) * 0.7, 24 + (number // 20) * 0.6


def write_places(features, path):
    """Half of them points, half small areas, most near the centre of a town."""
    chance = random.Random(1)
    with open(path, "w", encoding="utf-8") as out:
        out.write("编号,类别,代码,座位数,位置\n")
        for number in range(features):
            x, y = centre(int(chance.random() * TOWNS))
            far, angle = chance.random() * chance.random() * 0.4, chance.random() * math.tau
            x, y = x + far * math.cos(angle), y + far * math.sin(angle)
            at = lambda east, north: f"[{x + east * 1e-4:.6f},{y + north * 1e-4:.6f}]"
            if number % 2:
                ring = ",".join([at(0, 0), at(2, 0.1), at(2.1, 1.9), at(0.1, 2), at(0, 0)])
                shape = f'{{""type"":""Polygon"",""coordinates"":[[{ring}]]}}'
            else:
                shape = f'{{""type"":""Point"",""coordinates"":{at(0, 0)}}}'
            out.write(f'p{number:08},kind{number % 10},c{number % RARE},{number % 97},"{shape}"\n')


def places(office, features):
    if office.build(PLACES):
        file, began = office.folder / "places.csv", time.monotonic()
        write_places(features, file)
        print(f"{features} features written within {time.monotonic() - began:.0f} s, {busy(office):.0f} s of processor time", flush=True)
        began = time.monotonic()
        office.run("ingest", PLACES, str(file), who="scjg:data_steward")
        print(f"brought in within {time.monotonic() - began:.0f} s, {busy(office):.0f} s of processor time", flush=True)
        file.unlink()
        began = time.monotonic()
        view = json.loads(office.run("publish", PLACES, "--basis", "测量", "--json", who="scjg:data_steward"))
        number = view["number"]
        if "justify" in view["next"]:
            office.run("matter", "step", number, "justify", "--reason", "数据由程序合成", who="scjg:data_steward")
        office.run("matter", "step", number, "grant", "--all-yes", who="scjg:reviewer")
        print(f"looked through and opened within {time.monotonic() - began:.0f} s, {busy(office):.0f} s of processor time", flush=True)
        office.done(PLACES)
    items = f"/ogc/collections/{PLACES.replace('/', '-')}/items"

    def box(number, degrees):
        x, y = centre(number)
        return f"{items}?limit=100&bbox={x},{y},{x + degrees:.4f},{y + degrees:.4f}"

    with office:
        deep, page = None, f"{items}?limit=10000"
        for _ in range(min(100, features // 20_000)):
            status, body, _ = get(page)
            assert status == 200, body[:500]
            tail = body[body.rindex(b'"numberReturned"'):].decode()
            following = re.search(r'"href":"([^"]*)","rel":"next"|"rel":"next"[^}]*"href":"([^"]*)"', tail)
            deep = urlsplit(following.group(1) or following.group(2))
            page = f"{deep.path}?{deep.query}"
        deep = page.replace("limit=10000", "limit=100")
        questions = [
            ("first", lambda number: f"{items}?limit=100"),
            ("after a million", lambda number: deep),
            ("in a box of 1 km", lambda number: box(number, 0.01)),
            ("in a box of 100 km", lambda number: box(number, 1.0)),
            ("in a box and of a kind", lambda number: f"{box(number, 0.1)}&kind=kind{number % 10}"),
            ("of a kind", lambda number: f"{items}?limit=100&kind=kind{number % 10}"),
            ("with a rare value", lambda number: f"{items}?limit=100&code=c{number * 37}"),
            ("in a box of 10 km, counted", lambda number: f"{box(number, 0.1)}&count=true"),
        ]
        print("| page of 100 | p50 ms | p95 ms | features |\n|---|---:|---:|---:|")
        for name, path in questions:
            times, count = [], 0
            for number in range(TIMES + 1):
                status, body, seconds = get(path(number))
                assert status == 200, body[:500]
                count = len(json.loads(body)["features"])
                times.append(seconds * 1000)
            times = sorted(times[1:])
            print(f"| {name} | {times[len(times) // 2]:.0f} | {times[len(times) * 95 // 100]:.0f} | {count} |", flush=True)


def sign(key_file, key_id, method, url, body, content_type):
    """As the README of exchange/auth has it."""
    text = (HERE.parent / "exchange" / "auth" / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.S).group(1)
    names = {}
    exec(code, names)
    return names["sign"](key_file, key_id, method, url, body, content_type)


def files(office, count):
    is_new = office.build(FILES)
    key = str(office.folder / "scjg.pem")
    with office:
        if is_new:
            keys = json.loads(office.run("key", "list", "--json", who=":security_administrator"))
            own = next(one for one in keys if one["owner"].get("id") == "scjg")
            began, counter = time.monotonic(), office.folder / "deliveries.count"
            # What was cut short goes on.
            for delivery in range(int(counter.read_text()) if counter.exists() else 0, count):
                text = io.StringIO()
                text.write("批次,编号,内容\n")
                text.writelines(f"{delivery},{number},第{delivery}批第{number}行\n" for number in range(50))
                body = text.getvalue().encode()
                change = "replace" if delivery == 0 else "append"
                path = f"/api/v1/resources/{FILES.replace('/', '-')}/data?change={change}&publish=true&name=rows.csv"
                fields = sign(key, own["id"], "POST", BASE + path, body, "text/csv")
                connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=600)
                connection.request("POST", path, body=body, headers=fields)
                answer = connection.getresponse()
                told = answer.read()
                assert answer.status in (200, 201), told[:500]
                connection.close()
                counter.write_text(str(delivery + 1))
                if (delivery + 1) % 200 == 0:
                    print(f"{delivery + 1} deliveries within {time.monotonic() - began:.0f} s, {busy(office):.0f} s of processor time", flush=True)
            office.done(FILES)
        token = subprocess.run(
            [office.program, "ticket", "issue", "--doors", "file", "--hours", "12", "--server", BASE, "--key", key],
            stdout=subprocess.PIPE, text=True, check=True,
        ).stdout.split()[-1]
        bearer = {"authorization": f"Bearer {token}"}
        profile = office.folder / "office.share"
        profile.write_bytes(get("/delta-sharing/profile", bearer)[1])
        table = f"scjg.default.{TITLES[FILES][1]}"
        subprocess.run([sys.executable, str(HERE / "sharing.py"), str(profile), table], check=True)


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[3] not in ("places", "files"):
        sys.exit(__doc__)
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        os.environ.pop(proxy, None)
    what = Office(os.path.abspath(sys.argv[1]), sys.argv[2])
    if sys.argv[3] == "places":
        places(what, int(sys.argv[4]) if len(sys.argv) > 4 else 5_000_000)
    else:
        files(what, int(sys.argv[4]) if len(sys.argv) > 4 else 2_000)
