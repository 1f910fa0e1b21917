#!/usr/bin/env python3
"""Runs every libFuzzer target for a while, two at a time, and counts executions.

    fuzz_all.py --programs build/fuzz/bin [--minutes 13] [--jobs 2] [--found build/fuzz/found]
                [--seed N]

The minutes are shared out over all targets of test/fuzz/corpus. What a target finds new is kept
below --found, and read again by the next run, so that runs add up; so do the executions, which are
counted in --found/executions.json, for each target and source of its program. A target that was run
100 M times so is left out, and its time goes to the others. Inputs that fail are kept as
<found>/<target>-crash-*.

First fuzz_planted must be found, a decoder that leaves out the check of a length. Exits 1 for a
finding, or if the planted one was missed.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import random
import re
import subprocess
import sys

EXECUTIONS_ASKED_FOR = 100_000_000
PLANTED = "planted"
PLANTED_SECONDS = 60


def fuzz(flags, name, seconds, seed):
    """Returns executions and the exit code."""
    found = os.path.join(flags.found, name)
    corpus = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", name)
    os.makedirs(found, exist_ok=True)
    command = [os.path.join(flags.programs, "fuzz_" + name), f"-max_total_time={max(1, seconds)}",
               "-timeout=60", "-rss_limit_mb=1024", "-max_len=8192", "-verbosity=0",
               "-print_final_stats=1", f"-seed={seed}", f"-artifact_prefix={found}-", found]
    command += [corpus] if os.path.isdir(corpus) else []
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    units = re.findall(r"number_of_executed_units: (\d+)", run.stderr)
    if run.returncode != 0 and name != PLANTED:
        print(f"{name}: exit code {run.returncode}\n{run.stderr[-4000:]}", flush=True)
    return int(units[-1]) if units else 0, run.returncode


class Counts:
    """Executions of earlier runs, by target and by what its program is made of."""

    def __init__(self, flags):
        self.path = os.path.join(flags.found, "executions.json")
        self.programs = flags.programs
        try:
            with open(self.path, encoding="utf-8") as file:
                self.counts = json.load(file)
        except OSError:
            self.counts = {}

    def key(self, name):
        with open(os.path.join(self.programs, "fuzz_" + name), "rb") as file:
            return f"{name} {hashlib.sha256(file.read()).hexdigest()[:16]}"

    def of(self, name):
        return self.counts.get(self.key(name), 0)

    def add(self, name, executions):
        self.counts[self.key(name)] = self.of(name) + executions
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(self.counts, file, indent=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    parser.add_argument("--minutes", type=float, default=13)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--found", default="build/fuzz/found")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 1 << 31))
    flags = parser.parse_args()
    os.makedirs(flags.found, exist_ok=True)
    corpora = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
    names = sorted(os.listdir(corpora))
    caught = fuzz(flags, PLANTED, PLANTED_SECONDS, flags.seed)[1] != 0
    print("scorecard " + json.dumps({"row": 11, "planted": "a length that is not checked",
                                     "caught": caught}), flush=True)
    counts = Counts(flags)
    due = [name for name in names if counts.of(name) < EXECUTIONS_ASKED_FOR]
    seconds = int(60 * flags.minutes * flags.jobs / max(1, len(due)))
    failed = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=flags.jobs) as pool:
        runs = pool.map(lambda name: fuzz(flags, name, seconds, flags.seed), due)
        for name, (executions, code) in zip(due, runs):
            counts.add(name, executions)
            failed += [name] if code != 0 else []
            print(f"{name:16} {executions:12,} executions, {counts.of(name):13,} in all runs",
                  flush=True)
    least = min(counts.of(name) for name in names)
    reached = sum(counts.of(name) >= EXECUTIONS_ASKED_FOR for name in names)
    print("scorecard " + json.dumps({
        "row": 11, "seed": flags.seed, "met": not failed and reached == len(names),
        "reached": f"{len(names)} parsers, {sum(map(counts.of, names)):,} executions in all, "
                   f"{reached} parsers 100 M or more, the least {least:,}: "
                   f"{len(failed)} findings"}))
    return 1 if failed or not caught else 0


if __name__ == "__main__":
    sys.exit(main())
