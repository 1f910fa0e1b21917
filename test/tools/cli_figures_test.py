#!/usr/bin/env python3
"""Runs the commands about a database's figures: stats for Prometheus, watch, advise.

    test/tools/cli_figures_test.py PROGRAM
"""

import csv
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import unittest

from cli_fixture import PROM, CliTest, main


class FiguresTest(CliTest):
    def import_text(self, text=PROM):
        result = self.run_tsdb("import", "--db", "db", self.write("a.prom", text))
        self.assertEqual(result.code, 0, result.err)

    def stats_text(self):
        """What the process that wrote the database last said of it."""
        with open(os.path.join(self.folder, "db/STATS"), encoding="utf-8") as file:
            return file.read()

    @staticmethod
    def samples(text):
        """By name and label, as text."""
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        return dict(line.rsplit(" ", 1) for line in lines)


class PrometheusTest(FiguresTest):
    def test_figures_are_those_of_the_table(self):
        self.import_text()
        result = self.run_tsdb("stats", "--db", "db", "--format", "prometheus")
        self.assertEqual((result.code, result.err), (0, ""))
        figures = self.samples(result.out)
        self.assertEqual(figures["tsdb_series"], "3")
        self.assertEqual(figures["tsdb_records_accepted_total"], "4")
        self.assertEqual(figures['tsdb_records_rejected_total{reason="budget"}'], "0")

    def test_they_are_imported_again(self):
        self.import_text()
        figures = self.run_tsdb("stats", "--db", "db", "--format", "prometheus").out
        read = self.run_tsdb("samples", "--from", "-", "{}", "--timestamp", "1", "--format", "csv",
                             stdin=figures.encode())
        self.assertEqual(read.code, 0, read.err)
        rows = [line for line in read.out.splitlines() if line]
        self.assertEqual(len(rows) - 1, len(self.samples(figures)))
        strict = self.run_tsdb("samples", "--from", "-", "tsdb_series", "--input-format",
                               "prometheus", stdin=figures.encode())
        self.assertTrue(strict.out.strip().endswith(",3"), strict.out)

    def test_files_have_figures_too(self):
        name = self.write("a.prom", PROM)
        result = self.run_tsdb("stats", "--from", name, "--format", "prometheus")
        self.assertEqual(result.code, 0)
        self.assertEqual(self.samples(result.out)["tsdb_records_in_tree"], "4")

    def test_what_a_writer_publishes_are_they_and_its_options(self):
        self.import_text()
        figures = self.samples(self.stats_text())
        self.assertEqual(figures['tsdb_state{state="closed"}'], "1")
        self.assertEqual(figures["tsdb_records_accepted_total"], "4")
        self.assertIn('tsdb_option{name="write_buffer_bytes"}', figures)
        printed = self.run_tsdb("stats", "--db", "db", "--format", "prometheus").out
        self.assertEqual(set(self.samples(printed)) - set(figures), set())

    def test_commands_that_bring_no_data_leave_it(self):
        self.import_text()
        before = self.stats_text()
        for command in (("delete", "--db", "db", "load"), ("compact", "--db", "db"),
                        ("backup", "--db", "db", "copy"), ("repair", "--db", "db")):
            result = self.run_tsdb(*command)
            self.assertEqual(result.code, 0, result.err)
            self.assertEqual(self.stats_text(), before, command)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "copy/STATS")))

    @unittest.skipUnless(shutil.which("promtool"), "there is no promtool")
    def test_promtool_accepts_both(self):
        self.import_text()
        printed = self.run_tsdb("stats", "--db", "db", "--format", "prometheus").out
        for text in (printed, self.stats_text()):
            checked = subprocess.run(["promtool", "check", "metrics"], input=text.encode(),
                                     capture_output=True, check=False)
            self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, b"", b""))


class WatchTest(FiguresTest):
    def start_watch(self, *arguments, **streams):
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        watch = subprocess.Popen([self.program, "watch", "--db", "db", *arguments],
                                 cwd=self.folder, **streams)
        for stream in filter(None, (watch.stdout, watch.stderr)):
            self.addCleanup(stream.close)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)
        return watch

    def end(self, watch):
        out, err = watch.communicate(timeout=120)
        return watch.returncode, out.decode(), err.decode()

    def test_lines_come_while_another_process_writes(self):
        writer = self.start_import()
        result = self.run_tsdb("watch", "--db", "db", "--count", "2")
        self.assertEqual((result.code, result.err), (0, ""))
        rows = list(csv.DictReader(result.out.splitlines()))
        self.assertEqual(len(rows), 2)
        self.assertEqual({row["state"] for row in rows}, {"open"})
        self.assertLess(int(rows[0]["timestamp_ms"]), int(rows[1]["timestamp_ms"]))
        self.assertGreater(float(rows[0]["seconds"]), 0)
        self.assertEqual(rows[0]["rejected"], "0")
        self.assertNotIn(None, rows[0])
        self.assertIsNone(writer.poll())

    def test_json_is_one_array_or_an_object_a_line(self):
        self.start_import()
        rows = json.loads(self.run_tsdb("watch", "--db", "db", "--count", "2", "--format",
                                        "json").out)
        self.assertEqual(len(rows), 2)
        line = self.run_tsdb("watch", "--db", "db", "--count", "1", "--format", "jsonl").out
        self.assertEqual(line.count("\n"), 1)
        self.assertEqual(list(json.loads(line)), list(rows[0]))

    def test_it_ends_with_the_last_figures_when_the_database_is_closed(self):
        writer = self.start_import()
        watch = self.start_watch("--format", "jsonl", "--interval", "100d")
        writer.communicate(b"up 2 2000\n")
        code, out, err = self.end(watch)
        self.assertEqual((code, err), (0, ""))
        last = json.loads(out.splitlines()[-1])
        self.assertEqual((last["state"], last["accepted"], last["backlog"]), ("closed", 2, 0))
        self.assertIs(last["balanced"], True)

    def test_of_a_closed_database_it_shows_the_last_run(self):
        self.import_text()
        code, out, err = self.end(self.start_watch())
        self.assertEqual((code, err), (0, ""))
        row, = csv.DictReader(out.splitlines())
        self.assertEqual((row["state"], row["in_tree"], row["balanced"]), ("closed", "4", "1"))

    def test_a_writer_that_was_killed_is_said_to_be_gone(self):
        writer = self.start_import()
        watch = self.start_watch()
        writer.kill()
        writer.wait()
        code, out, err = self.end(watch)
        self.assertEqual(code, 1)
        self.assertIn(f"process {writer.pid} is gone and has not closed it", err)
        rows = list(csv.DictReader(out.splitlines()))
        self.assertNotEqual(rows[-1]["state"], "closed")

    def test_without_anything_to_watch_it_says_so(self):
        self.assert_fails(self.run_tsdb("watch", "--db", "none"), "there is no such directory")
        self.import_text()
        with open(os.path.join(self.folder, "db/STATS"), "w", encoding="utf-8") as file:
            file.write("hello\n")
        self.assert_fails(self.run_tsdb("watch", "--db", "db"), "STATS': line 1 is no figure")
        os.remove(os.path.join(self.folder, "db/STATS"))
        self.assert_fails(self.run_tsdb("watch", "--db", "db"), "has no file STATS")
        for wrong in ("0", "-1s", "soon"):
            self.assert_usage(self.run_tsdb("watch", "--db", "db", "--interval", wrong),
                              "not a time above 0")

    def test_an_interrupt_ends_it_with_whole_output(self):
        self.start_import()
        watch = self.start_watch("--format", "json")
        self.assertEqual(watch.stdout.readline(), b"[\n")  # the first line is there
        watch.send_signal(signal.SIGINT)
        out = watch.stdout.read()
        self.assertEqual((watch.wait(timeout=120), watch.stderr.read()), (130, b""))
        self.assertGreater(len(json.loads(b"[" + out)), 0)

    def test_on_a_terminal_it_is_drawn_in_place(self):
        self.start_import()
        for format_, in_place in (("auto", True), ("csv", False)):
            primary, secondary = pty.openpty()
            self.addCleanup(os.close, primary)
            watch = self.start_watch("--format", format_, stdin=secondary, stdout=secondary,
                                     stderr=secondary,
                                     env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"})
            os.close(secondary)
            text = b""
            # Three blocks, or the head and two lines.
            while len(re.findall(rb"blocked  |,open,", text)) < 3:
                text += os.read(primary, 4096)
            watch.send_signal(signal.SIGINT)
            self.assertEqual(watch.wait(timeout=120), 130)
            self.assertEqual(b"\x1b[10F\x1b[J" in text, in_place)
            self.assertNotIn(b"\x1b[1m", text)


class AdviseTest(FiguresTest):
    def change_stats(self, **figures):
        """What the last writer says: figures by their beginnings."""
        lines = self.stats_text().splitlines()
        for name, value in figures.items():
            at, = (i for i, line in enumerate(lines) if line.startswith(name))
            lines[at] = lines[at].rsplit(" ", 1)[0] + f" {value}"
        with open(os.path.join(self.folder, "db/STATS"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def make_trouble(self):
        """A run of 100 seconds in which writers waited for chunks, and records were refused."""
        self.import_text()
        self.change_stats(**{"tsdb_opened_time_seconds ": 1000, "tsdb_stats_time_seconds ": 1100,
                             'tsdb_option{name="merge_threads"}': 1, "tsdb_processors ": 4,
                             'tsdb_blocked_seconds_total{cause="chunk"}': 12.5,
                             'tsdb_records_rejected_total{reason="unknown_series"}': 17})

    def test_there_is_nothing_to_change(self):
        self.import_text()
        for format_, out in (("csv", "rank,change,present,suggested,gain,why\n"), ("json", "[]\n")):
            result = self.run_tsdb("advise", "--db", "db", "--format", format_)
            self.assertEqual((result.code, result.out, result.err), (0, out, ""))
        result = self.run_tsdb("advise", "--db", "db", "--format", "table")
        self.assertTrue(result.out.endswith("\nnothing to change\n"), result.out)

    def test_findings_are_printed_in_order_of_gain_and_are_no_failure(self):
        self.make_trouble()
        result = self.run_tsdb("advise", "--db", "db")
        self.assertEqual((result.code, result.err), (0, ""))
        rows = list(csv.DictReader(result.out.splitlines()))
        self.assertEqual([(row["rank"], row["change"], row["gain"]) for row in rows],
                         [("1", "the program", "records"), ("2", "merge_threads", "time")])
        self.assertEqual((rows[1]["present"], rows[1]["suggested"]), ("1", "4"))
        self.assertIn("12.5 s of 100.0 s (12.5 %", rows[1]["why"])
        as_json = json.loads(self.run_tsdb("advise", "--db", "db", "--format", "json").out)
        self.assertEqual([{**row, "rank": str(row["rank"])} for row in as_json], rows)

    def test_for_people_reasons_are_wrapped(self):
        self.make_trouble()
        lines = self.run_tsdb("advise", "--db", "db", "--format", "table",
                              columns="60").out.splitlines()
        self.assertIn("2. merge_threads: 1 → 4", lines)
        reasons = [line for line in lines if line.startswith("   ")]
        self.assertGreater(len(reasons), 2)
        self.assertLessEqual(max(map(len, reasons)), 60)

    def test_without_figures_it_looks_at_what_is_stored(self):
        self.import_text("".join(f'm{{request="{i}"}} 1 1000\n' for i in range(10000)))
        os.remove(os.path.join(self.folder, "db/STATS"))
        result = self.run_tsdb("advise", "--db", "db")
        self.assertEqual(result.code, 0)
        self.assertIn("has no file STATS", result.err)
        row, = csv.DictReader(result.out.splitlines())
        self.assertEqual((row["change"], row["present"]), ("label 'request'", "10,000 values"))
        with open(os.path.join(self.folder, "db/STATS"), "w", encoding="utf-8") as file:
            file.write("half of a li")
        result = self.run_tsdb("advise", "--db", "db")
        self.assertEqual(result.code, 0)
        self.assertIn("STATS': line 1 is no figure", result.err)

    def test_files_are_judged_by_their_labels(self):
        name = self.write("a.prom", "".join(f'm{{r="{i},\\""}} 1 1000\n' for i in range(10000)))
        result = self.run_tsdb("advise", "--from", name)
        self.assertEqual(result.code, 0)
        row, = csv.DictReader(result.out.splitlines())
        self.assertEqual(row["change"], "label 'r'")
        self.assert_usage(self.run_tsdb("advise"), "where from?")
        self.assert_usage(self.run_tsdb("advise", "--db", "db", "--from", name), "exclude")


if __name__ == "__main__":
    main()
