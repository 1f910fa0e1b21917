#!/usr/bin/env python3
"""Runs the commands about a database's figures: stats for Prometheus.

    test/tools/cli_figures_test.py PROGRAM
"""

import os
import shutil
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


if __name__ == "__main__":
    main()
