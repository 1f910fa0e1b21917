#!/usr/bin/env python3
"""Runs test programs again and again under ThreadSanitizer, and races made on purpose before them.

    race_loop.py --programs DIR [--runs 100] [--threads 32] [--jobs 2] [--minutes M] [--seed N]

DIR holds race_canary and test programs (*_test), built with ThreadSanitizer:

    test/races/build_tbb && cmake --preset tsan-tbb && cmake --build --preset tsan-tbb
    test/races/race_loop.py --programs build/tsan-tbb/bin

First each race of canary.cc must be reported, and its right variant not. Then the cases of every
program that are about threads (CASES) run --runs times, in another order each time, with
TSDB_TEST_THREADS threads where a test lets that be set. Rounds that --minutes leaves no time for
are not run; the figure then counts as not reached. Prints what was run and lines for the scorecard.
Exits 1 if anything was reported, failed or hung or if a race made on purpose was not found; 77 if
there is nothing to run.
"""

import argparse
import concurrent.futures
import glob
import json
import os
import random
import re
import subprocess
import sys
import time

# By their tags.
CASES = "[concurrency],[parallel],[mutex],[cache],[query],[promql]"
CANARY_TRIES = 5
TIMEOUT_SECONDS = 900
SUPPRESSING = re.compile(r"no_sanitize|NO_SANITIZE|__tsan_default_suppressions|AnnotateIgnore|"
                         r"__tsan_ignore|ABSL_ANNOTATE_BENIGN")


def run(command, threads=None):
    """Returns the exit code (None: it hung) and what was printed."""
    # No options but these: no suppressions. Deadlocks count as reports, too. (It would sleep for a
    # second at the end.)
    options = "exitcode=66 second_deadlock_stack=1 atexit_sleep_ms=0"
    environment = dict(os.environ, TSAN_OPTIONS=options)
    if threads is not None:
        environment["TSDB_TEST_THREADS"] = str(threads)
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                env=environment, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as expired:
        return None, (expired.stdout or b"").decode(errors="replace")
    return result.returncode, result.stdout.decode(errors="replace")


def scorecard(**fields):
    print("scorecard", json.dumps({"row": 9, **fields}), flush=True)


def check_canaries(canary):
    """Returns what is wrong with them."""
    wrong = []
    code, listed = run([canary, "list"])
    kinds = listed.split()
    if code != 0 or "right" not in kinds:
        return [f"race_canary list ended with {code}: {listed}"]
    for kind in kinds:
        code, output = run([canary, kind])
        if kind == "right":
            if code != 0:
                wrong.append(f"a report where there is no race:\n{output}")
            continue
        tries = 1
        while code == 0 and tries < CANARY_TRIES:
            code, output = run([canary, kind])
            tries += 1
        caught = code == 66 and "ThreadSanitizer: data race" in output
        scorecard(planted=f"race: {kind}", caught=caught)
        if not caught:
            wrong.append(f"{kind} was not reported in {tries} runs (it ended with {code})")
    return wrong


def suppressions():
    """Lines of the source that would hide a race from the sanitizer."""
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    found = []
    for folder in ("storage", "index", "tsdb", "test", "tools"):
        for path in glob.glob(os.path.join(root, folder, "**", "*"), recursive=True):
            if not path.endswith((".h", ".cc")):
                continue
            with open(path, encoding="utf-8") as file:
                found += [f"{path}:{number}" for number, line in enumerate(file, 1)
                          if SUPPRESSING.search(line)]
    return found


def instrumented_tbb(program):
    """Whether the program runs on a TBB that calls the sanitizer."""
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    library = re.search(r"libtbb\S* => (\S+)", linked)
    if not library:
        return False
    symbols = subprocess.run(["nm", "-D", library.group(1)], capture_output=True, text=True,
                             check=True).stdout
    return "__tsan_read" in symbols


def repeat(programs, flags):
    """Runs the programs; returns the rounds that were completed and what was found."""
    deadline = time.monotonic() + flags.minutes * 60
    seconds = dict.fromkeys(programs, 0.0)
    findings = []

    def one(program, number):
        start = time.monotonic()
        code, output = run([program, CASES, "--order", "rand",
                            "--rng-seed", str(flags.seed + number)], flags.threads)
        seconds[program] += time.monotonic() - start
        if code != 0 or "WARNING: ThreadSanitizer" in output:
            findings.append(f"{program}, run {number}: ended with {code}\n{output[-20000:]}")

    done = 0
    longest = list(programs)
    with concurrent.futures.ThreadPoolExecutor(flags.jobs) as pool:
        while done < flags.runs and not findings and time.monotonic() < deadline:
            list(pool.map(lambda program: one(program, done), longest))
            done += 1
            # The longest first, so that none runs on while the others' cores are idle.
            longest.sort(key=lambda program: -seconds[program])
    for program in programs:
        print(f"{os.path.basename(program):34} {seconds[program] / max(1, done):7.2f} s a run")
    return done, findings


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    flags = parser.parse_args()
    print(f"seed {flags.seed}")
    canary = os.path.join(flags.programs, "race_canary")
    programs = sorted(glob.glob(os.path.join(flags.programs, "*_test")))
    if not os.path.exists(canary) or (flags.runs > 0 and not programs):
        print(f"skipped: {flags.programs} holds no programs built with ThreadSanitizer")
        return 77
    wrong = check_canaries(canary)
    if flags.runs > 0 and not wrong:
        hidden = suppressions()
        tbb = all(instrumented_tbb(program) for program in programs)
        start = time.monotonic()
        done, wrong = repeat(programs, flags)
        scorecard(
            reached=f"{done} runs of {len(programs)} programs with up to {flags.threads} threads a "
                    f"test on {'an instrumented TBB' if tbb else 'plain threads'}, {len(wrong)} "
                    f"reports, {len(hidden)} suppressions, {(time.monotonic() - start) / 60:.0f} "
                    "minutes",
            met=done >= 100 and flags.threads >= 32 and tbb and not wrong and not hidden,
            seed=flags.seed)
        wrong += [f"suppressed: {line}" for line in hidden]
    for text in wrong:
        print(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
