#!/usr/bin/env python3
"""Holds that the tutorial's commands print what it shows, and that its pictures are the program's.

    tutorial_test.py PROGRAM            runs every command of docs/tutorial.md, in order, in one
                                        temporary folder, and compares
    tutorial_test.py PROGRAM --write    writes what they print into the document instead

A block fenced as console has commands, on lines that begin with "$ ", each followed by what it
prints on both streams. "..." alone on a line stands for any number of lines. Times of a run, and
what depends on them, are not compared.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

from cli_fixture import ROOT

TUTORIAL = os.path.join(ROOT, "docs/tutorial.md")
PICTURES = os.path.join(ROOT, "docs/pictures")
# What differs from run to run: times, and sizes and counts that depend on them.
VARYING = "seconds|samples per second|(?:log |checkpoint )?bytes(?: written)?|files(?: linked)?"
TIMES = ((re.compile(r"\(\d+\.\d+ s\)"), "(T s)"),
         (re.compile(rf"^(  (?:{VARYING}|log batches)) +\S.*$", re.MULTILINE), r"\1 T"),
         # A report's columns are as wide as its widest number.
         (re.compile(r"^(  [a-z][a-z ]*?\S) {2,}(\S+(?: \S+)?)$", re.MULTILINE), r"\1  \2"))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def steps_of(block):
    """(command, expected output) of each command of a block."""
    steps = []
    for line in block.splitlines():
        if line.startswith("$ "):
            steps.append([line[2:], []])
        elif steps[-1][0].endswith("\\") and not steps[-1][1] and line.startswith("    "):
            steps[-1][0] += "\n" + line
        else:
            steps[-1][1].append(line)
    return [(command, "".join(line + "\n" for line in lines)) for command, lines in steps]


def matches(expected, printed):
    for pattern, replacement in TIMES:
        expected = pattern.sub(replacement, expected)
        printed = pattern.sub(replacement, printed)
    pattern = re.escape(expected).replace(r"\.\.\." + "\\\n", "(?:.*\n)*")
    return re.fullmatch(pattern, printed) is not None


class Session:
    """A folder in which commands run as the tutorial's reader types them."""

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory()
        # The tutorial is read at the root of the repository, and leaves its files there.
        os.symlink(os.path.join(ROOT, "test"), os.path.join(self.folder.name, "test"))
        path = os.path.dirname(os.path.abspath(program)) + ":" + os.environ["PATH"]
        self.environment = {**os.environ, "PATH": path, "COLUMNS": "100", "LC_ALL": "C.UTF-8",
                            "NO_COLOR": "1", "HOME": self.folder.name}

    def run(self, command):
        done = subprocess.run(["bash", "-c", command], cwd=self.folder.name, timeout=120,
                              env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.stdout.decode()


def blocks_of(text):
    return re.findall(r"(?ms)^```console\n(.*?)^```$", text)


class TutorialTest(unittest.TestCase):
    program = ""

    def test_every_command_prints_what_is_shown(self):
        session = Session(self.program)
        self.addCleanup(session.folder.cleanup)
        steps = [step for block in blocks_of(read(TUTORIAL)) for step in steps_of(block)]
        self.assertGreater(len(steps), 10)
        for command, expected in steps:
            printed = session.run(command)
            if not matches(expected, printed):
                self.maxDiff = 4000
                self.assertEqual(expected, printed, f"\n{command}\nto update: python3 "
                                 "test/tools/tutorial_test.py build/release/bin/tsdb --write")

    def test_pictures_are_what_the_program_draws(self):
        committed = sorted(glob.glob(os.path.join(PICTURES, "*.svg")))
        self.assertTrue(committed)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([os.path.join(PICTURES, "make"), self.program, folder], check=True,
                           capture_output=True)
            names = sorted(os.listdir(folder))
            self.assertEqual(names, [os.path.basename(path) for path in committed])
            for name in names:
                self.assertEqual(read(os.path.join(folder, name)),
                                 read(os.path.join(PICTURES, name)),
                                 f"\n{name} differs; to draw all anew: docs/pictures/make")

    def test_only_what_is_not_compared_matches_another_output(self):
        self.assertTrue(matches("a (0.10 s)\n  seconds  1.5\n", "a (0.97 s)\n  seconds   2\n"))
        self.assertTrue(matches("a\n...\nz\n", "a\nb\nc\nz\n"))
        self.assertTrue(matches("  seconds  1.5\n  count   2\n", "  seconds  1\n  count  2\n"))
        self.assertFalse(matches("a\n...\nz\n", "a\nb\n"))
        self.assertFalse(matches("  count  1\n", "  count  2\n"))
        self.assertFalse(matches("1 series (0.10 s)\n", "2 series (0.10 s)\n"))


def write(program):
    session = Session(program)

    def rewritten(match):
        lines = []
        for command, expected in steps_of(match.group(1)):
            printed = session.run(command)
            shown = expected if matches(expected, printed) else printed
            lines.append(f"$ {command}\n{shown}")
        return "```console\n" + "".join(lines) + "```"

    text = re.sub(r"(?ms)^```console\n(.*?)^```$", rewritten, read(TUTORIAL))
    session.folder.cleanup()
    with open(TUTORIAL, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    TutorialTest.program = os.path.abspath(sys.argv.pop(1))
    if sys.argv[1:] == ["--write"]:
        write(TutorialTest.program)
    else:
        unittest.main()
