#!/usr/bin/env python3
"""Scripts of `tsdb completion`: their syntax, and what they complete in shells that are there."""

import os
import re
import shutil
import subprocess
import unittest

from cli_fixture import JSONL, CliTest, main

# Completes a command line, whose words are the arguments, at its end. COMP_WORDS is as readline
# makes it: = stands alone.
BASH_DRIVER = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_tsdb
((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}"
"""


def commands_of(help_text):
    listed = help_text.split("Subcommands:\n")[1].split("\n\n")[0]
    return re.findall(r"(?m)^  (\S+)", listed)


class CompletionTest(CliTest):
    def script(self, shell):
        result = self.run_tsdb("completion", shell)
        self.assertEqual((result.code, result.err), (0, ""))
        return self.write(f"script.{shell}", result.out)

    def run_shell(self, *arguments):
        path = os.path.dirname(self.program) + ":" + os.environ["PATH"]
        environment = {**os.environ, "PATH": path, "HOME": self.folder, "NO_COLOR": ""}
        return subprocess.run(arguments, cwd=self.folder, env=environment, capture_output=True,
                              text=True, timeout=60, check=False)

    def bash(self, *words):
        if not os.path.exists(os.path.join(self.folder, "script.bash")):
            self.script("bash")
        done = self.run_shell("bash", "--norc", "-c", BASH_DRIVER, "bash", "script.bash", "tsdb",
                              *words)
        self.assertEqual(done.stderr, "")
        return done.stdout.split("\n")[:-1]

    def fish(self, line):
        done = self.run_shell("fish", "--no-config", "-c",
                              f"source script.fish; complete -C {line!r}")
        return [each.split("\t")[0] for each in done.stdout.splitlines()]

    def test_the_scripts_have_the_syntax_of_their_shells(self):
        for shell in ("bash", "zsh", "fish"):
            with self.subTest(shell):
                path = self.script(shell)
                if not shutil.which(shell):
                    self.skipTest(f"{shell} is not installed")
                checked = self.run_shell(shell, "-n", path)
                self.assertEqual((checked.returncode, checked.stderr), (0, ""))

    def test_another_shell_is_refused(self):
        result = self.run_tsdb("completion", "ksh")
        self.assertEqual((result.code, result.out), (2, ""))

    def test_all_commands_that_help_lists_are_completed(self):
        listed = commands_of(self.run_tsdb("--help").out)
        self.assertIn("import", listed)
        self.assertEqual(sorted(self.bash("")), sorted(listed))
        self.assertEqual([c for c in listed if c.startswith("generate")], [])

    def test_bash_completes_commands_and_options(self):
        self.assertEqual(self.bash("imp"), ["import"])
        self.assertEqual(self.bash("--v"), ["--version"])
        self.assertEqual(self.bash("query", "--clo"), ["--closed-ranges"])
        self.assertEqual(self.bash("nonsense", "--f"), [])

    def test_bash_completes_words_wherever_they_stand(self):
        self.assertEqual(self.bash("query", "--format", "ht"), ["html"])
        self.assertEqual(self.bash("query", "--format", "=", "ht"), ["html"])
        self.assertEqual(sorted(self.bash("query", "--format", "=")),
                         sorted(self.bash("query", "--format", "")))
        self.assertEqual(self.bash("query", "--limit", "3", "--color", "al"), ["always"])
        self.assertEqual(self.bash("completion", "z"), ["zsh"])
        self.assertEqual(self.bash("inspect", ""), ["wal", "manifest", "segment"])
        self.assertEqual(self.bash("inspect", "--blocks", "s"), ["segment"])
        self.assertEqual(self.bash("list", "--sort", "by"), ["bytes", "bytes_per_sample"])
        self.assertEqual(self.bash("list", "--format", "js"), ["json"])
        self.assertEqual(self.bash("query", "--limit", ""), [])

    def test_bash_completes_files_and_directories_where_they_stand(self):
        self.write("data.prom", "up 1\n")
        os.mkdir(os.path.join(self.folder, "data.db"))
        self.assertEqual(self.bash("query", "--db", "da"), ["data.db"])
        both = ["data.db", "data.prom"]
        self.assertEqual(sorted(self.bash("query", "--from", "da")), both)
        self.assertEqual(sorted(self.bash("query", "--from", "one", "two", "da")), both)
        self.assertEqual(sorted(self.bash("import", "--db", "x", "one", "da")), both)
        self.assertEqual(sorted(self.bash("query", "-o", "da")), both)
        self.assertEqual(sorted(self.bash("inspect", "wal", "da")), both)
        self.assertEqual(self.bash("info", "--db", "da"), ["data.db"])
        self.assertEqual(self.bash("backup", "--db", "x", "da"), ["data.db"])

    def test_bash_completes_what_is_stored(self):
        self.write("some.jsonl", JSONL)
        self.assertEqual(self.run_tsdb("import", "--db", "some.db", "some.jsonl").code, 0)
        self.assertEqual(self.bash("query", "--db", "some.db", "lo"), ["load"])
        self.assertEqual(self.bash("query", "--db", "=", "some.db", "lo"), ["load"])
        self.assertEqual(self.bash("values", "--db", "some.db", "jo"), ["job"])
        self.assertEqual(self.bash("query", "--db", "none.db", "lo"), [])
        self.assertFalse(os.path.exists(os.path.join(self.folder, "none.db")))

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish_completes(self):
        self.script("fish")
        self.write("some.jsonl", JSONL)
        self.assertEqual(self.run_tsdb("import", "--db", "some.db", "some.jsonl").code, 0)
        self.assertEqual(self.fish("tsdb imp"), ["import"])
        self.assertEqual(self.fish("tsdb query --clo"), ["--closed-ranges"])
        self.assertEqual(self.fish("tsdb query --format ht"), ["html"])
        self.assertEqual(self.fish("tsdb list --sort dea"), ["dead_share"])
        self.assertEqual(self.fish("tsdb query --db so"), ["some.db/"])
        self.assertEqual(self.fish("tsdb import some.j"), ["some.jsonl"])
        self.assertEqual(self.fish("tsdb query --db some.db lo"), ["load"])


if __name__ == "__main__":
    main()
