#!/usr/bin/env python3
"""The scripts in tools/ and .ci/, run in a copy with stand-ins for the programs they call."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test"))
sys.dont_write_bytecode = True

import scorecard  # noqa: E402  (found by the path above)

SCRIPTS = ("tools/install-dependencies", "tools/check", "tools/demo", ".ci/run")
RECORD = 'echo "$(basename "$0") $*" >> "$CALLS"\n'
CTEST = RECORD + """case "$*" in
  *"$FAIL"*)
    echo '      Start  1: a'
    echo '1/3 Test  #1: a ...........***Failed    0.01 sec'
    for i in $(seq 30); do echo "a says $i"; done
    echo '      Start  2: b'
    echo '2/3 Test  #2: b ...........   Passed    0.01 sec'
    echo '3/3 Test  #3: c ...........***Skipped   0.01 sec'
    echo 'c says why'
    echo
    echo '50% tests passed, 1 tests failed out of 2'
    exit 8;;
esac
echo '100% tests passed, 0 tests failed out of 2'
echo
echo 'Total Test time (real) =   0.01 sec'
"""


class ScriptsTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        for script in SCRIPTS:
            os.makedirs(os.path.dirname(self.path(script)), exist_ok=True)
            shutil.copy(os.path.join(ROOT, script), self.path(script))
        os.mkdir(self.path("bin"))
        self.packages = self.listed_packages()
        self.stand_in("id", "echo 1000\n")
        self.stand_in("sudo", RECORD + 'exec "$@"\n')
        self.stand_in("apt-get", RECORD)
        self.stand_in("cmake", RECORD + 'case "$*" in *"$FAIL"*) exit 1;; esac\n')
        self.stand_in("ctest", CTEST)
        self.install(self.packages)

    def path(self, name):
        return os.path.join(self.root, name)

    def stand_in(self, name, body, folder="bin"):
        os.makedirs(self.path(folder), exist_ok=True)
        path = self.path(f"{folder}/{name}")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/usr/bin/env bash\n" + body)
        os.chmod(path, stat.S_IRWXU)

    def install(self, packages):
        lines = "".join(f"installed {package}:amd64\\n" for package in packages)
        self.stand_in("dpkg-query", f"printf '{lines}config-files ghost\\n'\n")

    def listed_packages(self):
        with open(os.path.join(ROOT, "tools/install-dependencies"), encoding="utf-8") as file:
            block = file.read().split("packages=(")[1].split("\n)")[0]
        return [word for line in block.split("\n") if "#" not in line for word in line.split()]

    def run_script(self, script, *arguments, fail="nothing fails"):
        environment = {**os.environ, "PATH": self.path("bin") + ":" + os.environ["PATH"],
                       "CALLS": self.path("calls"), "FAIL": fail}
        result = subprocess.run([self.path(script), *arguments], cwd="/", env=environment,
                                stdin=subprocess.DEVNULL, capture_output=True, text=True)
        try:
            with open(self.path("calls"), encoding="utf-8") as file:
                calls = file.read().splitlines()
            os.remove(self.path("calls"))
        except FileNotFoundError:
            calls = []
        return result, calls

    def test_install_does_nothing_when_all_is_there(self):
        result, calls = self.run_script("tools/install-dependencies")
        self.assertEqual((result.returncode, calls), (0, []))

    def test_install_takes_only_what_is_missing_and_asks_for_root(self):
        self.install([p for p in self.packages if p not in ("catch2", "g++")])
        result, calls = self.run_script("tools/install-dependencies")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([c for c in calls if c.startswith("apt-get")],
                         ["apt-get update -q",
                          "apt-get install -y -q --no-install-recommends g++ catch2"])
        self.assertEqual(sum(c.startswith("sudo") for c in calls), 2)

    def test_install_takes_peers_and_what_draws_only_when_asked_to(self):
        result, calls = self.run_script("tools/install-dependencies", "--peers")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([c for c in calls if c.startswith("apt-get install")],
                         ["apt-get install -y -q --no-install-recommends librocksdb-dev "
                          "liblmdb-dev libsqlite3-dev"])
        result, calls = self.run_script("tools/install-dependencies", "--report", "--peers")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([c for c in calls if c.startswith("apt-get install")],
                         ["apt-get install -y -q --no-install-recommends gnuplot-nox "
                          "libmimalloc2.0 linux-perf valgrind librocksdb-dev liblmdb-dev "
                          "libsqlite3-dev"])
        result, calls = self.run_script("tools/install-dependencies", "--report", "--everything")
        self.assertEqual((result.returncode, calls), (2, []))
        self.assertIn("usage:", result.stderr)

    def test_check_runs_every_stage_and_ends_with_the_tests_closing_lines(self):
        result, calls = self.run_script("tools/check")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual([c for c in calls if c.startswith("ctest")],
                         ["ctest --preset release", "ctest --preset asan", "ctest --preset tsan"])
        self.assertEqual(result.stdout.splitlines()[-3:],
                         ["100% tests passed, 0 tests failed out of 2", "",
                          "Total Test time (real) =   0.01 sec"])

    def test_check_quick_is_the_release_only(self):
        result, calls = self.run_script("tools/check", "--quick")
        self.assertEqual(result.returncode, 0)
        self.assertEqual([c for c in calls if c.startswith("ctest")], ["ctest --preset release"])

    def test_check_long_runs_the_harnesses_and_ends_with_their_table(self):
        table = "echo ' 1  reached  a figure'; echo '1 of 1 rows reached'"
        self.stand_in("python3", RECORD + table + "\n")
        result, calls = self.run_script("tools/check", "--long")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(sum(c.startswith("ctest") for c in calls), 3)
        self.assertEqual(calls[-1], "python3 test/scorecard.py")
        self.assertEqual(result.stdout.count("1 of 1 rows reached"), 2)
        self.stand_in("python3", RECORD + table + "\nexit 1\n")
        result, _ = self.run_script("tools/check", "--long")
        self.assertEqual(result.returncode, 1)

    def test_a_row_is_reached_only_if_all_of_it_was(self):
        def entry(results, code=0, why=""):
            return {"row": 6, "results": results, "code": code, "why": why, "seconds": 1,
                    "commit": "c", "command": "harness"}
        reached = {"row": 6, "reached": "all", "met": True}
        caught = {"row": 6, "planted": "a fault", "caught": True}
        fine = [entry([reached]), entry([caught])]
        self.assertTrue(scorecard.is_met(6, fine, [reached]))
        for wrong in (entry([{**caught, "caught": False}]), entry([], 1), entry([], 0, "skipped")):
            self.assertFalse(scorecard.is_met(6, fine + [wrong], [reached]))
        self.assertFalse(scorecard.is_met(6, [entry([caught])], []))
        self.assertFalse(scorecard.is_met(6, fine, [{**reached, "met": False}]))

    def test_every_row_of_the_scorecard_has_a_harness(self):
        rows = {step.row for step in scorecard.steps()} | {10}
        self.assertEqual(rows, set(scorecard.FIGURES))

    def test_check_fails_when_any_stage_fails_and_still_runs_the_others(self):
        for fail, stage in (("--preset release", "release"), ("--build --preset asan", "asan"),
                            ("--preset tsan", "tsan")):
            with self.subTest(stage):
                result, calls = self.run_script("tools/check", fail=fail)
                self.assertEqual(result.returncode, 1)
                self.assertIn("cmake --preset tsan", calls)
                for line in result.stdout.splitlines():
                    if line.startswith(("release ", "asan ", "tsan ")):
                        self.assertEqual("FAILED" in line, line.startswith(stage + " "), line)

    def test_check_ends_with_what_failed_tests_said_last(self):
        self.stand_in("ctest", CTEST.replace("$FAIL", "asan"))
        result, _ = self.run_script("tools/check")
        printed = result.stdout.splitlines()
        end = printed[printed.index("== tsan") + 1:]
        test = next(i for i, line in enumerate(end) if line.startswith("1/3 Test"))
        self.assertEqual(end[test + 1:test + 21], [f"a says {i}" for i in range(11, 31)])
        self.assertTrue(end[test + 21].startswith("release "), end)
        self.assertNotIn("c says why", end)

    def test_check_refuses_what_it_does_not_know(self):
        result, calls = self.run_script("tools/check", "--thorough")
        self.assertEqual((result.returncode, calls), (2, []))
        self.assertIn("usage:", result.stderr)

    def test_ci_runs_the_check_from_any_folder(self):
        result, calls = self.run_script(".ci/run")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(sum(c.startswith("ctest") for c in calls), 3)

    def test_demo_builds_and_runs_the_program(self):
        self.stand_in("tsdb", RECORD, folder="build/release/bin")
        result, calls = self.run_script("tools/demo")
        self.assertEqual(result.returncode, 0, result.stderr)
        shown = [c for c in calls if c.startswith("tsdb ")]
        self.assertTrue(shown[0].startswith("tsdb import --db build/demo-db test/data/"))
        for command in ("stats", "query", "verify"):
            self.assertTrue(any(c.startswith(f"tsdb {command} --db build/demo-db")
                                for c in shown[1:]), command)

    def test_demo_shows_the_build_when_it_fails(self):
        result, _ = self.run_script("tools/demo", fail="--build")
        self.assertEqual(result.returncode, 1)


if __name__ == "__main__":
    unittest.main()
