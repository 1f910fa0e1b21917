#!/usr/bin/env python3
"""Manual pages and the reference that the program writes about itself."""

import glob
import os
import re
import shutil
import subprocess
import unittest

from cli_fixture import ROOT, CliTest, main

REFERENCE = "docs/reference/cli.md"
# A page is the same whenever it is made, so it has no date.
NO_DATE = re.compile(r'WARNING: missing date, using ""')


class ManualTest(CliTest):
    def pages(self):
        os.mkdir(os.path.join(self.folder, "man"))
        result = self.run_tsdb("generate-man", "man")
        self.assertEqual((result.code, result.out, result.err), (0, "", ""))
        return sorted(glob.glob(os.path.join(self.folder, "man", "*.1")))

    def messages_of(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "LC_ALL": "C.UTF-8"})
        lines = (done.stderr + done.stdout).splitlines()
        return [line for line in lines if line and not NO_DATE.search(line)]

    def check_pages(self, *command):
        if not shutil.which(command[0]):
            self.skipTest(f"{command[0]} is not installed")
        for page in self.pages():
            with self.subTest(os.path.basename(page)):
                self.assertEqual(self.messages_of(*command, page), [])

    def test_every_command_has_a_page_with_its_options_and_examples(self):
        names = [os.path.basename(page) for page in self.pages()]
        listed = self.run_tsdb("--help").out.split("Subcommands:\n")[1].split("\n\n")[0]
        commands = re.findall(r"(?m)^  (\S+)", listed)
        self.assertEqual(names, sorted(["tsdb.1"] + [f"tsdb-{each}.1" for each in commands]))
        for command in commands:
            with self.subTest(command):
                help_text = self.run_tsdb(command, "--help").out
                with open(os.path.join(self.folder, "man", f"tsdb-{command}.1"),
                          encoding="utf-8") as file:
                    page = file.read().replace("\\-", "-")
                options = set(re.findall(r"(?m)^  (?:-\w,)?(--[a-z-]+)", help_text))
                self.assertIn("--help", options)
                for option in options:
                    self.assertIn(f"\\fB{option}\\fR", page)
                for example in re.findall(r"(?m)^  (tsdb \S+ \S+)", help_text):
                    self.assertIn(example, page)

    def test_groff_has_nothing_to_say(self):
        self.check_pages("groff", "-man", "-ww", "-z", "-Tutf8")

    def test_mandoc_has_nothing_to_say(self):
        self.check_pages("mandoc", "-T", "lint", "-W", "warning")

    def test_a_folder_that_is_not_there_is_an_error(self):
        self.assert_fails(self.run_tsdb("generate-man", "none"), "none")

    def test_the_reference_is_what_the_program_prints(self):
        result = self.run_tsdb("generate-reference")
        self.assertEqual((result.code, result.err), (0, ""))
        with open(os.path.join(ROOT, REFERENCE), encoding="utf-8") as file:
            committed = file.read()
        if committed != result.out:
            self.maxDiff = 3000
            self.assertEqual(committed, result.out,
                             f"\nto update it: build/release/bin/tsdb generate-reference > "
                             f"{REFERENCE}")


if __name__ == "__main__":
    main()
