#!/usr/bin/env python3
"""Fills the disk under a writing process, makes room again, and checks that nothing is lost.

    disk_full.py --program CRASH_WRITER [--rounds 200] [--writers 3] [--seed N] [--plant-refused]

A round: the database lies on a tmpfs of a random size, log files and checkpoints come at random
sizes, so that space runs out in the log, a checkpoint, compaction, or an edit of the manifest, as
it happens. The writers go on until they are refused, and then read their series back between
attempts: everything acknowledged must be there. A second process reads beside them. Then, by turns:

  resume   the tmpfs is remounted larger: all of them must write again, by themselves; twice
  kill     the process is killed, the tmpfs made larger
  reopen   it is killed, and the database opened and read while the disk is full, read-only if there
           is no space for its manifest; then made larger
  close    it is told to close while the disk is full, which may fail for want of space

In the end a writer opens the database again, goes on, closes it without an error, and everything
acknowledged must be there. Exits 1 if anything was lost, is damaged, or hangs; 77 where it cannot
run. With --plant-refused writers take what was refused for acknowledged; it exits 0 if that is
found.
"""

import argparse
import os
import random
import sys
import tempfile

from crash_cycle import (BLOCKS_APPENDED, READS_WHEN_FULL, REFUSALS, SKIPPED, Finding, Ledger,
                         Writer, add_flags, check, enter_own_mounts, report_planted, run_tool,
                         scorecard)

ROUNDS_ASKED_FOR = 200
READERS_ATTEMPTS = 20
ENDS = ("resume", "kill", "reopen", "close")
ROOM = 64 << 20  # far more than a round writes once it is larger


class Round:
    """One database on one small disk."""

    def __init__(self, flags, home, number):
        self.flags, self.number = flags, number
        self.mount_point = os.path.join(home, "disk")
        self.directory = os.path.join(self.mount_point, "db")
        self.ledger = Ledger(os.path.join(home, "ledger"))
        self.bytes = random.randrange(1 << 19, 4 << 20, 4096)
        # Files are allocated ahead: those of more than the disk let nothing be written at first.
        # Room for one log file, so that there is something to write before the disk is full.
        log_file = min(1 << random.randrange(16, 21), 1 << (self.bytes // 2).bit_length() - 1)
        self.options = ["fill", f"log-file={log_file}",
                        f"checkpoint-log={1 << random.randrange(17, 23)}"]
        self.mode = random.choice(("sync", "async"))
        self.read_only_openings = 0  # where opening for writing was refused
        self.end = ENDS[(flags.seed + number) % len(ENDS)]

    def describe(self):
        return f"round {self.number} ({self.bytes} bytes, {self.mode}, {self.options}, {self.end})"

    def enlarge(self, room):
        self.bytes += room
        run_tool("mount", "-o", f"remount,size={self.bytes}", self.mount_point)

    def start(self):
        writer = Writer(self.flags.program, self.directory, self.ledger, self.mode,
                        self.flags.writers,
                        self.options + (["refused"] if self.flags.refused else []))
        writer.await_open()
        return writer

    def check(self, how=None):
        self.ledger.keep_promises()
        _, _, lost, _ = check(self.flags.program, self.directory, self.ledger, self.flags.writers,
                              how)
        if lost > 0:
            raise Finding(f"{lost:,} acknowledged records are LOST ({how or 'opened'})")

    def read_beside(self):
        """A second process reads. Told to try again, as it may be beside checkpoints, it does."""
        for attempt in range(READERS_ATTEMPTS):
            try:
                return self.check("read-only")
            except Finding as finding:
                if "ABORTED" not in str(finding) or attempt + 1 == READERS_ATTEMPTS:
                    raise
        return None

    def open_when_full(self):
        """Opening writes the manifest anew. Without space for that only readers can open it."""
        try:
            self.check("full")
        except Finding as finding:
            if "RESOURCE_EXHAUSTED" not in str(finding) or "manifest.tmp" not in str(finding):
                raise
            self.read_only_openings += 1
            self.check("read-only")

    def until_full(self, writer):
        words = self.ledger.words
        refusals, reads = words[REFUSALS] + 8, words[READS_WHEN_FULL] + 8
        writer.run_until(
            lambda: words[REFUSALS] >= refusals and words[READS_WHEN_FULL] >= reads,
            "a full disk")

    def until_written(self, writer):
        words = self.ledger.words
        wanted = [words[position] + 2000 for position in range(self.flags.writers)]
        blocks = words[BLOCKS_APPENDED] + 2
        writer.run_until(
            lambda: all(map(int.__ge__, words[:self.flags.writers].tolist(), wanted)) and
            words[BLOCKS_APPENDED] >= blocks, "writing by all")

    def close(self, writer, may_be_full=False):
        status, output, errors = writer.end("it was told to close", "close\n")
        closed = output.strip()
        if status != 0 or not (closed == "closed OK" or
                               may_be_full and closed.startswith("closed RESOURCE_EXHAUSTED")):
            raise Finding(f"closing ended with {status}: {closed} {errors.strip()}")

    def run(self):
        run_tool("mount", "-t", "tmpfs", "-o", f"size={self.bytes}", "tmpfs", self.mount_point)
        try:
            writer = self.start()
            try:
                self.until_full(writer)
                self.read_beside()
                self.leave(writer)
            finally:
                writer.kill()
            writer = self.start()
            try:
                self.until_written(writer)
                self.close(writer)
            finally:
                writer.kill()
            self.check()
        finally:
            run_tool("umount", "--lazy", self.mount_point)

    def leave(self, writer):
        if self.end == "resume":
            for _ in range(2):
                self.enlarge(1 << 20)
                self.until_written(writer)
                self.until_full(writer)
        elif self.end == "close":
            self.close(writer, may_be_full=True)
        else:
            writer.kill()
        if self.end == "reopen":
            self.open_when_full()
        self.enlarge(ROOM)
        if self.end == "resume":
            self.until_written(writer)
            self.close(writer)
        self.check()


def main():
    parser = argparse.ArgumentParser()
    add_flags(parser)
    parser.set_defaults(writers=3)
    parser.add_argument("--rounds", type=int, default=ROUNDS_ASKED_FOR)
    parser.add_argument("--plant-refused", action="store_true", dest="refused")
    flags = parser.parse_args()
    enter_own_mounts([])
    random.seed(flags.seed)
    print(f"seed {flags.seed}", flush=True)
    finding, refusals, reads, read_only = None, 0, 0, 0
    with tempfile.TemporaryDirectory() as home:
        os.mkdir(os.path.join(home, "disk"))
        try:
            run_tool("mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", home + "/disk")
            run_tool("umount", home + "/disk")
        except RuntimeError as error:
            print(f"skipped: {error}")
            return SKIPPED
        for number in range(flags.rounds):
            current = Round(flags, home, number)
            try:
                current.run()
            except Finding as error:
                finding = f"{current.describe()}: {error}"
                break
            refusals += current.ledger.words[REFUSALS]
            reads += current.ledger.words[READS_WHEN_FULL]
            read_only += current.read_only_openings
    if flags.refused:
        return report_planted(7, "what a full disk refused counts as acknowledged", finding)
    result = finding or (f"{flags.rounds} full disks: {refusals:,} refusals, {reads:,} reads of "
                         f"whole series meanwhile, writing went on, 0 acknowledged records lost; "
                         f"{read_only} could be opened for reading only until there was space")
    print(result)
    scorecard(row=7, reached=result, seed=flags.seed,
              met=finding is None and flags.rounds >= ROUNDS_ASKED_FOR)
    return 0 if finding is None else 1


if __name__ == "__main__":
    sys.exit(main())
