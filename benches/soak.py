"""Ten minutes of verification at a rate, while versions are published, grants are revoked and the server is killed.

usage: soak.py SHUQIAO LOOKUPS FOLDER RATE SECONDS   (FOLDER as benches/lookups.sh makes it)

Fails where an answer is wrong, where an answer has no evidence, where something fails while the server is up, or where a revoked
grant still verifies.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

SHUQIAO, LOOKUPS, FOLDER, RATE, SECONDS = sys.argv[1:6]
ADDRESS = "127.0.0.1:8941"
BASE = f"http://{ADDRESS}"
ENV = dict(os.environ, SHUQIAO_DATA_DIR=FOLDER, LC_ALL="C.UTF-8")
ARTICLE = "《社会救助暂行办法》第五十八条"
# After a signal a server answers what it has begun, and a client hears of its end a little later.
MARGIN = 1.0


def shuqiao(*words):
    return subprocess.run([SHUQIAO, *words], env=ENV, check=True, capture_output=True, text=True).stdout


def serve():
    server = subprocess.Popen([SHUQIAO, "serve", "--listen", ADDRESS], env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        try:
            urllib.request.urlopen(BASE + "/api/v1/status")
            return server
        except OSError:
            time.sleep(0.01)


def granted(purpose):
    """A grant by which the civil-affairs bureau verifies for that purpose."""
    asked = {"asks": [{"resource": "101001/000001", "items": ["id_number", "name"], "doors": ["verification"]}],
             "purpose": purpose, "legal_basis": ARTICLE, "valid_until": "2098-12-31T16:00:00Z"}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(asked, file)
        file.flush()
        opened = shuqiao("matter", "open", "application", file.name, "--as", "mzj:analyst", "--operator", "吴敏")
    number = re.search(r"SQ-\d+-\d+", opened)[0]
    accepted = shuqiao("matter", "step", number, "accept", "--as", ":authority_officer", "--operator", "孙敏")
    number = re.search(r"TG-\d+-\d+", accepted)[0]
    shuqiao("matter", "step", number, "propose", "--as", "gaj:approver", "--operator", "赵磊")
    shuqiao("matter", "step", number, "grant", "--as", "gaj:approver", "--operator", "周静")
    grants = json.loads(shuqiao("grant", "list", "--as", "mzj", "--json"))
    return next(grant["id"] for grant in grants if grant["purpose"] == purpose)


def verifies(purpose):
    """Whether pairs are verified for that purpose: one second of them."""
    run = subprocess.run([LOOKUPS, BASE, FOLDER, "verify", "1", "1", "20", "/dev/null", purpose], env=ENV, capture_output=True, text=True)
    done, failed = re.search(r"(\d+) requests", run.stdout), re.search(r"(\d+) failed", run.stdout)
    return int(done[1]), int(failed[1])


def evidence(folder):
    """The requests that the log has an access of: in the segment that is written, and in sealed ones."""
    found = set()
    for path in [*Path(folder, "evidence").glob("*.log"), *Path(folder, "objects", "evidence").glob("*.log")]:
        with open(path, "rb") as file:
            for line in file:
                if b'"event":"access"' in line:
                    found.add(re.search(rb'"request_id":"([^"]+)"', line)[1].decode())
    return found


server = serve()
purposes = [f"核对{number}" for number in range(3)]
grants = [granted(purpose) for purpose in purposes]
rows = f"{FOLDER}/soak-people.csv"
Path(rows).write_text(shuqiao("query", "select * from gaj.population", "--as", "gaj", "--format", "csv"))
log = f"{FOLDER}/soak.log"
load = subprocess.Popen([LOOKUPS, BASE, FOLDER, "verify", "16", SECONDS, RATE, log], env=ENV, stdout=subprocess.PIPE, text=True)
begun, downs, published, revoked, wrong = time.time(), [], 0, 0, []
step = int(SECONDS) / 12
for number in range(1, 12):
    time.sleep(max(0, begun + number * step - time.time()))
    match number % 4:
        case 0 | 2:
            shuqiao("ingest", "101001/000001", rows, "--as", "gaj")
            published += 1
        case 1 if grants:
            grant, purpose = grants.pop(), purposes.pop()
            before = verifies(purpose)
            shuqiao("grant", "revoke", grant, "--reason", "不再需要", "--as", "gaj:approver", "--operator", "赵磊")
            after = verifies(purpose)
            revoked += 1
            if before[0] == 0 or after[0] > 0:
                wrong.append(f"grant {grant}: verified {before} before, {after} after its revocation")
        case 3:
            down = time.time()
            server.send_signal(signal.SIGKILL)
            server.wait()
            server = serve()
            downs.append((down, time.time()))
print(load.communicate()[0], end="")
lines = Path(log).read_text().splitlines()
receipts = [line for line in lines if line and not line.startswith("failed")]
failures = [line.split(" ", 2) for line in lines if line.startswith("failed")]
outside = [f for f in failures if not any(a - 0.1 <= int(f[1]) / 1e6 <= b + MARGIN for a, b in downs)]
server.terminate()
server.wait()
missing = set(receipts) - evidence(FOLDER)
audit = subprocess.run([SHUQIAO, "audit"], env=ENV, capture_output=True, text=True)
print(f"{len(receipts)} answers, {len(failures)} failures while down {len(downs)} times "
      f"({sum(b - a for a, b in downs):.1f} s), {published} versions published, {revoked} grants revoked")
print(f"failures while up: {len(outside)}, answers without evidence: {len(missing)}, audit: {audit.returncode}")
for problem in wrong + outside[:5] + sorted(missing)[:5]:
    print(problem)
if audit.returncode:
    print(audit.stdout[-2000:], audit.stderr[-2000:])
sys.exit(bool(wrong or outside or missing or audit.returncode))
