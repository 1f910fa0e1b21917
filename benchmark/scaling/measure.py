#!/usr/bin/env python3
"""Measures what would limit ingest on more cores than this machine has.

    benchmark/scaling/measure.py --programs build/release/bin [--preload FILE] [--repeat 5]
                                 [--samples 10000] [--counted-samples 2000]

Prints a JSON object per line, for docs/scaling.md:

  scaling_rate    ingest_benchmark's rates by writers, 1 to 32
  scaling_lock    of each function that takes mutexes: times a thousand records, the part of them
                  that were not free at once, nanoseconds held a record, and of one holding
                  (lock_times.cc, preloaded)
  scaling_atomic  of each function: atomic read-modify-writes a thousand records, those in mutexes
                  under "mutexes" (valgrind, which counts instructions; see shared_writes.py)

Locks and atomics are those of ingest_benchmark with 2 writers, ingest and reading everything back
to check it: what a run of three times the samples has more, so that making the database and its
series does not count. Without valgrind there is a row scaling_skipped instead of scaling_atomic's.
"""

import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import shared_writes

WRITERS = "1,2,4,8,16,32"
SERIES = 1024
RUNS = 2  # of --repeat 1: one warms up
# Functions that only pass a lock on, which say nothing of who takes it.
LOCK_ITSELF = re.compile(r"Mutex|mutex|Mutex(?:Lock)?::|lock_guard|unique_lock|__gthread")
LEAST_PER_THOUSAND = 0.01  # less is not listed


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(command, **environment):
    result = subprocess.run(command, env={**os.environ, **environment}, capture_output=True,
                            text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} exited with {result.returncode}\n{result.stderr[-4000:]}")
    return result.stdout


def short(function):
    """Without parameters, results and our name space: tsdb::A::B(int) const -> A::B."""
    depth, kept = 0, ""
    for character in function.replace("(anonymous namespace)::", ""):
        depth += character in "(<{"
        if depth == 0:
            kept += character
        depth -= character in ")>}"
    words = kept.replace("const", "").split()
    return (words[-1] if words else function).replace("tsdb::", "")


def taker(functions):
    """Of a function and those it was inlined into: the first that is not the lock itself."""
    return short(next((name for name in functions if not LOCK_ITSELF.search(short(name))),
                      functions[-1]))


def ingest(flags, *more):
    return [os.path.join(flags.programs, "ingest_benchmark"), "--no-baselines", "--series",
            str(SERIES), *more]


def measure_rates(flags):
    printed = run(ingest(flags, "--samples", str(flags.samples), "--writers", WRITERS, "--repeat",
                         str(flags.repeat), "--json", "-"))
    for line in printed.splitlines():
        row = json.loads(line)
        if row["benchmark"] == "machine":
            print(line)
        elif row["benchmark"] == "ingest":
            print(json.dumps({"benchmark": "scaling_rate", **{name: row[name] for name in (
                "writers", "records_per_second", "core_ns_per_record")}}))


def places_of(flags, folder, samples):
    """{function: what lock_times.cc counted in it} of a run with so many samples a series."""
    path = os.path.join(folder, "locks")
    run(ingest(flags, "--samples", str(samples), "--writers", "2", "--repeat", "1"),
        LD_PRELOAD=os.path.abspath(flags.preloaded), LOCK_TIMES=path)
    with open(path, encoding="utf-8") as file:
        places = [json.loads(line) for line in file]
    by_function = collections.defaultdict(list)
    for name in {place["object"] for place in places if os.path.exists(place["object"])}:
        own = [place for place in places if place["object"] == name]
        # Where a call returns to is in the next line.
        found = shared_writes.functions_of(name, [place["address"] - 1 for place in own])
        for place in own:
            by_function[taker(found[place["address"] - 1])].append(place)
    return by_function


def measure_locks(flags, folder):
    few, many = (places_of(flags, folder, samples) for samples in (flags.samples,
                                                                   3 * flags.samples))
    records = RUNS * SERIES * 2 * flags.samples
    for function, places in sorted(many.items()):
        more = {key: sum(place[key] for place in places) -
                sum(place[key] for place in few.get(function, []))
                for key in ("locks", "busy", "held_ns")}
        if more["locks"] * 1000 < LEAST_PER_THOUSAND * records:
            continue
        most = max(places, key=lambda place: place["locks"])
        print(json.dumps({
            "benchmark": "scaling_lock", "function": function,
            "locks_per_thousand": 1000 * more["locks"] / records,
            "busy_part": max(0, more["busy"]) / more["locks"],
            "held_ns_per_record": max(0, more["held_ns"]) / records,
            "held_p50_ns": most["held_p50_ns"], "held_p99_ns": most["held_p99_ns"],
            "held_max_ns": max(place["held_max_ns"] for place in places)}))


def atomics_of(flags, folder, samples):
    """{function: atomic read-modify-writes} of a run with so many samples a series."""
    path = os.path.join(folder, "callgrind")
    run(["valgrind", "--tool=callgrind", "--dump-instr=yes", f"--callgrind-out-file={path}",
         *ingest(flags, "--samples", str(samples), "--writers", "2", "--repeat", "1")])
    sums = collections.Counter()
    for name, counts in shared_writes.read_counts(path).items():
        if not os.path.exists(name):
            continue  # no file: what the kernel maps
        executed = sorted(address for address in shared_writes.atomic_addresses(name)
                          if counts.get(address))
        if not executed:
            continue
        found = shared_writes.functions_of(name, executed)
        for address in executed:
            in_mutex = any("mutex" in function for function in found[address])
            function = "mutexes" if in_mutex else short(found[address][-1])
            sums[function] += counts[address]
    return sums


def measure_atomics(flags, folder):
    if shutil.which("valgrind") is None:
        print(json.dumps({"benchmark": "scaling_skipped", "what": "atomic operations",
                          "reason": "valgrind is missing: tools/install-dependencies --report"}))
        return
    few, many = (atomics_of(flags, folder, samples) for samples in (flags.counted_samples,
                                                                    3 * flags.counted_samples))
    records = RUNS * SERIES * 2 * flags.counted_samples
    for function, count in sorted((many - few).items()):
        if count * 1000 >= LEAST_PER_THOUSAND * records:
            print(json.dumps({"benchmark": "scaling_atomic", "function": function,
                              "atomics_per_thousand": 1000 * count / records}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    parser.add_argument("--preload", dest="preloaded",
                        help="default: liblock_times.so beside the programs")
    parser.add_argument("--json", choices=["-"], help="as the benchmarks: stdout; always so")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--samples", type=int, default=10000)
    parser.add_argument("--counted-samples", type=int, default=2000)
    flags = parser.parse_args()
    flags.preloaded = flags.preloaded or os.path.join(flags.programs, "liblock_times.so")
    for needed in (flags.preloaded, os.path.join(flags.programs, "ingest_benchmark")):
        if not os.path.exists(needed):
            sys.exit(f"{needed} is missing: cmake --build --preset release")
    with tempfile.TemporaryDirectory() as folder:
        for measure, what in ((measure_rates, "rates"),
                              (lambda _: measure_locks(flags, folder), "locks"),
                              (lambda _: measure_atomics(flags, folder), "atomics")):
            say(f"{what} ...")
            measure(flags)


if __name__ == "__main__":
    main()
