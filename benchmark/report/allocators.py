#!/usr/bin/env python3
"""Measures what series and samples take of memory with each allocator, and ingest's rate then.

    benchmark/report/allocators.py --program PROGRAMS/ingest_benchmark_system
                                   [--series 1000,100000,1000000,10000000] [--records 10240000]
                                   [--repeat 3] [--json -]

The program has no allocator but the C library's; jemalloc and mimalloc are preloaded. Each row
comes from a process of its own, the allocators in turn. Prints the program's rows as JSON lines:
"benchmark" is "memory", and "heap"'s allocator the one that it really ran with; and a row
"memory_skipped" for an allocator that is not installed.
"""

import argparse
import json
import os
import subprocess
import sys

LIBRARIES = {"system": None, "jemalloc": "libjemalloc.so.2", "mimalloc": "libmimalloc.so.2"}
SAMPLES_LEAST = 3


def rows_of(flags, series, allocator):
    samples = max(SAMPLES_LEAST, flags.records // series)
    environment = dict(os.environ)
    environment.pop("LD_PRELOAD", None)
    if LIBRARIES[allocator]:
        environment["LD_PRELOAD"] = LIBRARIES[allocator]
    command = [flags.program, "--no-baselines", "--writers", "2", "--series", str(series),
               "--samples", str(samples), "--repeat", str(flags.repeat), "--json", "-"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} with {allocator} exited with {done.returncode}\n"
                 f"{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--series", default="1000,100000,1000000,10000000")
    parser.add_argument("--records", type=int, default=10_240_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", choices=["-"], help="as the benchmarks: stdout; always so")
    flags = parser.parse_args()
    absent, machine_printed = set(), False
    for series in map(int, flags.series.split(",")):
        for allocator in LIBRARIES:
            if allocator in absent:
                continue
            for row in rows_of(flags, series, allocator):
                if row["benchmark"] == "machine":
                    if not machine_printed:
                        print(json.dumps(row))
                    machine_printed = True
                elif row["heap"]["allocator"] == allocator:
                    print(json.dumps({**row, "benchmark": "memory"}), flush=True)
                else:
                    absent.add(allocator)
                    print(json.dumps({"benchmark": "memory_skipped", "allocator": allocator,
                                      "reason": f"{LIBRARIES[allocator]} is not installed"}))


if __name__ == "__main__":
    main()
