#!/usr/bin/env python3
"""Measures where the processor time of ingest goes, stage by stage, beside what each may take.

    benchmark/report/stages.py --program PROGRAMS/ingest_benchmark [--samples 100000] [--repeat 4]

Runs the program under `perf record`, and tells the samples of each function to a stage. What makes
the benchmark's checks is left out; what is left is scaled to the program's own figure, the
processor time of a record from the first append until everything is merged. (So the kernel's time
to open and close databases, some hundredths, is counted as ingest's.)

Prints JSON lines: the program's own, of "benchmark" "ingest", and for each stage one of "stage",
with its share, ns_per_record, and the functions that took most of it. Without perf, or where the
kernel does not let it count, there is a row "stage_skipped" with the reason instead of these.
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

# Samples a second and processor.
FREQUENCY = 1999
# The first that matches a function counts. A function is "name (library)", without arguments.
CHECKING = "checking"
OTHER = "other"
STAGES = (
    (CHECKING, r"MakeColumn|Digest|Unpack|memcmp|ReadPiece|SeriesReader|SeriesWalk|::Decode|Verify"
               r"|roaring|SampleColumns|Column::At|CountRecords|Readback|HandRolled"),
    ("make the input", r"benchmark::MakeRow|RowInput|ColumnInput|benchmark::Shuffle"),
    ("append to slot", r"AppendRecords|Appender::|WriteSlot|Slot::"),
    ("survey and sort into runs", r"Transpose|Survey|SortIntoRuns|Scatter|RadixSort|CountingSort"
                                  r"|IncreasingAvx|Increasing"),
    ("encode", r"codec::|crc32c|XXH"),
    ("apply to open leaves", r"ApplyItem|TreeWriter|memmove|memcpy|FindOrCreatePage|OpenLeaf"),
    ("leaf: allocate, store, index", r"SlabPool|AppendLeaf|tree::|EpochDomain|jemalloc|malloc|"
                                     r"\bfree\b"),
    ("hand over, accounting, locks", r"merge::|mutex|Mutex|tbb|Ledger|cond_|ChunkPool|lll_|clock"),
    ("first touch of memory, in the kernel", r"clear_page|page_fault|fault|folio|alloc_pages|"
                                             r"get_page|rmqueue|mem_cgroup|charge|lru_|zap_|pte_"),
    ("rest of the kernel", r"\(\[kernel"),
)

# What the stages were designed to take, ns of processor time a record.
BUDGETS = {"append to slot": 1.3, "survey and sort into runs": 2.0, "apply to open leaves": 0.7,
           "encode": 1.7, "hand over, accounting, locks": 0.1}


def stage_of(function):
    return next((stage for stage, pattern in STAGES if re.search(pattern, function)), OTHER)


def short(function):
    """Without parameters; the library without folders."""
    name, _, library = function.replace("(anonymous namespace)::", "").rpartition(" (")
    depth, kept = 0, ""
    for character in name:
        depth += character in "<("
        if depth == 0:
            kept += character
        depth -= character in ">)"
    name = kept.removesuffix(" const").rpartition(" ")[2]
    return f"{name} ({library.rpartition('/')[2]}"


def record(flags, folder):
    """(rows that the program printed, {function: samples}); sys.exit if the program failed,
    a text why there are no samples."""
    perf = shutil.which("perf")
    if perf is None:
        return [], "perf is missing: tools/install-dependencies --report"
    data = os.path.join(folder, "perf.data")
    program = [flags.program, "--no-baselines", "--writers", "2", "--samples", str(flags.samples),
               "--series", str(flags.series), "--repeat", str(flags.repeat), "--json", "-"]
    probe = subprocess.run([perf, "record", "-q", "-F", str(FREQUENCY), "-o", data, "true"],
                           capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        return [], f"perf cannot record here: {probe.stderr.strip().splitlines()[-1]}"
    done = subprocess.run([perf, "record", "-q", "-F", str(FREQUENCY), "-o", data, *program],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(program)} exited with {done.returncode}\n{done.stderr[-2000:]}")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    script = subprocess.run([perf, "script", "-i", data, "-G", "-F", "ip,sym,dso"],
                            capture_output=True, text=True, check=True)
    return rows, collections.Counter(
        re.sub(r"^\s*[0-9a-f]+ ", "", line) for line in script.stdout.splitlines() if line.strip())


def stages(samples, ns_per_record):
    by_stage = collections.defaultdict(collections.Counter)
    for function, count in samples.items():
        by_stage[stage_of(function)][short(function)] += count
    checking = sum(by_stage.pop(CHECKING, {}).values())
    total = sum(sum(functions.values()) for functions in by_stage.values())
    order = [stage for stage, _ in STAGES if stage in by_stage] + [OTHER] * (OTHER in by_stage)
    for stage in order:
        functions = by_stage[stage]
        share = sum(functions.values()) / total
        yield {"benchmark": "stage", "stage": stage, "share": share,
               "ns_per_record": share * ns_per_record, "samples": sum(functions.values()),
               "of_checking": checking,
               "most": {name: count / total for name, count in functions.most_common(4)}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--series", type=int, default=1024)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=4)
    parser.add_argument("--json", choices=["-"], help="as the benchmarks: stdout; always so")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows, samples = record(flags, folder)
    for row in rows:
        print(json.dumps(row))
    if isinstance(samples, str):
        print(json.dumps({"benchmark": "stage_skipped", "reason": samples}))
        return
    ingest = next(row for row in rows if row["benchmark"] == "ingest")
    for row in stages(samples, ingest["core_ns_per_record"]):
        print(json.dumps(row))


if __name__ == "__main__":
    main()
