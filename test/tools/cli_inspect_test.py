#!/usr/bin/env python3
"""Runs the built program's commands that look into a database: info, list, inspect; and verify.

    test/tools/cli_inspect_test.py PROGRAM
"""

import csv
import glob
import io
import json
import os

from cli_directory_test import SHIPPED_SAMPLES, DirectoryTest
from cli_fixture import PROM, main


class InspectTest(DirectoryTest):
    def inspect(self, kind, name, *options, code=0):
        result = self.run_tsdb("inspect", kind, name, "--format", "json", *options)
        self.assertEqual(result.code, code, result.err)
        return json.loads(result.out)

    def names(self, pattern):
        return sorted(glob.glob(pattern, root_dir=self.folder))

    def largest_segment(self):
        return max(self.names("db/segments/*.segment"), key=lambda name: len(self.read(name)))

    def flip(self, name, offset):
        content = bytearray(self.read(name))
        content[offset] ^= 1
        self.write(name, bytes(content))


class InfoTest(InspectTest):
    def test_says_what_is_there(self):
        self.import_shipped()
        report, errors = self.run_ok("info", "--db", "db")
        self.assertEqual(errors, "")
        self.assertEqual(report["database"], {"directory": "db", "format": "tsdb 1"})
        self.assertEqual(report["writer"]["open_for_writing"], "no")
        self.assertEqual(report["data"]["samples"], SHIPPED_SAMPLES)
        self.assertEqual(report["data"]["series"], 1028)
        self.assertEqual(report["data"]["from"], "2026-11-21 02:53:25.073")
        self.assertEqual(report["data"]["to"], "2026-11-21 03:17:36.079")
        self.assertEqual(report["disk"]["segment_files"],
                         len(self.names("db/segments/*.segment")))
        total = sum(os.path.getsize(self.path(name)) for name in self.names("db/**")
                    + self.names("db/*/*") if os.path.isfile(self.path(name)))
        self.assertEqual(report["disk"]["file_bytes"], total)
        self.assertEqual(report["data"]["segment_bytes_per_sample"],
                         report["disk"]["segment_file_bytes"] / SHIPPED_SAMPLES)
        self.assertEqual(report["durability"]["log_ends"], "closed: all of it is durable")
        self.assertIs(report["recovery"]["intact"], True)
        self.assertIn("writer\n", self.run_tsdb("info", "--db", "db").out)

    def test_how_the_log_ends(self):
        self.import_text(PROM)
        name, = self.names("db/log/*.log")
        closing = self.inspect("wal", name)["batches"][-1]
        for length, expected in ((closing["offset"], "open: its writer did not close it"),
                                 (32, "empty: nothing is in it alone"), (None, "there is none")):
            if length is None:
                os.remove(self.path(name))
            else:
                os.truncate(self.path(name), length)
            report, _ = self.run_ok("info", "--db", "db")
            self.assertEqual(report["durability"]["log_ends"], expected)
            self.assertEqual(report["data"]["samples"], 4)  # which a checkpoint has

    def test_names_the_process_that_writes(self):
        process = self.start_import(self.write("a.prom", PROM))
        report, _ = self.run_ok("info", "--db", "db")
        self.assertEqual(report["writer"]["open_for_writing"], "yes")
        self.assertEqual(report["writer"]["pid"], process.pid)
        self.assertEqual(report["writer"]["process"], "tsdb")
        self.assertEqual(report["durability"]["log_ends"], "open: its writer is at work")
        result = self.run_tsdb("list", "--db", "db")
        self.assertEqual((result.code, result.out.count("\n")), (0, 1))
        self.assertIn("there are no segments in 'db'", result.err)
        process.kill()
        process.wait()
        report, _ = self.run_ok("info", "--db", "db")
        self.assertEqual(report["writer"]["open_for_writing"], "no")
        self.assertEqual(report["durability"]["log_ends"], "open: its writer did not close it")
        self.assertEqual(report["writer"]["last_pid"], process.pid)

    def test_damage_is_told(self):
        self.import_shipped()
        self.flip(self.largest_segment(), 100000)
        result = self.run_tsdb("info", "--db", "db", "--format", "json")
        self.assertEqual(result.code, 3)
        report = json.loads(result.out)
        self.assertIs(report["recovery"]["intact"], False)
        self.assertIn(self.largest_segment(), report["damage"]["1"])
        self.assertRegex(result.err, r"warning: .*offset \d+")
        self.assertIn("tsdb repair makes a whole database of it", result.err)

    def test_without_a_manifest_it_says_what_the_files_say(self):
        self.import_text(PROM)
        content = self.read("db/manifest")
        os.remove(self.path("db/manifest"))
        lost = "its manifest is missing, but there are segments; restore 'db/manifest'"
        result = self.run_tsdb("info", "--db", "db", "--format", "json")
        self.assertEqual(result.code, 3)
        self.assertIn(lost, result.err)
        self.assertEqual(result.err.count("error"), 1)
        self.assertEqual(json.loads(result.out)["database"]["format"], "tsdb 1")
        for command in ("list", "verify"):
            result = self.run_tsdb(command, "--db", "db")
            self.assertEqual((result.code, result.out), (3, ""))
            self.assertIn(lost, result.err)
        self.write("db/manifest", bytes(80) + content[80:])
        for command in ("info", "list", "verify"):
            result = self.run_tsdb(command, "--db", "db")
            self.assertEqual(result.code, 3)
            self.assertIn("offset 0: neither of its headers is whole", result.err)

    def test_what_cannot_be_looked_at(self):
        os.mkdir(self.path("empty"))
        self.write("file", "")
        os.mkdir(self.path("begun"))
        self.write("begun/FORMAT", "tsdb 1\n")
        self.write("begun/LOCK", "")
        for command in ("info", "list", "verify"):
            for name, message in (("none", "there is no such directory"),
                                  ("empty", "it has no file FORMAT"), ("file", "it is a file"),
                                  ("begun", "it has no manifest and no segments")):
                with self.subTest((command, name)):
                    result = self.run_tsdb(command, "--db", name)
                    self.assertEqual(result.code, 1)
                    self.assertIn(message, result.err)


class ListTest(InspectTest):
    def rows(self, *options):
        result = self.run_tsdb("list", "--db", "db", "--format", "csv", *options)
        self.assertEqual(result.code, 0, result.err)
        return list(csv.DictReader(io.StringIO(result.out)))

    def test_every_segment_with_its_figures(self):
        self.import_shipped()
        rows = self.rows()
        self.assertEqual([f"db/segments/{row['file']}" for row in rows],
                         self.names("db/segments/*.segment"))
        self.assertEqual(sum(int(row["samples"]) for row in rows), SHIPPED_SAMPLES)
        for row in rows:
            self.assertEqual(int(row["bytes"]), len(self.read(f"db/segments/{row['file']}")))
        packed = [row for row in rows if row["holds"] == "leaves, lz4"]
        self.assertEqual(len(packed), 1)
        self.assertEqual([row["holds"][-6:] for row in rows].count(", rest"), 1)
        self.assertGreater(float(packed[0]["ratio"]), 1.5)
        self.assertEqual(float(packed[0]["dead_share"]), 0)
        out = self.run_tsdb("list", "--db", "db", "--format", "json").out
        self.assertEqual([row["bytes"] for row in json.loads(out)["segments"]],
                         [int(row["bytes"]) for row in rows])
        table = self.run_tsdb("list", "--db", "db", "--format", "table").out
        self.assertIn(f"{len(rows)} segments", table)
        # Without a terminal it is CSV.
        self.assertEqual(self.run_tsdb("list", "--db", "db").out,
                         self.run_tsdb("list", "--db", "db", "--format", "csv").out)

    def test_a_table_is_as_wide_as_there_is_room(self):
        self.import_shipped()
        for columns in (80, 100, 120, 200):
            table = self.run_tsdb("list", "--db", "db", "--format", "table",
                                  columns=str(columns)).out
            drawn = [line for line in table.splitlines() if line[0] in "┌│└"]
            self.assertLessEqual(len(drawn[0]), columns)
            self.assertEqual("no room for: leaves, bytes per sample" in table, columns < 200)

    def test_what_was_deleted_counts_as_dead(self):
        self.import_shipped()
        self.run_ok("delete", "--db", "db", '{job="node"}')
        share = max(float(row["dead_share"] or 0) for row in self.rows())
        self.assertGreater(share, 0.3)
        self.assertLess(share, 0.7)
        self.run_ok("compact", "--db", "db")
        self.assertEqual(max(float(row["dead_share"] or 0) for row in self.rows()), 0)

    def test_sorts(self):
        self.import_shipped()
        for key in ("bytes", "leaves", "samples", "series"):
            column = [int(row[key]) for row in self.rows("--sort", key)]
            self.assertEqual(column, sorted(column, reverse=True))
        column = [row["from"] for row in self.rows("--sort", "from") if row["from"]]
        self.assertEqual(column, sorted(column))
        result = self.run_tsdb("list", "--db", "db", "--sort", "colour")
        self.assert_usage(result, "--sort")

    def test_a_damaged_segment_is_warned_of(self):
        self.import_shipped()
        name = self.largest_segment()
        self.flip(name, 0)
        for state in ("damaged", "missing"):
            with self.subTest(state):
                result = self.run_tsdb("list", "--db", "db", "--format", "json")
                self.assertEqual(result.code, 3)
                self.assertIn(f"warning: cannot open segment '{name}': offset 0"
                              if state == "damaged" else f"'{name}': No such file", result.err)
                self.assertIn("tsdb repair makes a whole database of it", result.err)
                rows = json.loads(result.out)["segments"]
                self.assertEqual([row["file"] for row in rows if row["holds"] == state],
                                 [os.path.basename(name)])
            if state == "damaged":
                os.remove(self.path(name))


class InspectFileTest(InspectTest):
    def test_whole_files_have_no_findings(self):
        for compression in ("none", "lz4"):
            self.import_shipped(compression)
            samples = 0
            for name in self.names("db/segments/*.segment"):
                found = self.inspect("segment", name, "--blocks")
                self.assertEqual(found["findings"], [])
                self.assertEqual(sum(leaf["samples"] for leaf in found["leaves"]),
                                 found["file"]["samples"])
                samples += found["file"]["samples"]
            self.assertEqual(samples, SHIPPED_SAMPLES)
            found = self.inspect("manifest", "db/manifest")
            self.assertEqual(found["findings"], [])
            self.assertEqual(len(found["segments"]), len(self.names("db/segments/*.segment")))
            for name in self.names("db/log/*.log"):
                found = self.inspect("wal", name, "--blocks")
                self.assertEqual(found["findings"], [])
                self.assertEqual(found["file"]["samples"], SHIPPED_SAMPLES)
                self.assertEqual(sum(row["samples"] or 0 for row in found["contents"]),
                                 SHIPPED_SAMPLES)
                self.assertEqual(found["batches"][-1]["kind"], "closing")

    def test_deletions_are_in_the_log(self):
        self.import_text(PROM)
        self.run_ok("delete", "--db", "db", 'up{job="a"}')
        kinds = [row["kind"] for name in self.names("db/log/*.log")
                 for row in self.inspect("wal", name)["batches"]]
        self.assertIn("deletion", kinds)

    def test_a_flip_is_found_with_its_offset_and_the_rest_is_read(self):
        self.import_shipped()
        name = self.names("db/log/*.log")[-1]
        whole = self.inspect("wal", name)
        hit = whole["batches"][5]
        self.flip(name, hit["offset"] + 40)
        found = self.inspect("wal", name, code=3)
        self.assertEqual([row["offset"] for row in found["findings"]], [hit["offset"]])
        self.assertIn("checksum", found["findings"][0]["reason"])
        self.assertEqual(found["file"]["batches"], whole["file"]["batches"] - 1)
        self.assertEqual(found["file"]["batches_lost"], 1)
        table = self.run_tsdb("inspect", "wal", name)
        self.assertEqual(table.code, 3)
        self.assertIn(f"{name}: offset {hit['offset']}: ", table.err)
        self.assertIn("hint: tsdb verify --db db says", table.err)
        self.flip(self.largest_segment(), 100000)
        found = self.inspect("segment", self.largest_segment(), code=3)
        self.assertGreater(found["file"]["whole_leaves"], 1800)
        self.flip("db/manifest", 100)
        found = self.inspect("manifest", "db/manifest", code=3)
        self.assertIs(found["file"]["usable"], True)
        self.assertIn("copy", found["findings"][0]["reason"])

    def test_limit_and_wrong_usage(self):
        self.import_shipped()
        found = self.inspect("segment", self.largest_segment(), "--limit", "3")
        self.assertEqual(len(found["leaves"]), 3)
        self.assertEqual(found["leaves_left_out"], found["file"]["leaves"] - 3)
        out = self.run_tsdb("inspect", "segment", self.largest_segment()).out
        self.assertIn("--limit 0 prints all", out)
        self.assert_usage(self.run_tsdb("inspect", "wal"), "FILE is required")
        self.assert_usage(self.run_tsdb("inspect", "disk", "x"), "KIND")
        for kind in ("wal", "manifest", "segment"):
            for name, message in (("none", "there is no such file"), ("db", "it is a directory"),
                                  ("/dev/null", "it is no regular file")):
                self.assert_fails(self.run_tsdb("inspect", kind, name),
                                  f"cannot inspect '{name}': {message}")
        with open(self.path("long"), "wb") as file:
            file.truncate(2 ** 31)  # takes no space
        self.assert_fails(self.run_tsdb("inspect", "wal", "long"), "it has 2147483648 bytes")

    def test_many_findings_are_cut_on_stderr_alone(self):
        self.import_shipped()
        name = self.names("db/log/*.log")[-1]
        for batch in self.inspect("wal", name)["batches"][10:100:2]:
            self.flip(name, batch["offset"] + 40)
        self.assertEqual(len(self.inspect("wal", name, code=3)["findings"]), 45)
        result = self.run_tsdb("inspect", "wal", name)
        self.assertEqual(result.err.count(" is lost: "), 20)
        self.assertIn("... and 25 findings more; --format json has them all", result.err)

    def test_files_of_another_kind(self):
        self.import_text(PROM)
        self.write("empty", "")
        kinds = {"wal": self.names("db/log/*"), "manifest": ["db/manifest"],
                 "segment": self.names("db/segments/*")}
        for kind in kinds:
            for other, names in kinds.items():
                for name in names if kind != other else ():
                    self.assert_fails(self.run_tsdb("inspect", kind, name),
                                      f"tsdb inspect {other} {name} decodes it")
            # Of no kind: damaged, as far as can be told. A crash can leave an empty log file.
            self.inspect(kind, "db/LOCK", code=3)
            self.inspect(kind, "empty", code=0 if kind == "wal" else 3)


if __name__ == "__main__":
    main()
