#!/usr/bin/env python3
"""Kills a writing process again and again (kill -9), and checks what its database holds each time.

    kill_loop.py --program CRASH_WRITER [--cycles 200] [--writers 4] [--seed N]

Every other cycle is in mode sync, every tenth begins a new database. The process is killed at a
random moment, one time in four while it still opens the database, else in the middle of appends,
merges, commits, deletions, retention, checkpoints and compaction; then every record that it had
acknowledged as durable must be there, what was deleted must not be, and nothing may be there that
it did not write. Prints cycles and what was acknowledged, recovered and lost; exits 1 if anything
was lost or is damaged. 1,000 cycles are what the scorecard asks for.

With --plant-early-acknowledgement the writer acknowledges before it waits, and the loop exits 0
only if it has found that out.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile

from crash_cycle import (Counts, Finding, Ledger, Writer, add_flags, check, report_planted,
                         scorecard)

CYCLES_ASKED_FOR = 1000


def run_cycles(flags, home, counts):
    directory, ledger = os.path.join(home, "db"), Ledger(os.path.join(home, "ledger"))
    for cycle in range(1, flags.cycles + 1):
        if cycle % 10 == 0:
            shutil.rmtree(directory)
            ledger.reset()
            counts.remade()
        try:
            writer = Writer(flags.program, directory, ledger, "sync" if cycle % 2 else "async",
                            flags.writers, ["early"] if flags.early else [])
            if random.random() < 0.75:
                writer.await_open()
                writer.run_for(random.uniform(0.0, 0.4))
            else:
                writer.run_for(random.uniform(0.0, 0.03))
            writer.kill()
            ledger.keep_promises()
            counts.note(ledger, *check(flags.program, directory, ledger, flags.writers))
        except Finding as finding:
            return f"cycle {cycle}: {finding}"
    return None


def main():
    parser = argparse.ArgumentParser()
    add_flags(parser)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--plant-early-acknowledgement", action="store_true", dest="early")
    flags = parser.parse_args()
    random.seed(flags.seed)
    print(f"seed {flags.seed}", flush=True)
    counts = Counts()
    with tempfile.TemporaryDirectory() as home:
        finding = run_cycles(flags, home, counts)
    if flags.early:
        return report_planted(1, "acknowledged before the commit is awaited", finding)
    result = finding or f"{flags.cycles:,} kills: {counts}"
    print(result)
    scorecard(row=1, reached=result, seed=flags.seed,
              met=finding is None and counts.covered() and flags.cycles >= CYCLES_ASKED_FOR)
    return 0 if finding is None else 1


if __name__ == "__main__":
    sys.exit(main())
