#!/usr/bin/env python3
"""Ten million series under a memory budget, in a control group that allows a quarter more.

    many_series.py --program MANY_SERIES [--series 10000000] [--samples 3] [--budget BYTES]
                   [--seed N] [--plant-small-budget]

The program (many_series.cc) registers, appends, reads back, closes, opens and reads back again. Its
anonymous memory may be a tenth more than the budget at most (the pages of files that the kernel
keeps are no part of it, though the group counts them), and the group's limit of 1.25 times the
budget must not end it. A budget of 0 is 500 bytes a series and 64 MiB. Exits 1 for any finding, 77
where there is no control group of version 1 to be had.

With --plant-small-budget it is judged by a third of the budget that it is told; that must be found.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile

SKIPPED = 77
SERIES_ASKED_FOR = 10_000_000
GROUPS = "/sys/fs/cgroup/memory"
OVER_BUDGET_MAX = 1.1
PLANTED_SHARE = 3  # a hundred thousand series use only 55 % of their budget
LIMIT = 1.25


def default_budget(series):
    return 500 * series + (64 << 20)


class ControlGroup:
    """A memory limit for a child; gone with the object."""

    def __init__(self, limit):
        self.path = os.path.join(GROUPS, f"tsdb-many-series-{os.getpid()}")
        os.mkdir(self.path)
        self.write("memory.limit_in_bytes", limit)

    def write(self, name, value):
        with open(os.path.join(self.path, name), "w", encoding="ascii") as file:
            file.write(str(value))

    def read(self, name):
        with open(os.path.join(self.path, name), encoding="ascii") as file:
            return int(file.read())

    def enter(self):
        self.write("cgroup.procs", os.getpid())

    def remove(self):
        os.rmdir(self.path)


def run(flags, budget, home):
    """What the program says, the most the group used, and what went wrong."""
    try:
        group = ControlGroup(int(budget * LIMIT))
    except OSError as error:
        print(f"skipped: no memory control group can be made: {error}")
        sys.exit(SKIPPED)
    told = PLANTED_SHARE * budget if flags.small_budget else budget
    try:
        result = subprocess.run(
            [flags.program, "--directory", home, "--budget", str(told), "--series",
             str(flags.series), "--samples", str(flags.samples), "--seed", str(flags.seed)],
            preexec_fn=group.enter, capture_output=True, text=True, check=False)
        most = group.read("memory.max_usage_in_bytes")
    finally:
        group.remove()
    if result.returncode == -signal.SIGKILL:
        return {}, most, f"killed for memory at {most:,} bytes: {result.stdout}"
    if result.returncode != 0:
        return {}, most, f"it ended with {result.returncode}: {result.stderr.strip()}"
    return json.loads(result.stdout), most, None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--series", type=int, default=SERIES_ASKED_FOR)
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--budget", type=int, default=0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--plant-small-budget", action="store_true", dest="small_budget")
    flags = parser.parse_args()
    print(f"seed {flags.seed}", flush=True)
    if os.geteuid() != 0 or not os.path.exists(os.path.join(GROUPS, "memory.limit_in_bytes")):
        print(f"skipped: needs root and control groups of version 1 at {GROUPS}")
        return SKIPPED
    budget = (flags.budget or default_budget(flags.series)) // (
        PLANTED_SHARE if flags.small_budget else 1)
    with tempfile.TemporaryDirectory() as home:
        figures, most, wrong = run(flags, budget, home)
    for name, figure in figures.items():
        print(f"{name}: {figure}")
    if not wrong:
        part = figures["peak"] / budget
        over = part > OVER_BUDGET_MAX
        wrong = f"anonymous memory of {part:.1%} of the budget" if over else None
    if flags.small_budget:
        print(f"planted: {wrong or 'NOT FOUND'}")
        print("scorecard " + json.dumps({"row": 16, "planted": "judged by a third of the budget",
                                         "caught": wrong is not None}))
        return 0 if wrong else 1
    result = wrong or (
        f"{flags.series:,} series, budget {budget >> 20:,} MiB: at most "
        f"{figures['peak'] / budget:.1%} of it, in a control group of 1.25 x")
    print(f"{result}; the group used {most >> 20:,} MiB at most")
    print("scorecard " + json.dumps({"row": 16, "reached": result, "seed": flags.seed,
                                     "met": not wrong and flags.series >= SERIES_ASKED_FOR}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
