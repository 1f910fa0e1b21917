#!/usr/bin/env python3
"""Plants one-token faults in the source, one at a time, and looks whether a test finds each.

    mutate.py [--sample N] [--minutes M] [--seed S] [--match REGEX] [--jobs 2] [--list]
              [--results FILE] [--build-dir build/coverage] [--no-build] [--tests none]

Of the files below mutations.py makes all mutants; --seed decides which are taken, until N are done
or M minutes have gone. Every removed fsync and every removed wait for one is always among them,
and first. A mutant is compiled in a temporary directory, is linked in front of the libraries of the
build directory (that of test/coverage, whose programs these are), and the programs mapped to its
file run, cheapest first, until one fails. The checkout is only read.

  killed        a test failed, crashed, did what is undefined, or took three times as long as
                unchanged and 15 s more
  survived      all of them passed
  equivalent    it compiles to the same bytes, or equivalent.txt says why it changes nothing
  duplicate     it compiles to the same bytes as another mutant
  uncompilable

--results appends one JSON object a mutant. Before all others come three proofs: a file compiled
unchanged survives; a block of the log whose checksum is not looked at is killed, and, with no
tests, survives. Exit status: 0; 1 when a removed fsync survived, less than 90 % were killed, or a
proof failed; 77 when a program is missing.
"""

import argparse
import hashlib
import json
import os
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import mutations

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EQUIVALENT = os.path.join(ROOT, "test/mutants/equivalent.txt")
MINIMUM = 90.0
ENOUGH = 100  # below, the share killed says little

# Files -> the programs that test them, cheapest first. The first match counts. Not here: headers
# (one of them is the rest of the program anew), the kernels in storage/codec, which are headers.
TESTS = (
    (r"storage/wal/\w+\.cc", ("storage_wal_test", "durability_test", "crash_states_test")),
    (r"storage/segment/\w+\.cc",
     ("storage_segment_test", "large_rest_test", "durability_test")),
    (r"storage/codec/(?!kernels_|instruction_set)\w+\.cc", ("storage_codec_test",)),
    (r"storage/base/(local_)?file_system\.cc", ("storage_base_test", "durability_test")),
    (r"tsdb/durability/\w+\.cc",
     ("recovery_test", "large_rest_test", "durability_test", "crash_states_test")),
    (r"tsdb/(directory|checkpointing|backup)\.cc",
     ("recovery_test", "publishing_test", "durability_test", "crash_states_test")),
)

PLANTED = ("storage/wal/log_format.cc", "BatchChecksum(bytes.data(), padded)) return {};",
           "BatchChecksum(bytes.data(), padded)) {}")


def tests_of(path):
    for pattern, programs in TESTS:
        if re.fullmatch(pattern, path):
            return programs
    return None


def measured_files():
    found = []
    for directory in ("storage/wal", "storage/segment", "storage/codec", "storage/base",
                      "tsdb/durability", "tsdb"):
        found += [os.path.join(directory, name)
                  for name in sorted(os.listdir(os.path.join(ROOT, directory)))]
    return [path for path in found if tests_of(path)]


def read_text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def read_equivalents():
    """(file, before, after) -> reason."""
    found = {}
    with open(EQUIVALENT, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                path, before, after, reason = line.rstrip("\n").split("\t")
                found[path, before, after] = reason
    return found


class Builder:
    """How the build directory compiles a file and links a program."""

    def __init__(self, build_dir):
        self.dir = build_dir
        with open(os.path.join(build_dir, "compile_commands.json"), encoding="utf-8") as file:
            self.commands = {os.path.relpath(entry["file"], ROOT): shlex.split(entry["command"])
                             for entry in json.load(file)}
        self.links = {}

    def prepare(self, programs):
        for program in programs:
            listed = subprocess.run(["ninja", "-C", self.dir, "-t", "commands", "-s",
                                     os.path.join("bin", program)],
                                    check=True, capture_output=True, text=True).stdout
            for command in listed.split(" && "):
                if f"-o bin/{program}" in command:
                    self.links[program] = shlex.split(command)

    def compile(self, path, work):
        """Compiles work/path into an object file, whose name it returns; None if that fails."""
        command = self.commands[path]
        command = command[next(i for i, word in enumerate(command) if word.endswith("clang++")):]
        command = command[:command.index("-o")]
        # Counting is for branches.py; and the objects are compared, so that no path may show.
        command = [word for word in command
                   if word not in ("-fprofile-instr-generate", "-fcoverage-mapping", "-g")]
        target = os.path.join(work, "mutant.o")
        # What is undefined ends the program, as the tests under sanitizers would tell.
        command += ["-fsanitize=undefined", "-fsanitize-trap=undefined"]
        result = subprocess.run([*command, "-w", "-c", path, "-o", target], cwd=work, check=False,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return target if result.returncode == 0 else None

    def link(self, program, mutant, work):
        command = list(self.links[program])
        at = command.index("-o")
        target = os.path.join(work, program)
        command[at + 1] = target
        # In front of the libraries, so that the file they have of it is not taken.
        command[at + 2:at + 2] = [mutant]
        subprocess.run(command, cwd=self.dir, check=True, stdout=subprocess.DEVNULL)
        return target


def limit():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (6 << 30, 6 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))


def run_test(program, seconds):
    """Runs a test program in a directory of its own: "passed", "failed" or "late"."""
    with tempfile.TemporaryDirectory() as home:
        environment = dict(os.environ, TMPDIR=home, LLVM_PROFILE_FILE="/dev/null")
        process = subprocess.Popen([program, "--abort"], cwd=home, env=environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True,
                                   preexec_fn=limit)
        try:
            return "failed" if process.wait(timeout=seconds) else "passed"
        except subprocess.TimeoutExpired:
            return "late"
        finally:
            # Its children too: the group is of our making.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


class Bench:
    """Runs mutants; what they ended in, and what their objects were."""

    def __init__(self, builder, scratch, without_tests):
        self.builder = builder
        self.scratch = scratch
        self.without_tests = without_tests
        self.seconds = {}  # that an unchanged program takes
        self.mutex = threading.Lock()
        self.measuring = threading.Lock()
        self.unchanged = {}  # path -> hash of its object
        self.seen = {}  # hash -> mutant that had it first
        self.local = threading.local()

    def seconds_max(self, program):
        """What a program may take: measured unchanged, when it is first needed."""
        with self.measuring:
            if program not in self.seconds:
                start = time.monotonic()
                if run_test(os.path.join(self.builder.dir, "bin", program), 600) != "passed":
                    raise RuntimeError(f"{program} fails without any mutant")
                self.seconds[program] = time.monotonic() - start
                print(f"unchanged, {program} takes {self.seconds[program]:.1f} s", flush=True)
            return 3 * self.seconds[program] + 15

    def work_directory(self):
        if not hasattr(self.local, "work"):
            self.local.work = tempfile.mkdtemp(dir=self.scratch)
        return self.local.work

    def compile(self, path, text):
        work = self.work_directory()
        target = os.path.join(work, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8") as file:
            file.write(text)
        built = self.builder.compile(path, work)
        os.remove(target)
        if built is None:
            return None, None
        with open(built, "rb") as file:
            return built, (path, hashlib.sha256(file.read()).hexdigest())

    def note_unchanged(self, path):
        with self.mutex:
            if path in self.unchanged:
                return
        _, digest = self.compile(path, read_text(path))
        with self.mutex:
            self.unchanged[path] = digest

    def run(self, path, text, programs):
        """What became of a file changed to `text`: result, and what killed it."""
        self.note_unchanged(path)
        built, digest = self.compile(path, text)
        if built is None:
            return "uncompilable", None
        with self.mutex:
            if digest == self.unchanged[path]:
                return "equivalent", None
            if digest in self.seen:
                return "duplicate", None
            self.seen[digest] = True
        return self.run_tests(built, programs)

    def run_tests(self, built, programs):
        for program in () if self.without_tests else programs:
            target = self.builder.link(program, built, self.work_directory())
            ended = run_test(target, self.seconds_max(program))
            if ended != "passed":
                return "killed", f"{program}, {ended}"
        return "survived", None


def prove(bench):
    """That the harness can tell: a line for each proof; whether all held."""
    path, old, new = PLANTED
    text = read_text(path)
    if text.count(old) != 1:
        raise SystemExit(f"{path}: the check to be removed is not there any more")
    programs = tests_of(path)[:1]
    built, _ = bench.compile(path, text)
    unchanged = bench.run_tests(built, programs)[0] == "survived"
    print("scorecard " + json.dumps({"row": 14, "planted": "a file compiled unchanged survives",
                                     "caught": unchanged}))
    built, _ = bench.compile(path, text.replace(old, new))
    killed = bench.run_tests(built, programs)[0] == "killed"
    print("scorecard " + json.dumps(
        {"row": 14, "planted": "the log's checksums are not looked at", "caught": killed}))
    survived = bench.run_tests(built, ())[0] == "survived"
    print("scorecard " + json.dumps(
        {"row": 14, "planted": "no tests: the same survives", "caught": survived}), flush=True)
    return unchanged and killed and survived


def is_always_run(mutant, flags):
    return mutant.kind in ("sync", "wait") and not flags.match


def choose(flags):
    """The mutants in the order in which they are to be run."""
    found = [mutant for path in measured_files()
             for mutant in mutations.mutants(path, read_text(path))]
    if flags.match:
        found = [mutant for mutant in found if re.search(flags.match, str(mutant))]
    first = [mutant for mutant in found if is_always_run(mutant, flags)]
    others = [mutant for mutant in found if not is_always_run(mutant, flags)]
    random.Random(flags.seed).shuffle(others)
    return (first + others)[:max(flags.sample or len(found), len(first))]


def run_all(bench, chosen, flags):
    equivalents = read_equivalents()
    deadline = time.monotonic() + 60 * flags.minutes if flags.minutes else float("inf")
    done = []

    def one(mutant):
        if time.monotonic() > deadline and not is_always_run(mutant, flags):
            return
        start = time.monotonic()
        if mutant.key() in equivalents:
            result, program = "equivalent", None
        else:
            result, program = bench.run(mutant.path, mutant.apply(read_text(mutant.path)),
                                        tests_of(mutant.path))
        record = {"result": result, "by": program, "path": mutant.path, "line": mutant.line,
                  "kind": mutant.kind, "before": mutant.before, "after": mutant.after,
                  "seconds": round(time.monotonic() - start, 1), "seed": flags.seed}
        with bench.mutex:
            done.append(record)
            print(f"{result:12} {record['seconds']:5} s  {mutant}", flush=True)
            if flags.results:
                with open(flags.results, "a", encoding="utf-8") as file:
                    file.write(json.dumps(record) + "\n")

    with ThreadPoolExecutor(flags.jobs) as pool:
        for _ in pool.map(one, chosen):
            pass
    return done


def report(done, seed):
    """Prints the totals; whether they are as they should be."""
    count = {name: sum(record["result"] == name for record in done)
             for name in ("killed", "survived", "equivalent", "duplicate", "uncompilable")}
    syncs = [record for record in done if record["kind"] == "sync"
             and record["result"] in ("killed", "survived")]
    killed_syncs = sum(record["result"] == "killed" for record in syncs)
    ran = count["killed"] + count["survived"]
    share = 100.0 * count["killed"] / ran if ran else 0.0
    met = share >= MINIMUM and ran >= ENOUGH and killed_syncs == len(syncs) > 0
    reached = (f"{count['killed']} of {ran} mutants killed ({share:.1f} %), "
               f"{killed_syncs} of {len(syncs)} removed fsyncs; apart from these "
               f"{count['equivalent']} equivalent, {count['duplicate']} duplicates, "
               f"{count['uncompilable']} uncompilable")
    print("scorecard " + json.dumps({"row": 14, "reached": reached, "met": met, "seed": seed}))
    return killed_syncs == len(syncs) and (ran < ENOUGH or share >= MINIMUM)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build", "coverage"))
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--match", help="only mutants whose line in the listing matches")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true", dest="listed")
    parser.add_argument("--results", metavar="FILE")
    parser.add_argument("--tests", choices=("mapped", "none"), default="mapped")
    flags = parser.parse_args()
    print(f"seed {flags.seed}")
    chosen = choose(flags)
    if flags.listed:
        for mutant in chosen:
            print(mutant)
        return 0
    missing = [name for name in ("clang++", "cmake", "ninja") if not shutil.which(name)]
    if missing:
        print(f"skipped: {', '.join(missing)} not installed (tools/install-dependencies)")
        return 77
    build_dir = os.path.abspath(flags.build_dir)
    programs = list(dict.fromkeys(name for _, names in TESTS for name in names))
    if not flags.no_build:
        if not os.path.exists(os.path.join(build_dir, "build.ninja")):
            subprocess.run(["cmake", "--preset", "coverage", "-B", build_dir], cwd=ROOT, check=True)
        subprocess.run(["cmake", "--build", build_dir, "-j", str(flags.jobs), "--target",
                        *programs], check=True, stdout=subprocess.DEVNULL)
    builder = Builder(build_dir)
    builder.prepare(programs)
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(builder, scratch, flags.tests == "none")
        held = bench.without_tests or prove(bench)
        good = report(run_all(bench, chosen, flags), flags.seed)
    return 0 if held and good else 1


if __name__ == "__main__":
    sys.exit(main())
