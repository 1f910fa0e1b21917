"""Runs benchmark programs and keeps what they print, if they were content with it themselves."""

import datetime
import os
import shlex
import subprocess
import sys
import tempfile
import time

from report import results

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Failed(Exception):
    """A benchmark gave nothing to keep; the message says why."""


def say(text):
    print(f"benchmark-report: {text}", file=sys.stderr, flush=True)


def commit():
    """The commit that the tree is at, with + if files other than documents differ from it."""
    def git(*arguments):
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True,
                              check=False)
    head = git("rev-parse", "--short=12", "HEAD")
    if head.returncode != 0:
        return "unknown"
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs")
    return head.stdout.strip() + ("+" if changed.stdout else "")


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return os.uname().machine


def file_system(folder):
    """Its kind, on which the figures of synced writes depend most."""
    found = subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, text=True,
                           check=False)
    return found.stdout.strip() or "unknown file system"


def load_average():
    return [round(value, 2) for value in os.getloadavg()]


class Runner:
    def __init__(self, programs, scratch, folder, quick):
        self.programs, self.scratch, self.folder = programs, scratch, folder
        self.quick, self.commit = quick, commit()

    def run(self, name, words):
        """Runs one benchmark and keeps its result, or raises Failed and keeps nothing."""
        os.makedirs(self.scratch, exist_ok=True)
        header = self.describe(name, words)
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(dir=self.scratch, prefix=f"{name}-") as databases:
            text = self.output(words, databases)
        header["seconds"] = round(time.monotonic() - begin, 1)
        header["load_average_after"] = load_average()
        try:
            rows = results.parse_rows(text)
        except results.Unusable as reason:
            raise Failed(f"{shlex.join(words)}: {reason}") from reason
        for row in rows:
            if row["benchmark"] == "machine":
                header.update({key: row[key] for key in ("compiler", "build") if key in row})
        results.keep(self.folder, header, text)

    def output(self, words, databases):
        """What the program prints, if it exits with 0; its table goes to stderr."""
        places = {"DIR": databases, "PROGRAMS": self.programs}
        command = [places[head] + slash + tail if head in places else word
                   for word in words for head, slash, tail in [word.partition("/")]]
        if "/" in words[0]:  # a script of ours
            command = [sys.executable, os.path.join(ROOT, command[0]), *command[1:]]
        else:
            command[0] = os.path.join(self.programs, command[0])
        try:
            done = subprocess.run([*command, "--json", "-"], stdout=subprocess.PIPE, text=True,
                                  stdin=subprocess.DEVNULL, check=False, cwd=ROOT)
        except OSError as reason:
            raise Failed(f"{words[0]}: {reason.strerror}") from reason
        if done.returncode != 0:
            raise Failed(f"{shlex.join(words)} exited with {done.returncode}")
        return done.stdout

    def describe(self, name, words):
        """The first line of the result; what only the end of the run can say is added then."""
        header = {"report": results.VERSION, "name": name, "command": shlex.join(words),
                  "commit": self.commit, "quick": self.quick,
                  "date": datetime.datetime.now(datetime.timezone.utc).strftime("%FT%TZ"),
                  "processor": processor(), "cores": os.cpu_count(),
                  "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
                  "kernel": f"{os.uname().sysname} {os.uname().release}"}
        if "DIR" in words:
            header["file_system"] = file_system(self.scratch)
        header["load_average_before"] = load_average()
        return header


def run_all(runner, commands):
    """{name: words} in turn. True if all were kept."""
    failed = []
    for number, (name, words) in enumerate(commands.items(), 1):
        say(f"{number} of {len(commands)}: {name}: {shlex.join(words)}")
        try:
            runner.run(name, words)
        except Failed as reason:
            failed.append(name)
            say(f"FAILED: {reason}; nothing of it is kept")
    if failed:
        say(f"{len(failed)} of {len(commands)} failed: {', '.join(failed)}")
    return not failed
