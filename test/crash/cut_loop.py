#!/usr/bin/env python3
"""Cuts a file system off under a writing process, again and again, and checks what comes back.

    cut_loop.py --program CRASH_WRITER [--cycles 1000] [--file-systems ext4,xfs] [--writers 4]
                [--seed N] [--plant FAULT]

The database lies on a file system in a file. A cycle: the writer runs for a random time (one time
in four it still opens the database); what it has acknowledged by then is noted; the file system is
shut down without flushing its journal, as when the power goes; the writer must end with an error;
the file system is mounted again, which replays the journal; everything noted must be there.

Every other cycle is in mode sync. In mode async power may cost what was written last: there the cut
comes when a sync that began after the acknowledgements were noted has ended. Every tenth cycle
begins a new database. Exits 1 if anything was lost, is damaged, or hangs; 77 where it cannot run.
1,000 cycles on each of ext4 and XFS are what the scorecard asks for.

Below the file system the machine's page cache is the disk: a flush that a file system does not send
to its disk would not be missed.

--plant early | drop-sync | drop-directory-sync: faults of crash_writer; exits 0 only if found.
Journals keep the order of names and syncs of files, so a missing sync of a directory cannot show
on these two file systems: crash_states_test is for that.
"""

import argparse
import ctypes
import os
import random
import shutil
import signal
import sys
import tempfile
import time

from crash_cycle import (LOG_SYNCS, SKIPPED, Counts, Finding, Ledger, Writer, add_flags, check,
                         enter_own_mounts, report_planted, run_tool, scorecard)

CYCLES_ASKED_FOR = 1000
IMAGE_BYTES = 512 << 20  # sparse; xfs takes no less than 300 MiB
PLANTED = {"early": "acknowledged before the commit is awaited",
           "drop-sync": "fdatasync and fsync of files dropped",
           "drop-directory-sync": "fsync of directories dropped"}


class FileSystem:
    """One in a file, mounted."""

    def __init__(self, kind, home):
        self.image = os.path.join(home, kind + ".img")
        self.mount_point = os.path.join(home, kind)
        os.mkdir(self.mount_point)
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        run_tool("mkfs." + kind, "-q", self.image)
        self.mount()

    def mount(self):
        run_tool("mount", "-o", "loop", self.image, self.mount_point)

    def unmount(self, *flags):
        run_tool("umount", *flags, self.mount_point)

    def cut(self):
        run_tool("xfs_io", "-x", "-c", "shutdown", self.mount_point)

    def sync(self):
        root = os.open(self.mount_point, os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).syncfs(root) != 0:
            raise OSError(ctypes.get_errno(), "syncfs")
        os.close(root)


def write_and_cut(flags, files, directory, ledger, is_sync):
    """Returns what was promised when the file system was cut off."""
    writer = Writer(flags.program, directory, ledger, "sync" if is_sync else "async",
                    flags.writers, [flags.plant] if flags.plant else [])
    if random.random() < 0.75:
        writer.await_open()
        writer.run_for(random.uniform(0.0, 0.1))
    else:
        # The mapping of the ledger is made before the database is opened.
        writer.run_for(random.uniform(0.0, 0.03))
    promises = ledger.keep_promises()
    if not is_sync and any(promises):
        # Of the next sync nobody knows whether it began before; what it began with is durable when
        # the one after it begins.
        syncs = ledger.words[LOG_SYNCS] + 2
        writer.run_until(lambda: ledger.words[LOG_SYNCS] >= syncs, "a sync in mode async")
    files.cut()
    status, _, errors = writer.end("its disk was cut off")
    if status not in (2, -signal.SIGBUS) or "damage" in errors:
        raise Finding(f"cut off, the writer ended with {status}: {errors.strip()}")
    return promises


def run_cycles(flags, kind, home, counts):
    files = FileSystem(kind, home)
    directory = os.path.join(files.mount_point, "db")
    ledger = Ledger(os.path.join(home, kind + ".ledger"))
    cycle = 0
    try:
        for cycle in range(1, flags.cycles + 1):
            if cycle % 10 == 0:
                shutil.rmtree(directory)
                files.sync()
                ledger.reset()
                counts.remade()
            promises = write_and_cut(flags, files, directory, ledger,
                                     bool(flags.plant) or cycle % 2 == 1)
            files.unmount()
            files.mount()
            counts.note(ledger, *check(flags.program, directory, ledger, flags.writers))
            ledger.return_to(promises)
    except Finding as finding:
        return f"{kind}, cycle {cycle}: {finding}"
    finally:
        files.unmount("--lazy")  # a process that hangs may keep it busy
        os.remove(files.image)
    return None


def skip_unless_mountable(kinds, home):
    for kind in kinds:
        try:
            FileSystem(kind, home).unmount()
        except RuntimeError as error:
            print(f"skipped: {error}")
            sys.exit(SKIPPED)


def main():
    parser = argparse.ArgumentParser()
    add_flags(parser)
    parser.add_argument("--cycles", type=int, default=CYCLES_ASKED_FOR)
    parser.add_argument("--file-systems", default="ext4,xfs")
    parser.add_argument("--plant", choices=sorted(PLANTED))
    flags = parser.parse_args()
    kinds = flags.file_systems.split(",")
    enter_own_mounts(["xfs_io"] + ["mkfs." + kind for kind in kinds])
    random.seed(flags.seed)
    print(f"seed {flags.seed}", flush=True)
    finding, reached = None, []
    with tempfile.TemporaryDirectory() as home:
        probe = os.path.join(home, "probe")
        os.mkdir(probe)
        skip_unless_mountable(kinds, probe)
        for kind in kinds:
            counts, start = Counts(), time.monotonic()
            finding = run_cycles(flags, kind, home, counts)
            if flags.plant:
                if report_planted(3, f"{PLANTED[flags.plant]}, on {kind}", finding) != 0:
                    return 1
                continue
            if finding:
                break
            reached.append(f"{flags.cycles:,} cut-offs on {kind}: {counts}")
            print(f"{reached[-1]}; {time.monotonic() - start:.0f} s", flush=True)
        if flags.plant:
            return 0
    if finding:
        print(finding)
    scorecard(row=3, reached=finding or "; ".join(reached), seed=flags.seed,
              met=not finding and {"ext4", "xfs"} <= set(kinds)
              and flags.cycles >= CYCLES_ASKED_FOR)
    return 1 if finding else 0


if __name__ == "__main__":
    sys.exit(main())
