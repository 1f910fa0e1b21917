#!/usr/bin/env python3
"""Checks that every fault that docs/reliability.md lists as mended has a test that still exists.

    named_cases.py --build BUILD [--plant]

The section "Found and mended" there has a table whose last column names tests, in backticks, as
CTest knows them in the folder BUILD, or files of test/fuzz/corpus. --plant adds a case that does
not exist, and succeeds only if it is missed. Prints a line for the scorecard; exits 1 and names
what is missing if something is.
"""

import argparse
import json
import os
import re
import subprocess
import sys

HEADING = "## Found and mended"


def listed_cases(text):
    """(fault, names of its cases) of each row of the table."""
    section = text[text.index(HEADING) + len(HEADING):]
    section = section.split("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("|") and len(cells) == 3 and "`" in cells[2]:
            yield cells[0], re.findall(r"`([^`]+)`", cells[2])


def known_tests(build):
    listing = subprocess.run(["ctest", "--test-dir", build, "-N"], capture_output=True, text=True,
                             check=True).stdout
    return set(re.findall(r"Test\s+#\d+: (.*)", listing))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--plant", action="store_true")
    flags = parser.parse_args()
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    with open(os.path.join(root, "docs/reliability.md"), encoding="utf-8") as file:
        faults = list(listed_cases(file.read()))
    if flags.plant:
        faults.append(("a planted fault", ["a case that nobody wrote"]))
    tests = known_tests(flags.build)
    missing = []
    for fault, cases in faults:
        missing += [(fault, case) for case in cases
                    if case not in tests and not os.path.exists(os.path.join(root, case))]
        missing += [(fault, "any")] if not cases else []
    if flags.plant:
        caught = len(missing) == 1
        print("scorecard " + json.dumps({"row": 18, "planted": "a case that does not exist",
                                         "caught": caught}))
        return 0 if caught else 1
    for fault, case in missing:
        print(f"docs/reliability.md: '{fault}' names a case that does not exist: {case}")
    print("scorecard " + json.dumps({
        "row": 18, "met": not missing and len(faults) > 0,
        "reached": f"{len(faults)} faults mended, {len(missing)} of their cases missing"}))
    return 1 if missing or not faults else 0


if __name__ == "__main__":
    sys.exit(main())
