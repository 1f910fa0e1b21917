#!/usr/bin/env python3
"""tools/compare-commits finds planted slow-downs in made-up noise, and claims none where is none.

Noise is 3 % a run, in phases that slow both builds of a round. Seeds are fixed.
"""

import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "benchmark"))
sys.dont_write_bytecode = True

import paired_rounds  # noqa: E402  (found by the path above)

RATE = "records_per_second"
# A benchmark that needs no time: its figure is the speed in a file beside it, up to 1 % off by how
# often it was run.
PROGRAM = """#!/bin/sh
[ "$*" = "--writers 2 --json -" ] || exit 2
cd "${0%/*}" && echo >> runs
awk -v runs="$(wc -l < runs)" '{
  rate = 1e8 * $1 * (1 + ((runs * 7919) % 21 - 10) / 1000)
  print "{\\"benchmark\\": \\"machine\\", \\"input_digest\\": \\"abc\\"}"
  printf "{\\"benchmark\\": \\"ingest\\", \\"records_per_second_min\\": 1, "
  print "\\"records_per_second_max\\": " rate "}"
}' speed
"""
CMAKE = """#!/bin/sh
if [ "$1" = --build ]; then
  mkdir -p "$2/bin"
  cp "$2/../../ingest_benchmark" "$2/../../speed" "$2/bin"
fi
"""


def noisy_rounds(seed, rounds, speed):
    """(rate of A, rate of B) of each round; B does `speed` times what A does."""
    draw = random.Random(seed)
    phase, pairs = 1.0, []
    for _ in range(rounds):
        if draw.random() < 0.3:
            phase = draw.uniform(0.6, 0.9) if phase == 1 else 1.0
        a, b = (phase * math.exp(draw.gauss(0, 0.03)) for _ in range(2))
        pairs.append((1e8 * a, 1e8 * b * speed))
    return pairs


def share(seeds, rounds, speed, holds):
    compared = [paired_rounds.Comparison(RATE, noisy_rounds(seed, rounds, speed))
                for seed in range(seeds)]
    return sum(map(holds, compared)) / seeds


def differs(comparison):
    return not comparison.low <= 1 <= comparison.high


class Statistics(unittest.TestCase):
    def test_a_tenth_slower_is_found(self):
        found = paired_rounds.Comparison(RATE, noisy_rounds(1, 16, 0.9))
        self.assertRegex(found.verdict(), r"^\d+\.\d % slower$")
        self.assertAlmostEqual(found.ratio, 0.9, delta=0.03)
        self.assertGreater(share(100, 12, 0.9, differs), 0.98)
        self.assertGreater(share(100, 24, 0.9, lambda of: of.beyond(0.05)), 0.85)
        self.assertGreater(share(100, 12, 0.85, lambda of: of.beyond(0.05)), 0.98)

    def test_nothing_is_claimed_where_nothing_is(self):
        none = paired_rounds.Comparison(RATE, noisy_rounds(1, 16, 1.0))
        self.assertRegex(none.verdict(), r"^no difference seen \(±\d+\.\d %\)$")
        for rounds in (8, 12, 16):
            self.assertLess(share(100, rounds, 1.0, differs), 0.03)
            self.assertEqual(share(100, rounds, 1.0, lambda of: of.beyond(0.05)), 0)

    def test_faster_is_no_slow_down(self):
        faster = paired_rounds.Comparison(RATE, noisy_rounds(1, 16, 1.2))
        self.assertRegex(faster.verdict(), r"^\d+\.\d % faster$")
        self.assertFalse(faster.beyond(0.05))

    def test_less_time_and_smaller_is_better(self):
        pairs = noisy_rounds(1, 16, 1.2)
        for figure, verdict in (("reopen_seconds", "slower"), ("ns", "slower"),
                                ("log_bytes_per_record", "larger")):
            of = paired_rounds.Comparison(figure, pairs)
            self.assertTrue(of.beyond(0.05))
            self.assertTrue(of.verdict().endswith(verdict), of.verdict())
            self.assertEqual(of.best_a, min(a for a, _ in pairs))

    def test_one_disturbed_round_changes_nothing(self):
        pairs = noisy_rounds(1, 16, 1.0)
        pairs[3] = (pairs[3][0], pairs[3][1] / 10)
        self.assertFalse(differs(paired_rounds.Comparison(RATE, pairs)))

    def test_the_interval_is_that_of_the_sign_test(self):
        # From tables: n = 8 leaves none out at 99 %, 12 one at each end, 20 three.
        for count, left_out in ((8, 0), (11, 0), (12, 1), (20, 3)):
            self.assertEqual(paired_rounds.median_interval(list(range(count))),
                             (left_out, count - 1 - left_out))
        with self.assertRaises(ValueError):
            paired_rounds.median_interval([1.0] * 7)

    def test_equal_figures_are_the_same(self):
        of = paired_rounds.Comparison("bytes_per_record_all", [(1.5, 1.5)] * 8)
        self.assertEqual(of.verdict(), "the same")


class Output(unittest.TestCase):
    @staticmethod
    def text(*rows):
        return "\n".join(json.dumps(row) for row in rows)

    def test_figures_are_the_best_of_what_has_a_spread(self):
        digest, figures = paired_rounds.read_output(self.text(
            {"benchmark": "machine", "input_digest": "abc"},
            {"benchmark": "recovery", "mode": "log", "writers": 2, "records": 9,
             "reopen_seconds": 1, "reopen_seconds_min": 1, "reopen_seconds_max": 3,
             "log_bytes_per_record": 1.5,
             "wall_seconds": 7, "rate_per_second_min": 4, "rate_per_second_max": 5,
             "append": {"p50_ns": 1, "p99_ns": 6}}))
        self.assertEqual(digest, "abc")
        row = "recovery, log, writers 2"
        self.assertEqual(figures, {(row, "reopen_seconds"): 1, (row, "log_bytes_per_record"): 1.5,
                                   (row, "rate_per_second"): 5, (row, "append p99_ns"): 6})

    def test_rows_must_differ_and_have_figures(self):
        row = {"benchmark": "ingest", "x_min": 1, "x_max": 2}
        for rows in ([row, row], [{"benchmark": "ingest"}]):
            with self.assertRaises(paired_rounds.Unusable):
                paired_rounds.read_output(self.text(*rows))


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def build(self, name, speed, program=PROGRAM):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        for file, text in (("ingest_benchmark", program), ("speed", f"{speed}\n")):
            with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
                out.write(text)
        os.chmod(os.path.join(folder, "ingest_benchmark"), 0o755)
        return folder

    def compare(self, *arguments, root=ROOT, **options):
        return subprocess.run([sys.executable, os.path.join(root, "tools/compare-commits"),
                               "--rounds", "8", "--benchmark", "ingest_benchmark --writers 2",
                               *arguments], capture_output=True, text=True, **options)

    def test_slower_fails(self):
        values = os.path.join(self.folder, "values.json")
        a, b = self.build("a", 1), self.build("b", 0.8)
        result = self.compare(a, b, "--json", values)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stdout, r"% slower  <-- beyond the tolerance\n")
        with open(values, encoding="utf-8") as file:
            self.assertEqual(len(json.load(file)["figures"][0]["pairs"]), 8)
        self.assertEqual(self.compare(a, b, "--tolerance", "40").returncode, 0)

    def test_the_same_twice_shows_the_noise(self):
        a = self.build("a", 1)
        result = self.compare(a, a)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertRegex(result.stdout, r"no difference seen")
        self.assertRegex(result.stdout, r"differences of up to \d\.\d % are the machine's")

    def test_what_fails_is_not_compared(self):
        a = self.build("a", 1)
        failing = self.build("b", 1, "#!/bin/sh\necho 'no such flag' >&2\nexit 2\n")
        other = self.build("c", 1, PROGRAM.replace("abc", "xyz"))
        for b, reason in ((failing, "no such flag"), (other, "different input"),
                          ("no-such-commit", "rev-parse")):
            result = self.compare(a, b)
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertIn(reason, result.stderr)

    def repository(self, *speeds):
        """A repository with a commit for each speed; its `cmake` builds by copying."""
        root = os.path.join(self.folder, "repository")
        for path in ("tools/compare-commits", "benchmark/paired_rounds.py"):
            os.makedirs(os.path.dirname(os.path.join(root, path)))
            shutil.copy(os.path.join(ROOT, path), os.path.join(root, path))
        for path, text in (("ingest_benchmark", PROGRAM), (".gitignore", "/build/\n"),
                           ("bin/cmake", CMAKE)):
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(os.path.join(root, path), 0o755)
        git = ["git", "-C", root, "-c", "user.name=test", "-c", "user.email=test@test.invalid"]
        subprocess.run(git + ["init", "-q"], check=True)
        for speed in speeds:
            with open(os.path.join(root, "speed"), "w", encoding="utf-8") as file:
                file.write(f"{speed}\n")
            subprocess.run(git + ["add", "-A"], check=True)
            subprocess.run(git + ["commit", "-q", "-m", f"speed {speed}"], check=True)
        return root

    def test_commits_are_built_in_worktrees(self):
        root = self.repository(1, 0.8)
        env = dict(os.environ, PATH=os.path.join(root, "bin") + ":" + os.environ["PATH"])
        result = self.compare("HEAD~1", "HEAD", root=root, env=env)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stdout, r"^A: \w+ speed 1\nB: \w+ speed 0.8\n8 rounds\n")
        self.assertEqual(self.compare("HEAD~1", "HEAD~1", root=root, env=env).returncode, 0)

        worktrees = os.path.join(root, "build/compare")
        self.assertEqual(len(os.listdir(worktrees)), 2)
        for folder in os.listdir(worktrees):
            with open(os.path.join(worktrees, folder, "speed"), "a", encoding="utf-8") as file:
                file.write(" ")
        result = self.compare("HEAD", "HEAD", root=root, env=env)
        self.assertEqual(result.returncode, 2)
        self.assertIn("were changed", result.stderr)


if __name__ == "__main__":
    unittest.main()
