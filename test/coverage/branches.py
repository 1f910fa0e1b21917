#!/usr/bin/env python3
"""Measures which branches of storage and recovery the tests take, and lists those they do not.

    branches.py [--build-dir build/coverage] [--no-build] [--jobs 2] [--minimum 95] [--list]
                [--keep PROFILES] [--from PROFILES]

Builds the test programs below (preset `coverage`: Clang, source-based coverage), runs them, and
reads their counts (llvm-profdata, llvm-cov export). A branch is one outcome, true
or false, of one condition in the source, as llvm-cov counts them: instances of a template, and the
same function in several programs, are added up; each expansion of a macro is its own. Prints a line
for each file and the total; --list prints every outcome that was not taken. --keep leaves the
profiles in a directory, from which --from reports again.

Two proofs that the figure can fall: without the counts of the log's tests, and of the databases',
it must be lower for the files these are for.

Exit status: 0 the minimum is reached, 1 it is not or a test failed, 77 a program is missing.
"""

import argparse
import collections
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What counts, and why. A path that ends with a slash means everything below it.
MEASURED = {
    "storage/": "everything that makes, reads and caches bytes of files",
    "tsdb/durability/": "what is in a directory: checkpoints, segments, the log's payloads, replay",
    "tsdb/directory.cc": "opening: what is read back, and what is said of damage",
    "tsdb/checkpointing.cc": "when a checkpoint is written, and what one that fails leaves",
    "tsdb/backup.cc": "a copy of a directory",
}

# Macros whose conditions are not counted: what they tell apart from the rest is a bug of ours, on
# which they end the process. A test that took that branch would not return. Nor are the conditions
# counted of which the compiler makes a comparison that the source has as "= default".
ASSERTIONS = ("TSDB_CHECK", "TSDB_DCHECK")

# Catch2 programs, and those that take arguments.
TESTS = {name: [] for name in (
    "storage_base_test", "storage_base_concurrency_test", "labels_test", "storage_cache_test",
    "storage_cache_concurrency_test", "storage_codec_test", "storage_segment_test",
    "storage_wal_test", "faults_test", "durability_test", "recovery_test",
    "publishing_test", "query_test", "crash_states_test")}
TESTS["map_model"] = ["--operations", "300000"]
FUZZED = ("block", "log_file", "log_payload", "manifest", "runs", "segment")
TESTS.update({f"fuzz_{name}": [os.path.join(ROOT, "test/fuzz/corpus", name), "2000"]
              for name in FUZZED})

# Files -> programs without whose profiles their figure must be lower.
PROOFS = {
    "storage/wal/": ("storage_wal_test", "fuzz_log_file", "durability_test", "recovery_test",
                     "crash_states_test", "publishing_test"),
    "tsdb/durability/": ("durability_test", "recovery_test", "crash_states_test"),
}

Outcome = collections.namedtuple("Outcome", "file line column macro side")


def find_tool(name):
    for candidate in (f"{name}-14", name):
        if shutil.which(candidate):
            return candidate
    return None


def measured(path):
    return any(path == key or key.endswith("/") and path.startswith(key) for key in MEASURED)


def build(build_dir, jobs):
    if not os.path.exists(os.path.join(build_dir, "build.ninja")):
        subprocess.run(["cmake", "--preset", "coverage", "-B", build_dir], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", build_dir, "-j", str(jobs), "--target", *TESTS], cwd=ROOT,
                   check=True)


def run_test(name, build_dir, scratch, profiles):
    """Runs one program and merges what it and its children wrote; returns its seconds, or None."""
    raw = os.path.join(scratch, name)
    os.makedirs(raw)
    environment = dict(os.environ, LLVM_PROFILE_FILE=os.path.join(raw, "%p.profraw"))
    start = time.monotonic()
    with open(os.path.join(raw, "output"), "wb") as output:
        result = subprocess.run([os.path.join(build_dir, "bin", name), *TESTS[name]], cwd=raw,
                                env=environment, stdout=output, stderr=subprocess.STDOUT,
                                check=False)
    if result.returncode != 0:
        with open(os.path.join(raw, "output"), encoding="utf-8", errors="replace") as output:
            sys.stdout.write(output.read()[-4000:])
        print(f"{name}: failed ({result.returncode})")
        return None
    written = [entry.path for entry in os.scandir(raw) if entry.name.endswith(".profraw")]
    merge(written, os.path.join(profiles, name + ".profdata"))
    return time.monotonic() - start


def merge(profiles, target):
    subprocess.run([find_tool("llvm-profdata"), "merge", "-sparse", "-failure-mode=all",
                    *profiles, "-o", target], check=True)


def run_tests(build_dir, profiles, jobs):
    os.makedirs(profiles, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(jobs) as pool:
        seconds = list(pool.map(lambda name: run_test(name, build_dir, scratch, profiles), TESTS))
    failed = [name for name, taken in zip(TESTS, seconds) if taken is None]
    for name, taken in zip(TESTS, seconds):
        if taken is not None:
            print(f"ran {name} in {taken:.1f} s")
    return failed


class Source:
    """The text of a file, to tell the names of macros and what an assertion encloses."""

    def __init__(self, path):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            self.lines = file.read().split("\n")
        self.asserted = set()  # (line, column) inside an assertion's parentheses
        for number, line in enumerate(self.lines, 1):
            for match in re.finditer(r"\b(" + "|".join(ASSERTIONS) + r")\(", line):
                self.mark(number, match.end())

    def mark(self, number, column):
        depth = 1
        while number <= len(self.lines):
            line = self.lines[number - 1]
            while column < len(line):
                depth += {"(": 1, ")": -1}.get(line[column], 0)
                if depth == 0:
                    return
                column += 1
                self.asserted.add((number, column))
            number, column = number + 1, 0

    def word_at(self, line, column):
        match = re.match(r"\w+", self.lines[line - 1][column - 1:])
        return match.group() if match else ""


def outcomes_of(function, sources):
    """Yields (Outcome, times taken) of one function's record in llvm-cov's export."""
    names = [os.path.relpath(name, ROOT) if os.path.isabs(name) else name
             for name in function["filenames"]]
    # Each expansion of a macro has a file number of its own; where it stands is in a region.
    expanded = {region[6]: region for region in function["regions"] if region[7] == 1}

    def place(file, line, column):
        macro = []
        while file in expanded:
            region = expanded[file]
            file, line, column = region[5], region[0], region[1]
            if measured(names[file]):
                macro.append(sources(names[file]).word_at(line, column))
        return names[file], line, column, macro

    for branch in function["branches"]:
        name, line, column, macro = place(branch[6], branch[0], branch[1])
        if not measured(name):
            continue
        source = sources(name)
        if set(macro) & set(ASSERTIONS) or (line, column) in source.asserted:
            continue
        if source.lines[line - 1].rstrip().endswith("= default;"):
            continue
        # Where in the macro, if it has more than one condition.
        inside = f"{macro[-1]}:{branch[0]}:{branch[1]}" if macro else ""
        yield Outcome(name, line, column, inside, True), branch[4]
        yield Outcome(name, line, column, inside, False), branch[5]


def read_counts(build_dir, profiles, name, sources):
    """Outcome -> times taken by one program. Not of all at once: what programs have in common need
    not be compiled from the same text (main)."""
    command = [find_tool("llvm-cov"), "export", os.path.join(build_dir, "bin", name),
               "-instr-profile", os.path.join(profiles, name + ".profdata")]
    command += [os.path.join(ROOT, path.rstrip("/")) for path in MEASURED]
    exported = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    counts = collections.Counter()
    for function in json.loads(exported.stdout)["data"][0]["functions"]:
        for outcome, count in outcomes_of(function, sources):
            counts[outcome] += count
    return counts


def added(by_program):
    """All outcomes that any program could take, and how often all of them took it."""
    counts = collections.Counter()
    for taken in by_program.values():
        for outcome, count in taken.items():
            counts[outcome] += count
    return counts


def percent(taken, all_of_them):
    return 100.0 * taken / all_of_them if all_of_them else 100.0


def figures(counts, prefix=""):
    chosen = [count for outcome, count in counts.items() if outcome.file.startswith(prefix)]
    return sum(count > 0 for count in chosen), len(chosen)


def report(counts, sources, listed):
    for name in sorted({outcome.file for outcome in counts}):
        taken, of_all = figures(counts, name)
        print(f"{percent(taken, of_all):6.1f} % {taken:5} of {of_all:5}  {name}")
    if listed:
        for outcome in sorted(outcome for outcome, count in counts.items() if count == 0):
            text = sources(outcome.file).lines[outcome.line - 1].strip()
            side = "never true" if outcome.side else "never false"
            print(f"{outcome.file}:{outcome.line}:{outcome.column}: {side}: {text}")


def prove(by_program):
    """The figure falls when tests are left out: a line for each proof; whether all held."""
    held = True
    for prefix, left_out in PROOFS.items():
        counts = added(by_program)
        fewer = added({name: taken for name, taken in by_program.items() if name not in left_out})
        without, of_all = figures({outcome: fewer[outcome] for outcome in counts}, prefix)
        caught = percent(without, of_all) + 5 < percent(*figures(counts, prefix))
        held = held and caught
        print(f"without {', '.join(left_out)}: {percent(without, of_all):.1f} % of {prefix}")
        planted = f"{prefix} without its tests"
        print("scorecard " + json.dumps({"row": 14, "planted": planted, "caught": caught}))
    return held


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build", "coverage"))
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minimum", type=float, default=95)
    parser.add_argument("--list", action="store_true", dest="listed")
    parser.add_argument("--keep", metavar="PROFILES")
    parser.add_argument("--from", metavar="PROFILES", dest="kept")
    flags = parser.parse_args()
    missing = [name for name in ("clang++", "cmake", "ninja", "llvm-cov", "llvm-profdata")
               if not find_tool(name) and not shutil.which(name)]
    if missing:
        print(f"skipped: {', '.join(missing)} not installed (tools/install-dependencies)")
        return 77
    build_dir = os.path.abspath(flags.build_dir)
    if not flags.no_build and not flags.kept:
        build(build_dir, flags.jobs)
    with tempfile.TemporaryDirectory() as scratch:
        profiles = os.path.abspath(flags.kept or flags.keep or os.path.join(scratch, "profiles"))
        failed = [] if flags.kept else run_tests(build_dir, profiles, flags.jobs)
        if failed:
            print(f"no figure: {', '.join(failed)} failed")
            return 1
        sources = functools.lru_cache(maxsize=None)(Source)
        by_program = {name: read_counts(build_dir, profiles, name, sources) for name in TESTS}
        counts = added(by_program)
        report(counts, sources, flags.listed)
        held = prove(by_program)
    taken, of_all = figures(counts)
    met = percent(taken, of_all) >= flags.minimum
    reached = f"{percent(taken, of_all):.1f} % of {of_all:,} branches in storage and recovery"
    print("scorecard " + json.dumps({"row": 14, "reached": reached, "met": met}))
    return 0 if met and held else 1


if __name__ == "__main__":
    sys.exit(main())
