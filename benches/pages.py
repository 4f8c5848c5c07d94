"""Measures the portal's public pages at a running server: time until the first byte, and what a first visit transfers.

usage: pages.py BASE [TIMES]

BASE is a server with data, such as a demo city:  shuqiao demo --people 20000 --listen 127.0.0.1:8788

Each type of page is asked for TIMES times (50 without it) by curl, one after the other, as anyone, after one visit that does not
count. The first dataset with places stands for all, and its department for departments. `page` is the document; `looks` what it
brings with it on a first visit: style sheet, emblem, icons; `scripts` its scripts with what these import, of which map, charts,
grid and editor come only where they are seen. All in the bytes that cross the network, by Brotli where the server has it.

Prints a table in Markdown, and names the pages beyond the goals: 50 ms at p95, and 150 kB without map, charts, grid and editor.
"""

import html
import re
import statistics
import subprocess
import sys
from urllib.parse import quote

GOAL_MS, GOAL_BYTES = 50, 150_000
# Scripts that show much and come only where that is seen.
LARGE = ("map.js", "chart.js", "grid.js", "sql.js")


def curl(address, *options):
    command = ["curl", "--silent", "--fail", "-H", "accept: text/html", "-H", "accept-encoding: br", *options, address]
    return subprocess.run(command, check=True, capture_output=True)


def text(address):
    return subprocess.run(["curl", "-s", "-H", "accept: text/html", address], check=True, capture_output=True).stdout.decode()


def measured(address, times):
    told = "%{time_starttransfer} %{size_download}"
    curl(address, "--output", "/dev/null")
    answers = [curl(address, "--output", "/dev/null", "--write-out", told).stdout.decode().split() for _ in range(times)]
    seconds = sorted(float(first) for first, _ in answers)
    return [statistics.median(seconds) * 1000, seconds[int(len(seconds) * 0.95) - 1] * 1000, int(answers[0][1])]


def brought(base, page, sizes):
    """Bytes of looks and of scripts that a page brings, and the large ones among its scripts."""
    found = {match.split("#")[0] for match in re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)}
    looks = {name for name in found if not name.endswith((".js", ".sh", ".json"))}
    scripts, waiting = set(), [name for name in found if name.endswith(".js")]
    while waiting:
        name = waiting.pop()
        if name in scripts:
            continue
        scripts.add(name)
        waiting += ["/assets/" + part for part in re.findall(r'(?:from|import)\s*\(?["\']\./([\w.-]+\.js)["\']', text(base + name))]
    for name in looks | scripts:
        if name not in sizes:
            sizes[name] = int(curl(base + name, "--output", "/dev/null", "--write-out", "%{size_download}").stdout)
    is_large = lambda name: name.endswith(LARGE) or "leaflet" in name
    of = lambda names: sum(sizes[name] for name in names)
    return of(looks), of({name for name in scripts if not is_large(name)}), of({name for name in scripts if is_large(name)})


def first(pattern, page):
    found = re.search(pattern, page)
    return html.unescape(found.group(1)) if found else None


def pages(base):
    places = text(base + "/ogc/collections?f=html")
    dataset = first(r"/ogc/collections/(\d{6}-\d{6})", places) or first(r"/datasets/(\d{6}-\d{6})", text(base + "/"))
    department = first(r'href="(/departments/[^"]+)"', text(base + "/departments"))
    column = first(rf'/datasets/{dataset}/chart\?x=([\w]+)', text(f"{base}/datasets/{dataset}"))
    return [
        ("home", "/"), ("search", "/search"), ("search by words", "/search?q=" + quote("企业")),
        ("search, nothing found", "/search?q=" + quote("公交占点") + "&opening=conditional"), ("topics", "/topics"),
        ("departments", "/departments"), ("department", department), ("dataset", f"/datasets/{dataset}"),
        ("rows", f"/datasets/{dataset}/rows"), ("chart form", f"/datasets/{dataset}/chart"),
        ("chart", f"/datasets/{dataset}/chart?x={column}"), ("changes", f"/datasets/{dataset}/changes"),
        ("feedback", f"/datasets/{dataset}/feedback"), ("gallery", "/gallery"), ("statistics", "/statistics"),
        ("standards", "/standards"), ("status", "/status"), ("guide", "/help"), ("SQL", "/sql"), ("API", "/api"),
        ("API, one part", "/api?tag=downloads"), ("developers", "/developer"), ("disclosure request", "/ask/disclosure"),
        ("letter", "/ask/letter"), ("sign in", "/sign-in"), ("map services", "/ogc?f=html"),
    ]


def main():
    base, times = sys.argv[1].rstrip("/"), int(sys.argv[2]) if len(sys.argv) > 2 else 50
    sizes, beyond = {}, []
    print("| page | p50 ms | p95 ms | page kB | looks kB | scripts kB | map, charts, grid, editor kB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, address in pages(base):
        p50, p95, size = measured(base + address, times)
        looks, scripts, large = brought(base, text(base + address), sizes)
        kilobytes = " | ".join(f"{bytes_ / 1000:.1f}" for bytes_ in (size, looks, scripts, large))
        print(f"| {name} | {p50:.1f} | {p95:.1f} | {kilobytes} |", flush=True)
        if p95 > GOAL_MS or size + looks + scripts > GOAL_BYTES:
            beyond.append(name)
    print(f"\nBeyond {GOAL_MS} ms or {GOAL_BYTES // 1000} kB: {', '.join(beyond) or 'none'}")


if __name__ == "__main__":
    main()
