#!/usr/bin/env python3
"""Kills a writing process again and again (kill -9), and checks what its database holds each time.

    kill_loop.py --program CRASH_WRITER [--cycles 200] [--writers 4] [--seed N]

Every other cycle is in mode sync. The process is killed at a random moment after it has opened the
database, in the middle of appends, merges, commits and checkpoints; then every record that it had
acknowledged as durable must be there, and nothing may be there that it did not write. Prints cycles
and what was acknowledged, recovered and lost; exits 1 if anything was lost or is damaged.

With --plant-early-acknowledgement the writer acknowledges before it waits, and the loop exits 0
only if it has found that out.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile


def write_and_kill(program, directory, ledger, mode, writers, seconds, early):
    """Returns an error, or nothing when the process was alive until it was killed."""
    command = [program, "write", directory, ledger, mode, str(writers)]
    process = subprocess.Popen(command + (["early"] if early else []),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    opened = process.stdout.readline().strip() == "open"
    try:
        process.wait(timeout=seconds if opened else 60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None if opened else "the writer did not open the database within a minute"
    return f"the writer ended by itself ({process.returncode}): {process.stderr.read().strip()}"


def check(program, directory, ledger, writers):
    result = subprocess.run([program, "check", directory, ledger, str(writers)],
                            capture_output=True, text=True, check=False)
    if result.returncode > 1 or not result.stdout:
        return None, result.stderr.strip() or f"the check ended with {result.returncode}"
    return tuple(int(word) for word in result.stdout.split()), None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--plant-early-acknowledgement", action="store_true", dest="early")
    flags = parser.parse_args()
    random.seed(flags.seed)
    print(f"seed {flags.seed}")
    with tempfile.TemporaryDirectory() as home:
        directory, ledger = os.path.join(home, "db"), os.path.join(home, "ledger")
        counts = (0, 0, 0)
        for cycle in range(1, flags.cycles + 1):
            mode = "sync" if cycle % 2 == 0 else "async"
            error = write_and_kill(flags.program, directory, ledger, mode, flags.writers,
                                   random.uniform(0.0, 0.4), flags.early)
            if error is None:
                counts, error = check(flags.program, directory, ledger, flags.writers)
            if error is not None:
                print(f"cycle {cycle}: {error}")
                return 1
            if counts[2] > 0:
                print(f"cycle {cycle}: acknowledged {counts[0]:,}, recovered {counts[1]:,}, "
                      f"LOST {counts[2]:,}")
                return 0 if flags.early else 1
        print(f"{flags.cycles} cycles: acknowledged {counts[0]:,}, recovered {counts[1]:,}, "
              f"lost {counts[2]:,}")
        if flags.early:
            print("the planted early acknowledgements were not found")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
