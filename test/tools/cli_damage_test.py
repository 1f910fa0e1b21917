#!/usr/bin/env python3
"""Runs the built program on database directories with a changed byte: what it says and saves.

    test/tools/cli_damage_test.py PROGRAM
"""

import glob
import itertools
import shutil

from cli_directory_test import SHIPPED_SAMPLES, DirectoryTest
from cli_fixture import PROM, SHORT, main

# Samples that a flipped byte may cost: a leaf; or the leaves of a group of 16 KiB, each of 8 bytes
# and a block of 32 at least.
LOST_MAX = {"none": 512, "lz4": 16384 // 40 * 512}


class DamageTest(DirectoryTest):
    def flip(self, offset):
        """Changes one bit of the longest segment; returns the file as the program names it."""
        names = glob.glob("db/segments/*.segment", root_dir=self.folder)
        name = max(names, key=lambda name: len(self.read(name)))
        content = bytearray(self.read(name))
        content[offset] ^= 1
        self.write(name, bytes(content))
        return name

    def for_each_compression(self):
        """Gives the compressions, each with a database of the shipped file made with it."""
        for compression in LOST_MAX:
            self.import_shipped(compression)
            shutil.rmtree(self.path("new"), ignore_errors=True)
            yield compression

    def test_one_flipped_byte_is_found_with_file_and_offset(self):
        for compression in self.for_each_compression():
            name = self.flip(100000)
            result, report = self.verify()
            self.assertEqual(result.code, 3)
            self.assertRegex(result.err, name + r".*offset \d+")
            self.assertIs(report["verdict"]["intact"], False)
            self.assertIn(name, report["damage"]["1"])
            lost = SHIPPED_SAMPLES - report["content"]["samples_read"]
            self.assertIn(lost, range(1, LOST_MAX[compression] + 1))
            query = self.query("node_load1")
            self.assertEqual((query.code, query.out.count("\n")), (0, 1453))
            self.assertIn(name, query.err)
            self.assertIn("'db' is damaged, so the result may be incomplete", query.err)

    def test_a_flip_of_any_byte_is_found(self):
        self.import_text(PROM)
        size = len(self.read(self.flip(0)))
        self.flip(0)
        self.assert_intact(4)
        for offset in range(0, size, 21 if SHORT else 7):
            with self.subTest(offset):
                name = self.flip(offset)
                result = self.run_tsdb("verify", "--db", "db")
                self.assertEqual(result.code, 3)
                self.assertRegex(result.err, name + r".*offset \d+")
                self.flip(offset)
        self.assert_intact(4)

    def test_a_damaged_database_takes_no_import_and_can_be_exported(self):
        for compression in self.for_each_compression():
            name = self.flip(100000)
            before = self.read(name)
            result = self.run_tsdb("import", "--db", "db", self.write("a.prom", PROM))
            self.assert_fails(result, "so nothing was imported; copy the directory if it matters")
            self.assertIn("tsdb repair --db db", result.err)
            self.assertEqual(self.read(name), before)
            exported = self.run_tsdb("export", "--db", "db", "--format", "jsonl",
                                     "-o", "left.jsonl")
            self.assertEqual(exported.code, 1)
            self.assertIn("may be incomplete", exported.err)
            report, _ = self.import_files("left.jsonl", db="new")
            lost = SHIPPED_SAMPLES - report["database"]["samples"]
            self.assertIn(lost, range(1, LOST_MAX[compression] + 1))
            self.assert_intact(report["database"]["samples"], db="new")

    def test_repair_keeps_all_but_what_is_damaged(self):
        # A leaf, or a group; the header: the file is set aside.
        pairs = zip if SHORT else itertools.product
        for offset, compression in pairs((100000, 0), LOST_MAX):
            with self.subTest((offset, compression)):
                self.import_shipped(compression)
                before = self.samples()
                name = self.flip(offset)
                self.assertEqual(self.verify()[0].code, 3)
                report, messages = self.run_ok("repair", "--db", "db")
                self.assertIn(name, messages)
                self.assertIn(name, report["damage"]["1"])
                self.assertEqual(len(report["kept_files"]), int(offset == 0))
                lost = SHIPPED_SAMPLES - report["content"]["samples_read"]
                self.assertIn(lost, range(1, LOST_MAX[compression] + 1) if offset > 0 else [0])
                # A line is a series, of which a leaf is gone.
                if compression == "none":
                    self.assertLessEqual(len(before - self.samples()), int(offset > 0))
                self.assert_intact(report["content"]["samples_read"])


if __name__ == "__main__":
    main()
