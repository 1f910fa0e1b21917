"""Counting locks and atomic operations, and the law that rates are fitted with.

    scaling_test.py [--preload FILE --program FILE]

The library is lock_times.cc, the program locking_program.cc; without them only what is Python is
tested.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "benchmark/scaling"))
sys.dont_write_bytecode = True

import law  # noqa: E402  (found by the path above)
import measure  # noqa: E402
import shared_writes  # noqa: E402

FLAGS = argparse.Namespace(preloaded=None, program=None)

CALLGRIND = """\
# callgrind format
positions: instr line
events: Ir

ob=(1) /lib/one.so
fl=(2) ???
fn=(3) first
0x1000 0 5
+4 0 7
* 3 1
cob=(4) /lib/two.so
cfn=(5) second
calls=2 0x2000 0
-4 0 900
0x1008 +2 11

ob=(4)
fn=(5)
0x2000 0 13
ob=(1)
fn=(3)
0x1004 0 100
"""

LISTING = """\
    1000:\tmov    %rax,%rbx
    1004:\tlock cmpxchg %edx,(%rdi)
    1008:\txchg   %ax,%ax
    100c:\txchg   %eax,(%rdi)
    1010:\tlock decl (%rdi)
    1014:\txchg   %edx,0x8(%rsi,%rax,4)
    block of text
"""


class LawTest(unittest.TestCase):
    def test_its_own_rates_give_it_back(self):
        made = law.Law(50e6, 0.04, 0.0007)
        found = law.fit([(n, made.at(n)) for n in (1, 2, 4, 8, 16, 32)])
        for own, other in zip(made, found):
            self.assertAlmostEqual(own / other, 1, places=9)

    def test_more_than_linear_is_not_taken_for_negative_contention(self):
        found = law.fit([(1, 100.0), (2, 220.0), (4, 500.0)])
        self.assertEqual((found.contention, found.coherence), (0, 0))

    def test_rates_that_fall_have_coherence(self):
        found = law.fit([(1, 100.0), (2, 180.0), (4, 210.0), (8, 150.0), (16, 80.0)])
        self.assertGreater(found.coherence, 0)
        self.assertLess(found.at(64), found.at(4))

    def test_the_scarcest_thing_bounds(self):
        self.assertAlmostEqual(law.bound(1, 10, 0.5, 100, 1), 100e6)  # nobody else has the lines
        self.assertAlmostEqual(law.bound(4, 10, 0, 100, 1), 400e6)    # the cores
        self.assertAlmostEqual(law.bound(4, 10, 0.1, 100, 1), 200e6)  # and the lines
        self.assertAlmostEqual(law.bound(64, 10, 0, 100, 1), 1e9)     # the lock


class CountTest(unittest.TestCase):
    def test_counts_are_added_up_by_object_and_address(self):
        with tempfile.NamedTemporaryFile("w", suffix=".out") as file:
            file.write(CALLGRIND)
            file.flush()
            counts = shared_writes.read_counts(file.name)
        self.assertEqual({name: dict(each) for name, each in counts.items()}, {
            "/lib/one.so": {0x1000: 5, 0x1004: 7 + 1 + 100, 0x1008: 11},
            "/lib/two.so": {0x2000: 13}})

    def test_what_is_atomic(self):
        found = [shared_writes.ATOMIC.match(line) for line in LISTING.splitlines()]
        self.assertEqual([match.group(1) for match in found if match],
                         ["1004", "100c", "1010", "1014"])

    def test_functions_are_named_as_people_would(self):
        for full, name in (
                ("tsdb::SlabPool::Allocate(unsigned long)", "SlabPool::Allocate"),
                ("void tsdb::(anonymous namespace)::Run<std::vector<char> >(int) const", "Run"),
                ("main", "main")):
            self.assertEqual(measure.short(full), name)
        self.assertEqual(measure.taker(["pthread_mutex_trylock", "tsdb::Mutex::Lock()",
                                        "tsdb::MutexLock::MutexLock(tsdb::Mutex*)",
                                        "tsdb::SlabPool::Free(void*, unsigned long)"]),
                         "SlabPool::Free")


class LockTimesTest(unittest.TestCase):
    def setUp(self):
        if FLAGS.preloaded is None:
            self.skipTest("--preload is not given")

    def test_locks_are_counted_where_they_are_taken(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "locks")
            subprocess.run([FLAGS.program, "1234", "20"], check=True,
                           env={**os.environ, "LD_PRELOAD": FLAGS.preloaded, "LOCK_TIMES": path})
            with open(path, encoding="utf-8") as file:
                places = [json.loads(line) for line in file]
        own = [place for place in places if place["object"].endswith("locking_program")]
        names = shared_writes.functions_of(FLAGS.program,
                                           [place["address"] - 1 for place in own])
        def total(function, figure):  # compilers may have it in several places
            return sum(place[figure] for place in own
                       if any(function in measure.short(name)
                              for name in names[place["address"] - 1]))
        self.assertEqual(total("TakeOften", "locks"), 1234)
        self.assertEqual(total("TakeOften", "busy"), 0)
        self.assertEqual(total("TakeLong", "locks"), 1)
        self.assertGreaterEqual(total("TakeLong", "held_ns"), 19e6)
        self.assertEqual(total("TakeLong", "held_ns"), total("TakeLong", "held_max_ns"))
        self.assertEqual(total("TwoMeet", "busy"), 0)
        self.assertEqual(total("FindItTaken", "locks"), 1)
        self.assertEqual(total("FindItTaken", "busy"), 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--preload", dest="preloaded", type=os.path.abspath)
    parser.add_argument("--program", type=os.path.abspath)
    FLAGS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
