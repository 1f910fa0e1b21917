#!/usr/bin/env python3
"""Says how many bytes a sample of a file takes in a database, and as compressed text.

    benchmark/report/sizes.py --program TSDB --directory DIR --json - FILE

Prints JSON lines as the benchmark programs do. The database is verified after it was closed, and
must have every sample that was accepted; otherwise it exits with 1 and prints no figure.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zlib

PIECE = 1 << 20


class Failure(Exception):
    pass


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failure(f"{os.path.basename(command[0])} {command[1]} exited with "
                      f"{result.returncode}: {result.stderr[-2000:].strip()}")
    return result.stdout


class TextSize:
    """Bytes of one text: plain, gzip -6 and, if there is a zstd, zstd -3."""

    def __init__(self, folder):
        self.plain = self.gzip = 0
        self.deflate = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        self.path = os.path.join(folder, "text.zst")
        self.zstd = None
        if shutil.which("zstd"):
            self.zstd = subprocess.Popen(["zstd", "-q", "-3", "-f", "-o", self.path],
                                         stdin=subprocess.PIPE)

    def take(self, piece):
        self.plain += len(piece)
        self.gzip += len(self.deflate.compress(piece))
        if self.zstd:
            self.zstd.stdin.write(piece)

    def finish(self):
        """{keeping: bytes}, without zstd if there is none."""
        self.gzip += len(self.deflate.flush())
        sizes = {"plain": self.plain, "gzip -6": self.gzip}
        if self.zstd:
            self.zstd.stdin.close()
            if self.zstd.wait() != 0:
                raise Failure(f"zstd exited with {self.zstd.returncode}")
            sizes["zstd -3"] = os.path.getsize(self.path)
        else:
            print("skipped: zstd -3 of text (no program zstd)", file=sys.stderr)
        return sizes


def text_sizes(program, database, form, folder):
    size = TextSize(folder)
    with subprocess.Popen([program, "export", "--db", database, "--format", form],
                          stdout=subprocess.PIPE) as export:
        while piece := export.stdout.read(PIECE):
            size.take(piece)
    if export.returncode != 0:
        raise Failure(f"tsdb export exited with {export.returncode}")
    return {f"{form}, {keeping}": count for keeping, count in size.finish().items()}


def stored_sizes(program, database, file, compression):
    """(samples, {keeping: bytes}) of a new database, which is checked."""
    imported = json.loads(run([program, "import", "--db", database, "--compression", compression,
                               "--format", "json", file]))["import"]
    if imported["lines_rejected"]:
        raise Failure(f"{file}: {imported['lines_rejected']} lines were rejected")
    run([program, "verify", "--db", database])
    stats = json.loads(run([program, "stats", "--db", database, "--format", "json"]))
    samples, ledger = stats["data"]["samples"], stats["ledger"]
    accepted = imported["samples_accepted"] - imported["duplicates_replaced"]
    if samples != accepted or not (ledger["balanced"] and ledger["all_read_back"]):
        raise Failure(f"{file}: {samples} samples stored of {accepted}, {ledger}")
    return samples, {f"segments, {compression}": stats["disk"]["segment_file_bytes"],
                     "encoded leaves": stats["data"]["encoded_bytes"]}


def measure(program, file, folder):
    """JSON objects."""
    sizes = {}
    for compression in ("lz4", "none"):
        database = os.path.join(folder, compression)
        samples, stored = stored_sizes(program, database, file, compression)
        sizes.update(stored)
    for form in ("csv", "jsonl"):
        sizes.update(text_sizes(program, database, form, folder))
    parts = os.path.normpath(file).split(os.sep)
    return [{"benchmark": "size", "data": parts[-2] if len(parts) > 1 else parts[-1],
             "file": parts[-1], "samples": samples, "keeping": keeping, "bytes": count,
             "bytes_per_sample": count / samples} for keeping, count in sizes.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", required=True, help="the tsdb to ask")
    parser.add_argument("--directory", required=True, help="where databases are for the time")
    parser.add_argument("--json", default="-", choices=["-"])
    parser.add_argument("file", metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="sizes-") as folder:
        try:
            rows = measure(options.program, options.file, folder)
        except (Failure, OSError, ValueError, KeyError) as reason:
            print(f"sizes: FAILED, so no figures: {reason}", file=sys.stderr)
            return 1
    print("\n".join(map(json.dumps, rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
