#!/usr/bin/env python3
"""Runs the built program on database directories: what one process stores, others find.

    test/tools/cli_directory_test.py PROGRAM
"""

import glob
import json
import os
import random
import shutil
import signal
import stat
import struct
import subprocess
import tempfile
import unittest

from cli_fixture import JSONL, OPENMETRICS, PROM, SHIPPED, SHORT, UP_CSV, CliTest, Result, main

# Texts that break what is not quoted and escaped.
NASTY = ("\r", "a\rb", "x\ny", "\\", "\\n", '"', "{}", '} 1 2', "é", "\u2028", "a,b", "# EOF", " ",
         "\t", "\0b", "\x7f")


SHIPPED_SAMPLES = 1435494

READERS = (("samples", "up"), ("series",), ("labels",), ("values", "job"), ("top",), ("stats",),
           ("info",), ("list",), ("verify",), ("export", "--format", "csv"))


class DirectoryTest(CliTest):
    shipped = {}  # compression -> a folder with a database of the shipped file

    def import_shipped(self, compression="lz4"):
        """The database db of the shipped file, imported once and copied."""
        if compression not in self.shipped:
            folder = tempfile.TemporaryDirectory()
            unittest.addModuleCleanup(folder.cleanup)
            self.import_files(SHIPPED, db=os.path.join(folder.name, "db"),
                              options=("--compression", compression))
            self.shipped[compression] = folder.name
        shutil.rmtree(self.path("db"), ignore_errors=True)
        shutil.copytree(os.path.join(self.shipped[compression], "db"), self.path("db"))

    def delete_most(self):
        """Of the shipped file's series and times."""
        self.run_ok("delete", "--db", "db", '{__name__=~"[a-mo-z].*|node_[a-m].*"}')
        self.run_ok("delete", "--db", "db", "{}", "--all", "--start", "1795229700")

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def import_files(self, *names, db="db", code=0, options=()):
        result = self.run_tsdb("import", "--db", db, *names, *options, "--format", "json")
        self.assertEqual(result.code, code, result.err)
        return json.loads(result.out), result.err

    def import_text(self, text, name="a.prom", **keywords):
        return self.import_files(self.write(name, text), **keywords)

    def query(self, *arguments, db="db"):
        return self.run_tsdb("samples", "--db", db, *arguments)

    def verify(self, db="db"):
        result = self.run_tsdb("verify", "--db", db, "--format", "json")
        return result, json.loads(result.out)

    def assert_intact(self, samples, db="db"):
        result, report = self.verify(db)
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertIs(report["verdict"]["intact"], True)
        self.assertEqual(report["content"]["samples_read"], samples)

    def run_ok(self, *arguments):
        result = self.run_tsdb(*arguments, "--format", "json")
        self.assertEqual(result.code, 0, result.err)
        return json.loads(result.out), result.err

    def samples(self):
        return set(self.run_tsdb("export", "--db", "db", "--format", "jsonl").out.splitlines())

    def run_on_a_small_disk(self, *arguments):
        """With a limit of 512 bytes a file, which is what a disk that fills up looks like."""
        done = subprocess.run(["sh", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$@"', "sh",
                               self.program, *arguments], cwd=self.folder, capture_output=True,
                              check=False)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


class ImportTest(DirectoryTest):
    def test_another_process_finds_what_was_imported(self):
        report, messages = self.import_text(PROM)
        self.assertEqual(report["import"]["samples_accepted"], 4)
        self.assertEqual(report["import"]["new_series"], 3)
        self.assertEqual(report["database"]["directory"], "db")
        self.assertIs(report["database"]["balanced"], True)
        self.assertIn("4 samples accepted", messages)
        self.assertEqual(self.query("up").out, UP_CSV)
        stats = self.run_tsdb("stats", "--db", "db", "--format", "json")
        self.assertEqual(stats.code, 0, stats.err)
        self.assertEqual(json.loads(stats.out)["data"]["samples"], 4)
        self.assert_intact(4)

    def test_imports_add_up_and_later_samples_replace_earlier_ones(self):
        for durability in ("async", "sync"):
            name = self.write("a.prom", PROM)
            result = self.run_tsdb("import", "--db", "db", name, "--durability", durability)
            self.assertEqual(result.code, 0, result.err)
        report, _ = self.import_text('up{job="a"} 7 1000\nup{job="c"} 1 1000\n')
        self.assertEqual(report["import"]["new_series"], 1)
        self.assertEqual(report["import"]["duplicates_replaced"], 1)
        self.assertEqual(report["database"]["samples"], 5)
        self.assertIn("up,a,1000,7\n", self.query("up").out)

    def test_compression_saves_disk_and_is_the_default(self):
        taken = {}
        for compression in ("none", "lz4", "default"):
            options = () if compression == "default" else ("--compression", compression)
            self.import_files(SHIPPED, db=compression, options=options)
            result = self.run_tsdb("stats", "--db", compression, "--format", "json")
            self.assertEqual((result.code, result.err), (0, ""))
            stats = json.loads(result.out)
            taken[compression] = stats["disk"]["segment_file_bytes"]
            self.assertEqual("cache" in stats, compression != "none")
            if "cache" in stats:
                self.assertGreater(stats["cache"]["loads"], 0)
                self.assertGreater(stats["cache"]["bytes"], 0)
                self.assertGreaterEqual(stats["cache"]["hits"], 0)
                self.assertIn("cache\n", self.run_tsdb("stats", "--db", compression).out)
            ratio = stats["disk"]["compression_ratio"]
            if compression == "none":
                self.assertEqual(ratio, 1)
            else:
                self.assertGreater(ratio, 1.5)
                # Labels, indexes and footers are not compressed.
                self.assertGreater(ratio, taken["none"] / taken[compression])
        self.assertLess(taken["lz4"], 0.6 * taken["none"])
        self.assertEqual(taken["default"], taken["lz4"])
        # A directory of one is read, and written, with the other.
        for compression, other in (("none", "lz4"), ("lz4", "none")):
            self.import_files(self.write("a.prom", PROM), db=compression,
                              options=("--compression", other))
            self.assert_intact(SHIPPED_SAMPLES + 4, db=compression)
        result = self.run_tsdb("import", "--db", "db", SHIPPED, "--compression", "zip")
        self.assertEqual(result.code, 2)
        self.assertIn("--compression", result.err)

    def test_several_files_and_compressed_ones(self):
        report, _ = self.import_files(SHIPPED, self.write("a.om", OPENMETRICS))
        self.assertEqual(report["import"]["files"], 2)
        self.assertEqual(report["database"]["samples"], 1435498)
        self.assert_intact(1435498)

    def test_what_precedes_a_bad_line_is_kept(self):
        self.import_text("old 1 1\n")
        text = "a 1 5\na 2 6\nb x 7\nc 1 8\n"
        report, messages = self.import_text(text, code=1)
        self.assertIn("a.prom:3:3: error: not a number: 'x'", messages)
        self.assertIn("2 samples are kept in 'db'", messages)
        self.assertEqual(report["import"]["samples_accepted"], 2)
        self.assertEqual(self.query("a").out, "__name__,timestamp_ms,value\na,5,1\na,6,2\n")
        self.assertEqual(self.query("c").out.count("\n"), 1)
        self.assert_intact(3)

    def test_a_bad_line_is_skipped_on_demand(self):
        name = self.write("a.prom", "a 1 5\nb x 7\nc 1 8\n")
        result = self.run_tsdb("import", "--db", "db", name, "--on-error", "skip")
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("skipped", result.err)
        self.assert_intact(2)

    def test_a_file_that_is_not_there_is_found_before_anything_is_made(self):
        result = self.run_tsdb("import", "--db", "db", self.write("a.prom", PROM), "missing")
        self.assert_fails(result, "missing: cannot open the file: No such file or directory")
        self.assertEqual(os.listdir(self.folder), ["a.prom"])

    def test_past_the_budget_what_was_read_is_kept(self):
        # Some two fifths of the file: how much depends on when checkpoints come.
        result = self.run_tsdb("import", "--db", "db", SHIPPED, "--memory-budget", "10MB",
                               "--format", "json")
        self.assertEqual(result.code, 1)
        self.assertIn("raise --memory-budget", result.err)
        self.assertIn("are kept in 'db'", result.err)
        self.assert_intact(json.loads(result.out)["import"]["samples_accepted"])

    def test_a_full_disk_is_told_and_loses_nothing_that_was_stored(self):
        self.import_text(PROM)
        result = self.run_on_a_small_disk("import", "--db", "db", SHIPPED)
        self.assert_fails(result, "File too large")
        self.assertIn("tsdb verify --db db says what is stored", result.err)
        self.assertEqual(self.query("up").out, UP_CSV)
        self.assert_intact(4)

    def test_interrupt_closes_in_good_order(self):
        process = self.start_import()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertIn(b"interrupted", err)
        self.assertIn(b"1 sample is kept in 'db'", err)
        self.assertIn(b"samples accepted", out)
        self.assertEqual(self.query("up").out, "__name__,timestamp_ms,value\nup,1000,1\n")
        self.assert_intact(1)


    def test_a_killed_import_keeps_the_files_that_were_read_whole(self):
        process = self.start_import(self.write("a.prom", PROM.replace("up", "whole")))
        process.kill()
        process.communicate(timeout=60)
        self.assertEqual(self.query("whole").out, UP_CSV.replace("up", "whole"))
        result, report = self.verify()
        self.assertEqual(result.code, 0, result.err)
        # No opening for writing has put it into segments yet.
        self.assertEqual(report["recovery"]["checkpoint_records"], 0)
        self.assertGreaterEqual(report["recovery"]["log_records"], 4)


class RefusalTest(DirectoryTest):
    # All but import: none of them makes a database.
    COMMANDS = (*READERS, ("delete", "up"), ("compact",), ("backup", "copy"), ("repair",))

    def read_all(self, message):
        for command, *arguments in self.COMMANDS:
            with self.subTest(command):
                self.assert_fails(self.run_tsdb(command, "--db", "db", *arguments), message)

    def test_a_missing_directory_is_not_made_by_readers(self):
        self.read_all("cannot open the database in 'db': there is no such directory; tsdb import")
        self.assertEqual(os.listdir(self.folder), [])

    def test_an_empty_directory_is_no_database_to_readers(self):
        os.mkdir(self.path("db"))
        self.read_all("it has no file FORMAT, so it is no database")
        self.assertEqual(os.listdir(self.path("db")), [])

    def test_a_file_is_no_database(self):
        self.write("db", PROM)
        self.read_all("it is a file, and a database is a directory; for a file of metrics use "
                      "--from")

    def test_a_directory_of_something_else_is_left_as_it_is(self):
        os.mkdir(self.path("db"))
        self.write("db/thesis.tex", "x")
        self.read_all("it is no database")
        result = self.run_tsdb("import", "--db", "db", self.write("a.prom", PROM))
        self.assert_fails(result, "it holds 'thesis.tex' and is no database; choose an empty or a "
                                  "new directory")
        self.assertEqual(os.listdir(self.path("db")), ["thesis.tex"])

    def test_a_directory_without_a_parent(self):
        result = self.run_tsdb("import", "--db", "no/db", self.write("a.prom", PROM))
        self.assert_fails(result, "cannot open the database in 'no/db'")
        self.assertIn("make its parent directory first", result.err)

    def test_a_database_in_use_names_its_holder(self):
        process = self.start_import()
        for command in (("import", self.write("a.prom", PROM)), ("delete", "up"), ("compact",),
                        ("backup", "copy"), ("repair",)):
            with self.subTest(command[0]):
                result = self.run_tsdb(command[0], "--db", "db", *command[1:])
                self.assert_fails(result, f"is locked by pid {process.pid} (tsdb)")
        self.assertFalse(os.path.exists(self.path("copy")))
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assert_intact(1)


class MaintenanceTest(DirectoryTest):
    def files(self):
        return {name: self.read(name) for name in glob.glob("db/**", root_dir=self.folder,
                                                            recursive=True)
                # The writer itself replaces STATS, once a second.
                if os.path.isfile(self.path(name)) and "STATS" not in name}

    def test_readers_work_beside_a_writer_and_change_nothing(self):
        process = self.start_import(self.write("b.prom", PROM))
        before = self.files()
        for command, *arguments in READERS:
            with self.subTest(command):
                result = self.run_tsdb(command, "--db", "db", *arguments)
                self.assertEqual(result.code, 0, result.err)
        self.assertIn(UP_CSV.splitlines()[1], self.query('up{job="a"}').out)
        self.assertTrue(self.files() == before)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)

    def test_delete_takes_what_query_prints(self):
        self.import_text(PROM)
        before = self.files()
        report, _ = self.run_ok("delete", "--db", "db", "up", "--end", "2", "--dry-run")
        self.assertEqual(report["would_delete"], {"series": 2, "samples": 2})
        self.assertEqual(report["database"]["samples"], 4)
        refused = self.run_tsdb("delete", "--db", "db", "{}")
        self.assertEqual(refused.code, 2)
        self.assertIn("--all", refused.err)
        self.assertTrue(self.files() == before)
        report, _ = self.run_ok("delete", "--db", "db", "up", "--end", "2")
        self.assertEqual(report["deleted"], {"series": 2, "samples": 2})
        self.assertEqual(self.query("up").out, "__name__,job,timestamp_ms,value\nup,a,2000,0.5\n")
        self.run_ok("delete", "--db", "db", "{}", "--all")
        self.assertEqual(self.samples(), set())

    def test_a_dry_run_counts_what_waits_to_be_merged(self):
        # The log alone has them: each opening replays it, and late samples wait for their leaf.
        process = self.start_import(SHIPPED)
        process.kill()
        process.wait()
        report, _ = self.run_ok("delete", "--db", "db", "node_load1", "--dry-run")
        self.assertEqual(report["would_delete"], {"series": 1, "samples": 1452})
        stored = report["database"]["samples"]
        self.assertGreaterEqual(stored, SHIPPED_SAMPLES)
        self.assert_intact(stored)

    def test_series_without_samples_are_listed_and_not_queried(self):
        self.import_text(PROM)
        self.assertEqual(self.run_tsdb("delete", "--db", "db", 'up{job="a"}').code, 0)
        listed = 'load\nup{job="a"}\nup{job="b"}\n'
        self.assertEqual(self.run_tsdb("series", "--db", "db").out, listed)
        self.assertEqual(self.run_tsdb("values", "job", "--db", "db").out, "a\nb\n")
        for words in (["--start", "0"], ["--end", "9"]):
            self.assertEqual(self.run_tsdb("series", "--db", "db", *words).out,
                             'load\nup{job="b"}\n')
            self.assertEqual(self.run_tsdb("values", "job", "--db", "db", *words).out, "b\n")
            self.assertEqual(self.query("up", *words).out, self.query("up").out)
        self.assertEqual(self.query("up").out, "__name__,job,timestamp_ms,value\nup,b,1000,0\n")

    def test_compact_and_backup(self):
        self.import_shipped()
        self.run_ok("delete", "--db", "db", '{__name__!="node_load1"}')
        stats, _ = self.run_ok("stats", "--db", "db")
        self.assertGreater(stats["disk"]["dead_part_of_samples"], 0.5)
        report, _ = self.run_ok("compact", "--db", "db")
        stats, _ = self.run_ok("stats", "--db", "db")
        self.assertEqual(stats["disk"]["dead_part_of_samples"], 0)
        self.assertLess(report["after"]["segment_file_bytes"],
                        report["before"]["segment_file_bytes"] / 2)
        report, _ = self.run_ok("backup", "--db", "db", "copy")
        self.assertEqual(report["backup"]["samples"], 1452)
        self.assert_intact(1452, db="copy")
        again = self.run_tsdb("backup", "--db", "db", "copy")
        self.assert_fails(again, "choose an empty or a new directory")
        self.assert_fails(self.run_tsdb("backup", "--db", "db", "db/copy"), "own directory")


class ExportTest(DirectoryTest):
    def export(self, form, *arguments, db="db"):
        result = self.run_tsdb("export", "--db", db, "--format", form, *arguments)
        self.assertEqual(result.code, 0, result.err)
        return result.out

    def assert_round_trip(self, *import_options):
        for form, name in (("openmetrics", "a.om"), ("jsonl", "a.jsonl")):
            with self.subTest(form):
                self.export(form, "-o", name)
                imported = self.run_tsdb("import", "--db", form, name, *import_options)
                self.assertEqual(imported.code, 0, imported.err)
                for again in {form, "jsonl"}:
                    self.export(again, "-o", "before")
                    self.export(again, "-o", "after", db=form)
                    self.assertTrue(self.read("before") == self.read("after"), again)

    def test_each_format(self):
        self.import_text(PROM)
        self.assertEqual(self.export("csv", "up"), UP_CSV)
        self.assertEqual(self.export("openmetrics"), """# TYPE load unknown
load NaN 1.500
# TYPE up unknown
up{job="a"} 1 1
up{job="a"} 0.5 2
up{job="b"} 0 1
# EOF
""")
        lines = self.export("jsonl").splitlines()
        self.assertEqual(sorted(lines), sorted(JSONL.splitlines()))
        self.assertEqual(self.export("csv", "up", "--start", "2"),
                         "__name__,job,timestamp_ms,value\nup,a,2000,0.5\n")

    def test_real_data_comes_back_the_same(self):
        self.import_shipped()
        if SHORT:
            self.delete_most()
        self.assert_round_trip("--strict")

    def test_any_labels_values_and_times_come_back_the_same(self):
        draw = random.Random(5)
        with open(self.path("source.jsonl"), "w", encoding="utf-8") as file:
            for index, text in enumerate(NASTY):
                values = [struct.unpack("<d", draw.randbytes(8))[0] for _ in range(500)]
                values += [-0.0, 5e-324, 1.7976931348623157e308, 1e22, 9007199254740993.0]
                times = draw.sample(range(-2 ** 62, 2 ** 62 - 1), len(values))
                times[:2] = [-2 ** 63, 2 ** 63 - 1]
                json.dump({"metric": {"__name__": ("ok", "a b", "Ä", text)[index % 4], "A": text,
                                      "z.z": text, "i": str(index)},
                           "values": [v if abs(v) < float("inf") else str(v) for v in values],
                           "timestamps": times}, file)
                file.write("\n")
        self.import_files("source.jsonl")
        self.assert_round_trip()
        self.assertEqual(self.bits("source.jsonl"), self.bits("a.jsonl"))

    def bits(self, name):
        """(labels, time) -> the value's bits, of a file of JSON lines."""
        found = {}
        for line in self.read(name).splitlines():
            row = json.loads(line, parse_int=str)  # an int has no -0
            labels = tuple(sorted(row["metric"].items()))
            for time, value in zip(row["timestamps"], row["values"]):
                found[labels, time] = struct.pack("<d", float(value))
        return found

    def test_a_long_series_takes_several_lines(self):
        self.import_text("".join(f"a {i} {i}\n" for i in range(65537)))
        self.assertEqual([len(json.loads(line)["values"])
                          for line in self.export("jsonl").splitlines()], [65536, 1])
        self.assert_round_trip()

    def test_memory_does_not_grow_with_what_is_written(self):
        self.import_shipped()

        def peak_kb(selector):
            command = [self.program, "export", "--db", "db", "--format", "openmetrics", selector]
            with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, env={
                                      **os.environ, "ASAN_OPTIONS": "quarantine_size_mb=1"
                                  }) as process:
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            return usage.ru_maxrss

        little = peak_kb("node_load1")
        self.assertLess(peak_kb("{}") - little, 8 * 1024)  # the text has 155 MB

    def test_files_are_exported_too(self):
        name = self.write("a.prom", PROM)
        for selector in ((), ("{}",)):
            result = self.run_tsdb("export", "--from", name, *selector, "--format", "openmetrics")
            self.assertEqual(result.code, 0, result.err)
            self.assertEqual(result.out.count("\n"), 7)

    def test_openmetrics_refuses_series_without_a_name(self):
        self.import_text('{"metric":{"a":"b"},"values":[1],"timestamps":[1]}\n', name="a.jsonl")
        result = self.run_tsdb("export", "--db", "db", "--format", "openmetrics", "-o", "out")
        self.assert_fails(result, 'cannot write the series {a="b"}, which has no metric name')
        self.assertFalse(os.path.exists(self.path("out")))
        self.assertIn('{"a":"b"}', self.export("jsonl"))

    def test_a_file_is_replaced_whole_or_not_at_all(self):
        self.import_text(PROM)
        self.write("out", "what was there")
        os.chmod(self.path("out"), 0o640)
        os.symlink("out", self.path("link"))
        self.export("csv", "up", "-o", "link")
        self.assertEqual(self.read("out").decode(), UP_CSV)
        self.assertTrue(os.path.islink(self.path("link")))
        self.assertEqual(stat.S_IMODE(os.stat(self.path("out")).st_mode), 0o640)
        result = self.run_on_a_small_disk("export", "--from", SHIPPED, "--format", "jsonl",
                                          "-o", "out")
        self.assert_fails(result, "cannot write 'out': File too large")
        self.assertEqual(self.read("out").decode(), UP_CSV)
        self.assertFalse(os.path.exists(self.path("out.partial")))

    def test_an_output_that_cannot_be_made(self):
        self.import_text(PROM)
        result = self.run_tsdb("export", "--db", "db", "--format", "csv", "-o", "no/out")
        self.assert_fails(result, "no/out")
        full = self.run_tsdb("export", "--db", "db", "--format", "csv", "-o", "/dev/full")
        self.assert_fails(full, "cannot write '/dev/full': No space left on device")


if __name__ == "__main__":
    main()
