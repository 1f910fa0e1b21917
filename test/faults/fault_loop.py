#!/usr/bin/env python3
"""Makes every system call of a process that uses the database fail, one run for each.

    fault_loop.py --workload fault_workload --library libfault_calls.so [--stride 1] [--jobs 2]
                  [--kinds eio,enospc,short,torn,sync,lie] [--seed N] [--plant early|go-on|retry]

For each kind of fault (see fault_calls.cc), for each k: the workload runs with its k-th call
failing, once and then from there on, until a run makes fewer than k calls. It may neither crash nor
hang (60 s, and 600 s when repeated). Then its database is opened twice without faults: nothing that
was acknowledged may be missing, nothing be there that was not written, and it must be sound. After
a failed sync of the log nothing may be acknowledged, and no file may be synced again of which a
sync had failed. With `lie` the disk reverses bytes and says that all is well: records may be
missing where damage is reported, wrong values never.

--stride takes every n-th k only, from one that the seed gives. --plant puts a fault into the
workload; then the loop stops at the first run that finds it, and exits 1 if none does. Prints the
number of runs and lines for the scorecard; exits 1 if anything was wrong.
"""

import argparse
import concurrent.futures
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time

TIMEOUT_SECONDS = 60
HANGS = "hangs: "
COUNTS_BYTES = 4096
KINDS = ("eio", "enospc", "short", "torn", "sync", "lie")
ROW_OF_PLANTED = {"early": 4, "go-on": 5, "retry": 5}


class Result:
    def __init__(self, counts_file, wrong):
        with open(counts_file, "rb") as file:
            content = file.read(COUNTS_BYTES)
        self.calls, self.failed, self.failed_log_syncs, self.retried = struct.unpack_from("4Q",
                                                                                         content)
        self.first = content[32:288].split(b"\0")[0].decode()
        self.wrong = wrong


def wait(command, environment, timeout_seconds):
    """Returns what is wrong with how the process ended, or nothing."""
    try:
        ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, timeout=timeout_seconds, check=False)
    except subprocess.TimeoutExpired:
        return HANGS + command[1]
    if ended.returncode == 0:
        return None
    output = ended.stdout.decode(errors="replace").strip()
    return f"{command[1]} ended with {ended.returncode}: {output[-2000:]}"


def run(flags, kind, number, sticky):
    """Runs the workload with one fault (number 0: none), and the check of what it left."""
    result = run_once(flags, kind, number, sticky, TIMEOUT_SECONDS)
    if result.wrong and result.wrong.startswith(HANGS):
        # Or the machine is overloaded: one that hangs does so again.
        result = run_once(flags, kind, number, sticky, 10 * TIMEOUT_SECONDS)
    return result


def run_once(flags, kind, number, sticky, timeout_seconds):
    with tempfile.TemporaryDirectory(dir=flags.directory) as top:
        home, ledger, counts = (os.path.join(top, name) for name in ("home", "ledger", "counts"))
        os.mkdir(home)
        with open(counts, "wb") as file:
            file.write(bytes(COUNTS_BYTES))
        environment = dict(os.environ, LD_PRELOAD=flags.preloaded, FAULT_DIRECTORY=home,
                           FAULT_COUNTS=counts, FAULT_NTH=str(number), FAULT_KIND=kind,
                           FAULT_STICKY="1" if sticky else "0")
        planted = [flags.plant] if flags.plant else []
        wrong = wait([flags.workload, "write", home, ledger] + planted, environment,
                     timeout_seconds)
        result = Result(counts, wrong)
        if not wrong and result.retried > 0:
            result.wrong = "a file was synced again after a sync of it had failed"
        if not result.wrong:
            lossy = ["lossy"] if kind == "lie" else []
            result.wrong = wait([flags.workload, "check", home, ledger] + lossy, None,
                                timeout_seconds)
        return result


class Loop:
    def __init__(self, flags):
        self.flags = flags
        self.runs = 0
        self.log_sync_faults = 0
        self.wrong = []

    def kind(self, kind, sticky):
        """Every k of one kind of fault."""
        flags = self.flags
        clean = run(flags, kind, 0, False)
        if clean.wrong or clean.calls == 0:
            self.wrong.append(f"{kind}: without a fault: {clean.wrong or 'no calls were counted'}")
            print(self.wrong[-1])
            return
        number = random.randrange(flags.stride) + 1
        runs = 0
        with concurrent.futures.ThreadPoolExecutor(flags.jobs) as pool:
            reached = True
            # Threads of the database make a few calls more or fewer each time; a fault can make it
            # give up earlier. The run that is failed by none of its calls is the last one.
            while reached and not (flags.plant and self.wrong):
                numbers = [number + i * flags.stride for i in range(flags.jobs)]
                number += flags.jobs * flags.stride
                for k, result in zip(numbers, pool.map(
                        lambda k: run(flags, kind, k, sticky), numbers)):
                    if result.failed == 0:
                        reached = reached and k < 0.8 * clean.calls
                    else:
                        runs += 1
                        self.log_sync_faults += result.failed_log_syncs > 0
                    if result.wrong:
                        self.wrong.append(f"{kind}{' sticky' if sticky else ''}, call {k} "
                                          f"({result.first}): {result.wrong}")
                        print(self.wrong[-1], flush=True)
        self.runs += runs
        print(f"{kind:7} {'sticky' if sticky else 'once':7} {clean.calls:4} calls, {runs:4} runs, "
              f"{len(self.wrong)} findings", flush=True)


def scorecard(**fields):
    print("scorecard", json.dumps(fields), flush=True)


def report(loops, flags, seconds):
    every = "every" if flags.stride == 1 else f"every {flags.stride}th"
    calls = [loop for kind, loop in loops.items() if kind != "sync"]
    runs = sum(loop.runs for loop in calls)
    wrong = sum(len(loop.wrong) for loop in calls)
    if calls:
        complete = flags.stride == 1 and set(KINDS) <= set(loops)
        scorecard(row=4, reached=f"{runs:,} runs of a process: {every} system call × EIO, ENOSPC, "
                  f"short, torn, lying × once, sticky: {wrong} lost, damaged, crashed or hung, "
                  f"{seconds:.0f} s", met=complete and wrong == 0, seed=flags.seed)
    if "sync" in loops:
        loop = loops["sync"]
        scorecard(row=5, reached=f"{loop.runs} runs of a process, {every} fsync fails, "
                  f"{loop.log_sync_faults} of them the log's, unsynced data dropped: "
                  f"{len(loop.wrong)} acknowledgements, retries or losses",
                  met=flags.stride == 1 and not loop.wrong, seed=flags.seed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", required=True)
    parser.add_argument("--library", dest="preloaded", required=True)
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--plant", choices=sorted(ROW_OF_PLANTED))
    flags = parser.parse_args()
    random.seed(flags.seed)
    print(f"seed {flags.seed}")
    # In memory where that is: what a power loss would take is not asked here.
    flags.directory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    start = time.monotonic()
    loops = {}
    for kind in flags.kinds.split(","):
        loops[kind] = Loop(flags)
        for sticky in (False, True):
            if not (flags.plant and loops[kind].wrong):
                loops[kind].kind(kind, sticky)
    wrong = [text for loop in loops.values() for text in loop.wrong]
    if flags.plant:
        scorecard(row=ROW_OF_PLANTED[flags.plant], planted=f"whole process: {flags.plant}",
                  caught=bool(wrong))
        return 0 if wrong else 1
    report(loops, flags, time.monotonic() - start)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
