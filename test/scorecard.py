#!/usr/bin/env python3
"""Runs the harnesses of docs/reliability.md in their long form, and prints one table.

    test/scorecard.py [--rows 1,2,...] [--hours H] [--list]

Builds what they need (build/release, build/fuzz, build/tsan-tbb). Each row has commands, listed
below; a command prints its results as lines `scorecard {json}`: what it reached and whether that is
the row's figure, or a fault that was planted and whether it was caught. Those that measure run
first, alone; then four at once (many wait for the disk); in the end fuzzing takes the time that is
left, at least a minute. A command that --hours (of all rows together, builds too; 1.25 by default:
beside the stages of tools/check that makes 90 minutes) leave no room for is not begun, and its row
falls short. Output is kept in build/check/scorecard, outcomes as JSON
lines in build/check/scorecard.jsonl: the table shows rows that were not run now as they were when
they were run last, with the commit.

Exits 1 if a harness found something, or missed what was planted; a row that falls short of its
figure without a finding is shown so, and does not fail.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import re
import subprocess
import sys
import time

LOGS = "build/check/scorecard"
RESULTS = "build/check/scorecard.jsonl"
SKIPPED = 77
BIN = "build/release/bin"
PYTHON = [sys.executable]

FIGURES = {
    1: "1,000 kills while it works: 0 acknowledged lost",
    2: "100,000 crash states recover",
    3: "1,000 cut-offs each of ext4 and XFS: 0 lost",
    4: "every k-th system call fails: 0 lost, 0 hangs",
    5: "after a failed sync: nothing acknowledged, no retry",
    6: "every k-th allocation fails: 0 hangs, crashes, losses",
    7: "full disk: reads serve, writes resume, 0 lost",
    8: "a bit flipped in every byte: detected, the rest readable",
    9: "ThreadSanitizer, 32 threads, 100 runs: 0 reports",
    10: "address, undefined, leak sanitizers, all tests: 0",
    11: "each parser fuzzed 100 M times: 0 findings",
    12: "10 M operations against a map: 0 differences",
    13: "1 M schedules of the protocols: 0 violations",
    14: "95 % of branches; 90 % of mutants, every fsync",
    15: "20 minutes at full rate: memory, files, rate flat",
    16: "10 M series: budget + 10 %, a limit of 1.25 x",
    18: "every mended fault has its case",
}


@dataclasses.dataclass
class Step:
    row: int
    command: list
    minutes: float  # about, on two cores
    alone: bool = False
    last: bool = False  # "{left}" in its command: minutes until the end
    environment: dict = dataclasses.field(default_factory=dict)

    def name(self):
        """The row, the program, and its flags without folders."""
        words = [word for word in self.command if "/" not in word]
        program = os.path.basename(next(word for word in self.command
                                        if word != sys.executable and "/" in word))
        return "-".join([f"{self.row:02}", re.sub(r"[. ].*", "", program)] +
                        [word.strip("-") for word in words])


def steps():
    crash = ["--program", f"{BIN}/crash_writer"]
    calls = PYTHON + ["test/faults/fault_loop.py", "--workload", f"{BIN}/fault_workload",
                      "--library", "build/release/test/faults/libfault_calls.so"]
    kill, cut = PYTHON + ["test/crash/kill_loop.py"], PYTHON + ["test/crash/cut_loop.py"]
    full = PYTHON + ["test/crash/disk_full.py"]
    allocations = [f"{BIN}/allocation_faults"]
    soak = PYTHON + ["test/soak/soak.py"]
    series = PYTHON + ["test/soak/many_series.py", "--program", f"{BIN}/many_series"]
    return [
        Step(11, PYTHON + ["test/fuzz/fuzz_all.py", "--programs", "build/fuzz/bin",
                           "--minutes", "{left}"], 0, last=True),
        # One after the other: the second uses what the first builds.
        Step(14, ["sh", "-c", "python3 test/coverage/branches.py; branches=$?; "
                              "python3 test/mutants/mutate.py --minutes 18 --sample 120 --results "
                              "build/check/mutants.jsonl && exit $branches"], 20),
        # A hundred threads that compute: the others, which often wait, go first.
        Step(9, ["nice", "-n", "15"] + PYTHON + ["test/races/race_loop.py", "--programs",
                                                 "build/tsan-tbb/bin", "--minutes", "42"], 20),
        Step(1, kill + crash + ["--cycles", "1000"], 8),
        Step(1, kill + crash + ["--cycles", "100", "--plant-early-acknowledgement"], 1),
        Step(2, [f"{BIN}/crash_states_test"], 7, environment={"TSDB_CRASH_RUNS": "115"}),
        Step(3, cut + crash + ["--cycles", "1000"], 8),
        Step(3, cut + crash + ["--cycles", "100", "--plant", "drop-sync"], 1),
        Step(3, cut + crash + ["--cycles", "100", "--plant", "early"], 1),
        Step(4, calls, 8),
        Step(4, calls + ["--plant", "early"], 1),
        Step(5, calls + ["--plant", "go-on"], 1),
        Step(5, calls + ["--plant", "retry"], 1),
        Step(6, allocations, 3),
        Step(6, allocations + ["--source", "map"], 1),
        Step(6, allocations + ["--failures", "100", "--every", "7"], 1),
        Step(6, allocations + ["--plant", "impatience"], 1),
        Step(6, allocations + ["--plant", "early", "--first", "100000"], 1),
        Step(7, full + crash + ["--rounds", "200"], 5),
        Step(7, full + crash + ["--rounds", "20", "--plant-refused"], 1),
        Step(8, [f"{BIN}/flip_sweep_test"], 4, environment={"TSDB_FLIP_STRIDE": "1"}),
        Step(12, [f"{BIN}/map_model"], 2),
        *[Step(12, [f"{BIN}/map_model", "--plant", plant], 1)
          for plant in ("lost-record", "first-wins", "short-delete")],
        Step(13, [f"{BIN}/models_test"], 2, environment={"TSDB_MODEL_SCHEDULES": "100000"}),
        Step(18, PYTHON + ["test/named_cases.py", "--build", "build/release"], 1),
        Step(18, PYTHON + ["test/named_cases.py", "--build", "build/release", "--plant"], 1),
        Step(16, series, 5, alone=True),
        Step(16, series + ["--plant-small-budget", "--series", "100000"], 1, alone=True),
        Step(15, soak + ["--self-test"], 1, alone=True),
        # So many series that 2 MiB, by which the engine's memory grows and shrinks, are less of it
        # than the 1 % that is judged; free blocks are then spread as they will be after 8 minutes.
        Step(15, soak + ["--program", f"{BIN}/soak", "--seconds", "1560", "--warm-up", "600",
                         "--series", "4000", "--keep", "build/check/soak.samples"], 27,
             alone=True),
    ]


def commit():
    """The commit that is checked out, with a + if files differ from it."""
    describe = ["git", "describe", "--always", "--dirty=+"]
    return subprocess.run(describe, capture_output=True, text=True, check=False).stdout.strip()


def outcome(step, results=(), code=0, seconds=0.0, why=""):
    """What one command came to; a line of RESULTS."""
    return {"row": step.row, "command": " ".join(step.command), "results": list(results),
            "code": code, "seconds": round(seconds), "why": why, "commit": commit()}


def is_wrong(entry):
    missed = any(result.get("caught") is False for result in entry["results"])
    return missed or entry["code"] not in (0, SKIPPED)


def run_step(step, deadline):
    left = (deadline - time.monotonic()) / 60
    if step.minutes > left:
        return outcome(step, why="no time was left for it")
    command = [f"{max(1.0, left):.1f}" if word == "{left}" else word for word in step.command]
    os.makedirs(LOGS, exist_ok=True)
    log = os.path.join(LOGS, step.name() + ".log")
    begin = time.monotonic()
    with open(log, "w", encoding="utf-8") as file:
        file.write(" ".join(command) + "\n")
        file.flush()
        try:
            code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file,
                                  stderr=subprocess.STDOUT, check=False,
                                  env={**os.environ, **step.environment}).returncode
        except OSError as error:
            file.write(f"{error}\n")
            code = 1
    seconds = time.monotonic() - begin
    with open(log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    lines = [json.loads(line.split(" ", 1)[1]) for line in text.splitlines()
             if line.startswith("scorecard {")]
    why = ""
    if code == SKIPPED:
        why = "skipped: " + text.strip().splitlines()[-1]
    elif code != 0 or not lines:
        why = f"failed ({code}); see {log}"
        code = code or 1
    print(f"{step.name()}: {why or 'done'}, {seconds:.0f} s", flush=True)
    return outcome(step, lines, code, seconds, why)


def run_all(chosen, deadline):
    outcomes = [run_step(step, deadline) for step in chosen if step.alone]
    together = [step for step in chosen if not step.alone and not step.last]
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        outcomes += pool.map(lambda step: run_step(step, deadline), together)
    return outcomes + [run_step(step, deadline) for step in chosen if step.last]


def sanitizer_results():
    """Row 10 is a stage of tools/check; what it said last."""
    try:
        with open("build/check/asan.log", encoding="utf-8", errors="replace") as file:
            found = re.findall(r"(\d+)% tests passed, (\d+) tests failed out of (\d+)", file.read())
    except OSError:
        found = []
    if not found:
        return outcome(Step(10, ["tools/check"], 0),
                       why="the stage asan of tools/check was not run")
    failed, tests = int(found[-1][1]), int(found[-1][2])
    line = {"row": 10, "reached": f"{tests:,} tests, {failed} failed", "met": failed == 0}
    return outcome(Step(10, ["tools/check"], 0), [line], 1 if failed else 0)


def build(rows):
    builds = [(None, ["cmake --preset release", "cmake --build --preset release"])]
    if 11 in rows:
        builds.append((11, ["cmake --preset fuzz", "cmake --build --preset fuzz"]))
    if 9 in rows:
        builds.append((9, ["test/races/build_tbb", "cmake --preset tsan-tbb",
                           "cmake --build --preset tsan-tbb"]))
    for row, commands in builds:
        for command in commands:
            print(f"-- {command}", flush=True)
            if subprocess.run(command.split(), check=False).returncode != 0:
                print(f"{command} failed: {'everything' if row is None else f'row {row}'} needs it")
                if row is None:
                    sys.exit(1)
                break


def keep(entries, rows):
    """Puts the entries in the place of those of the same rows; returns all there are."""
    try:
        with open(RESULTS, encoding="utf-8") as file:
            before = [json.loads(line) for line in file]
    except OSError:
        before = []
    entries = [entry for entry in before if entry["row"] not in rows] + entries
    with open(RESULTS, "w", encoding="utf-8") as file:
        for entry in entries:
            file.write(json.dumps(entry) + "\n")
    return entries


def is_met(row, entries, results):
    """Whether every figure of the row was reached, each by one of its commands."""
    own = [entry for entry in entries if entry["row"] == row]
    if not own or any(is_wrong(entry) or entry["why"] for entry in own):
        return False
    met = [result["met"] for result in results if "reached" in result]
    return all(met) and len(met) > 1 if row == 14 else any(met)  # branches and mutants


def print_table(entries):
    """A paragraph for each row: what was asked for, reached, and caught."""
    reached = 0
    for row, figure in FIGURES.items():
        of_row = [entry for entry in entries
                  if row in [entry["row"]] + [result["row"] for result in entry["results"]]]
        results = [result for entry in of_row for result in entry["results"]
                   if result["row"] == row]
        met = is_met(row, of_row, results)
        reached += met
        seconds = sum(entry["seconds"] for entry in of_row if entry["row"] == row)
        notes = [f"{seconds} s"] if seconds else []
        notes += ["seed " + seed for seed in sorted({str(r["seed"]) for r in results
                                                     if r.get("seed") is not None})]
        notes += sorted({entry["commit"] for entry in of_row})
        print(f"{row:2}  {'reached' if met else 'SHORT  '}  {figure}  ({', '.join(notes)})")
        for result in results:
            if "reached" in result:
                print(f"      {result['reached']}")
        caught = [result["planted"] for result in results if result.get("caught")]
        missed = [result["planted"] for result in results if result.get("caught") is False]
        if caught:
            print(f"      planted and caught: {'; '.join(caught)}")
        if missed:
            print(f"      planted and MISSED: {'; '.join(missed)}")
        for entry in of_row:
            if entry["why"] and entry["row"] == row:
                print(f"      {entry['command']}: {entry['why']}")
    print(f"\n{reached} of {len(FIGURES)} rows reached")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", default="")
    parser.add_argument("--hours", type=float, default=1.25)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--no-build", action="store_true")
    flags = parser.parse_args()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    rows = {int(row) for row in flags.rows.split(",")} if flags.rows else set(FIGURES)
    chosen = [step for step in steps() if step.row in rows]
    if flags.list:
        for step in sorted(chosen, key=lambda step: step.row):
            print(f"{step.row:2}  {step.minutes:4.0f} min  {' '.join(step.command)}")
        return 0
    deadline = time.monotonic() + 3600 * flags.hours
    if not flags.no_build:
        build(rows)
    entries = run_all(chosen, deadline)
    if 10 in rows:
        entries.append(sanitizer_results())
    print()
    print_table(keep(entries, rows))
    return 1 if any(is_wrong(entry) for entry in entries) else 0


if __name__ == "__main__":
    sys.exit(main())
