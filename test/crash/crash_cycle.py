"""What the loops share that end a writing process and check what it left: the process, its ledger,
the check, and the lines for the scorecard. For kill_loop.py, cut_loop.py and disk_full.py."""

import json
import mmap
import os
import random
import shutil
import subprocess
import sys
import time

SKIPPED = 77  # what CTest takes for "skipped"
HANG_SECONDS = 60

# Positions in crash_ledger.h.
WRITERS_MAX = 64
BLOCKS_APPENDED, BLOCKS_DELETED, CLOCK, BLOCKS_TO_DELETE, LOG_SYNCS, REFUSALS, READS_WHEN_FULL, \
    COMPACTED_BYTES = range(WRITERS_MAX, WRITERS_MAX + 8)
PROMISES = WRITERS_MAX + 2  # words that are promises
WORDS = WRITERS_MAX + 8


class Finding(Exception):
    """Something that must not happen."""


class Ledger:
    """The file that the writer maps, mapped here, too."""

    def __init__(self, path):
        self.path = path
        self.promises_path = path + ".promises"
        with open(path, "wb") as file:
            file.write(bytes(8 * WORDS))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 8 * WORDS)
        self.words = memoryview(self.map).cast("q")

    def reset(self):
        for position in range(WORDS):
            self.words[position] = 0

    def keep_promises(self):
        """Those made until now are the ones that the next check will look for."""
        promises = memoryview(bytearray(8 * PROMISES)).cast("q")
        for position in range(PROMISES):
            promises[position] = self.words[position]
        with open(self.promises_path, "wb") as file:
            file.write(promises.tobytes() + bytes(8 * (WORDS - PROMISES)))
        return promises

    def return_to(self, promises):
        """What was promised later was not looked for: nothing is known of it."""
        self.words[:PROMISES] = promises


class Writer:
    """One run of `crash_writer write`."""

    def __init__(self, program, directory, ledger, mode, writers, options=()):
        self.process = subprocess.Popen(
            [program, "write", directory, ledger.path, mode, str(writers), *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def await_open(self):
        if self.process.stdout.readline().strip() != "open":
            self.fail()

    def fail(self):
        self.process.wait()
        raise Finding(f"the writer ended by itself ({self.process.returncode}): "
                      f"{self.process.stderr.read().strip()}")

    def run_for(self, seconds):
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return
        self.fail()

    def run_until(self, condition, what):
        end = time.monotonic() + HANG_SECONDS
        while not condition():
            self.run_for(0.002)
            if time.monotonic() > end:
                self.kill()
                raise Finding(f"a hang: {what} was awaited for {HANG_SECONDS} s")

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def end(self, what, line=None):
        """Waits until it ends by itself, told to by `line`; returns status, output and errors."""
        try:
            output, errors = self.process.communicate(line, timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Finding(f"a hang: the writer still runs {HANG_SECONDS} s after {what}") from None
        return self.process.returncode, output, errors


def check(program, directory, ledger, writers, how=None):
    """Records acknowledged, recovered, lost and retired, up to the promises kept last."""
    try:
        result = subprocess.run(
            [program, "check", directory, ledger.promises_path, ledger.path, str(writers)] +
            ([how] if how else []), capture_output=True, text=True, check=False,
            timeout=HANG_SECONDS)
    except subprocess.TimeoutExpired:
        raise Finding(f"a hang: the check still runs after {HANG_SECONDS} s") from None
    if result.returncode not in (0, 1) or not result.stdout:
        raise Finding(f"the check ended with {result.returncode}: {result.stderr.strip()}")
    return tuple(int(word) for word in result.stdout.split())


class Counts:
    """Sums over the databases of a loop: what they are left with, when they are remade, counts."""

    def __init__(self):
        self.done = (0, 0, 0, 0)
        self.current = (0, 0, 0, 0)

    def note(self, ledger, acknowledged, recovered, lost, retired):
        self.current = (acknowledged, recovered, retired, ledger.words[COMPACTED_BYTES])
        if lost > 0:
            raise Finding(f"acknowledged {acknowledged:,}, recovered {recovered:,}, LOST {lost:,}")

    def remade(self):
        self.done, self.current = self.sums(), (0, 0, 0, 0)

    def sums(self):
        return tuple(done + now for done, now in zip(self.done, self.current))

    def covered(self):
        """Whether retention and compaction were among what was ended."""
        return min(self.sums()) > 0

    def __str__(self):
        acknowledged, recovered, retired, compacted = self.sums()
        return (f"{acknowledged:,} records acknowledged, {recovered:,} recovered, 0 lost "
                f"({retired:,} gone by retention, {compacted >> 20:,} MiB compacted)")


def scorecard(**result):
    print("scorecard " + json.dumps(result), flush=True)


def report_planted(row, fault, finding):
    """The exit status of a loop into which a fault was planted, that ended with `finding`."""
    print(f"planted: {fault}: {finding or 'NOT FOUND'}")
    scorecard(row=row, planted=fault, caught=finding is not None)
    return 0 if finding is not None else 1


def add_flags(parser):
    parser.add_argument("--program", required=True, help="crash_writer")
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))


def enter_own_mounts(tools):
    """Goes on in a mount namespace, whose mounts end with this process; exits, naming what is
    missing, where that cannot be."""
    missing = [tool for tool in ("unshare", "mount", "umount", *tools) if not shutil.which(tool)]
    if os.geteuid() != 0:
        missing.append("root")
    if missing:
        print(f"skipped: needs {', '.join(missing)}")
        sys.exit(SKIPPED)
    if os.environ.get("TSDB_OWN_MOUNTS") == str(os.getpid()):
        return
    arguments = ["unshare", "--mount", "--propagation", "private"]
    if subprocess.run([*arguments, "true"], capture_output=True, check=False).returncode != 0:
        print("skipped: no mount namespace can be made here")
        sys.exit(SKIPPED)
    # Exec keeps the number of the process; a child that inherits the variable has another.
    os.environ["TSDB_OWN_MOUNTS"] = str(os.getpid())
    os.execvp("unshare", [*arguments, sys.executable, *sys.argv])


def run_tool(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {result.stderr.strip()}")
