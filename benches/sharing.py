"""Reads a shared table whole with the official client of Delta Sharing, in the ways that its users know.

usage: sharing.py PROFILE SHARE.SCHEMA.TABLE [pandas|batches|kernel|stream|parallel ...]

pandas    load_as_pandas
batches   load_as_pandas, converted batch by batch
kernel    load_as_pandas by Delta's own kernel
stream    batch after batch and file after file, in constant memory
parallel  the same with 32 files at a time, as clusters read

Each way runs in a process of its own and prints rows, files, seconds, rows a second, and the most memory of the client. A
read whose addresses are over goes on with fresh ones of the same version.
"""

import json
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout

WAYS = ["pandas", "batches", "kernel", "stream", "parallel"]


def files_of(profile, name, version=None):
    """Version and files of a table, by the client's own requests."""
    from delta_sharing.protocol import DeltaSharingProfile, Table
    from delta_sharing.rest_client import DataSharingRestClient

    share, schema, table = name.split(".")
    client = DataSharingRestClient(DeltaSharingProfile.read_from_file(profile))
    answer = client.list_files_in_table(Table(table, share, schema), version=version)
    return answer.delta_table_version, answer.add_files


def rows_of(url):
    import fsspec
    from pyarrow.parquet import ParquetFile

    batches = ParquetFile(url, filesystem=fsspec.filesystem("http")).iter_batches()
    return sum(len(batch) for batch in batches)


def streamed(profile, name, workers):
    """Rows and files, read by so many at a time; what was refused since its address is over is asked for anew, once."""
    version, files = files_of(profile, name)

    def read(file):
        try:
            return rows_of(file.url)
        except Exception:
            _, fresh = files_of(profile, name, version)
            return rows_of(next(again.url for again in fresh if again.id == file.id))

    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(read, files)), len(files)


def read(way, profile, name):
    import delta_sharing

    if way in ("stream", "parallel"):
        return streamed(profile, name, 32 if way == "parallel" else 1)
    options = {"batches": {"convert_in_batches": True}, "kernel": {"use_delta_format": True}}.get(way, {})
    return len(delta_sharing.load_as_pandas(f"{profile}#{name}", **options)), None


def measure(way, profile, name):
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        os.environ.pop(proxy, None)
    import delta_sharing  # noqa: F401: importing it is not measured

    start = time.monotonic()
    with redirect_stdout(sys.stderr):
        rows, files = read(way, profile, name)
    seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"way": way, "rows": rows, "files": files, "seconds": round(seconds, 1), "per_second": int(rows / seconds), "peak_mib": peak}


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    profile, name, *ways = sys.argv[1:]
    if ways[:1] == ["--one"]:
        print(json.dumps(measure(ways[1], profile, name)))
        sys.exit()
    for way in ways or WAYS:
        command = [sys.executable, __file__, profile, name, "--one", way]
        sys.stdout.write(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        sys.stdout.flush()
