#!/usr/bin/env python3
"""Runs the built program on CSV and InfluxDB's line protocol, and on every format there and back.

    test/tools/cli_formats_test.py PROGRAM
"""

import gzip
import json
import os
import random
import struct

from cli_directory_test import NASTY, DirectoryTest
from cli_fixture import PROM, SHORT, main

FORMATS = {"openmetrics": "om", "prometheus": "prom", "jsonl": "jsonl", "csv": "csv",
           "influx": "lp"}
NAB = "timestamp,value\n2014-04-01 00:00:00,20.0\n2014-04-01 00:05:00,21.5\n"
NAB_CSV = ("__name__,timestamp_ms,value\nart_flatline,1396310400000,20\n"
           "art_flatline,1396310700000,21.5\n")


class CsvTest(DirectoryTest):
    def rows(self, *arguments, code=0):
        result = self.run_tsdb("samples", "--from", *arguments, "{}", "--format", "csv")
        self.assertEqual(result.code, code, result.err)
        return result

    def test_a_time_and_a_value_need_no_option(self):
        for name, content in (("art_flatline.csv", NAB.encode()),
                              ("art_flatline.CSV", b"\xef\xbb\xbf" + NAB.encode()),
                              ("art_flatline.tsv", NAB.replace(",", "\t").encode()),
                              ("art_flatline.csv.gz", gzip.compress(NAB.encode())),
                              ("art_flatline.csv.zst", self.zstd(NAB.encode())),
                              ("art_flatline.csv.lz4", self.lz4(NAB.encode()))):
            with self.subTest(name):
                self.assertEqual(self.rows(self.write(name, content)).out, NAB_CSV)

    def test_options_say_what_columns_mean(self):
        name = self.write("a.csv", "when;id;low;high;note\n31.12.2013 23:59;7;1;2;x\n")
        result = self.rows(name, "--delimiter", ";", "--time-column", "when", "--time-format",
                           "%d.%m.%Y %H:%M", "--value-columns", "low,high", "--label-columns",
                           "id", "--label", "dc=x", "--metric", "t")
        self.assertEqual(result.out, "__name__,dc,id,timestamp_ms,value\n"
                                     "t_high,x,7,1388534340000,2\nt_low,x,7,1388534340000,1\n")
        self.assertIn("a.csv: columns left out, being neither time, value nor label: 'note'",
                      result.err)

    def test_standard_input(self):
        result = self.run_tsdb("samples", "--from", "-", "{}", "--input-format", "csv",
                               "--metric", "art_flatline", stdin=NAB.encode())
        self.assertEqual(result.out, NAB_CSV, result.err)

    def test_bad_cells_are_placed_and_skipped_on_demand(self):
        text = 'time,host,v\n1,a,1\n2,"b\nc",x\n3,d\n4,e,4\n'
        name = self.write("a.csv", text)
        result = self.rows(name, code=1)
        self.assertEqual(result.out, "")
        self.assertIn("a.csv:4:4: error: column 3 'v': not a number: 'x'", result.err)
        result = self.rows(name, "--on-error", "skip")
        self.assertEqual(result.out.count("\n"), 3)
        self.assertIn("a.csv:5:4: skipped: the line has 2 columns, the header 3; 'v' is missing",
                      result.err)
        self.assertIn("6 lines read, 2 samples accepted, 2 lines rejected", result.err)

    def test_a_header_that_cannot_be_used_is_not_skipped(self):
        result = self.rows(self.write("a.csv", NAB), "--time-column", "timestmap", "--on-error",
                           "skip", code=1)
        self.assertIn("is 'timestamp' meant?", result.err)
        self.assertIn("nothing can be read without the header", result.err)

    def test_wrong_options(self):
        name = self.write("a.csv", NAB)
        for arguments, message in ((("--delimiter", "ab"), "--delimiter: not one character"),
                                   (("--time-format", "%Q"), "--time-format: the pattern has '%Q'"),
                                   (("--label", "x"), "--label: not as name=value: x"),
                                   (("--precision", "h"), "h")):
            result = self.rows(name, *arguments, code=2)
            self.assertIn(message, result.err)


class InfluxTest(DirectoryTest):
    def test_lines_become_series(self):
        name = self.write("a.lp", "cpu,host=a usage=1.5,n=2i,s=\"x\" 1700000000000000000\n")
        result = self.run_tsdb("samples", "--from", name, "{}", "--format", "csv")
        self.assertEqual(result.out, "__name__,host,timestamp_ms,value\n"
                                     "cpu_n,a,1700000000000,2\ncpu_usage,a,1700000000000,1.5\n")
        self.assertIn("a.lp: string fields left out, because a sample is a number: 1", result.err)
        name = self.write("text", "cpu v=1 1700000000\n")
        result = self.run_tsdb("samples", "--from", name, "{}", "--input-format", "influx",
                               "--precision", "s", "--format", "csv")
        self.assertEqual(result.out, "__name__,timestamp_ms,value\ncpu_v,1700000000000,1\n")


class ThereAndBackTest(DirectoryTest):
    def export(self, form, name, db="db", code=0):
        result = self.run_tsdb("export", "--db", db, "--format", form, "-o", name)
        self.assertEqual(result.code, code, result.err)
        return result.err

    def assert_comes_back(self, forms=tuple(FORMATS)):
        self.export("jsonl", "before")
        packings = ("", ".gz", ".zst", ".lz4")
        for index, form in enumerate(forms):
            for packed in packings[index % 4:index % 4 + 1] if SHORT else packings:
                with self.subTest(form + packed):
                    name = "a." + FORMATS[form] + packed
                    self.export(form, name)
                    self.import_files(name, db=form + packed)
                    self.export("jsonl", "after", db=form + packed)
                    self.assertTrue(self.read("before") == self.read("after"))

    def test_real_data_in_every_format(self):
        self.import_shipped()
        self.delete_most()
        self.assert_comes_back(("openmetrics", "prometheus", "jsonl", "csv"))
        # The line protocol has no NaN.
        self.export("influx", "a.lp")
        self.assert_finite_come_back()

    def assert_finite_come_back(self):
        self.import_files("a.lp", db="finite")
        self.export("jsonl", "before")
        self.export("jsonl", "after", db="finite")
        before, after = self.finite("before"), self.finite("after")
        self.assertEqual(before, after)
        self.assertGreater(len(after), 0)

    def finite(self, name):
        """(labels, time) -> bits, of values and times the line protocol has."""
        found = {}
        for line in self.read(name).splitlines():
            row = json.loads(line, parse_int=str)
            labels = tuple(sorted(row["metric"].items()))
            for time, value in zip(row["timestamps"], row["values"]):
                if value not in ("NaN", "+Inf", "-Inf") and abs(int(time)) <= 9223372036854:
                    found[labels, int(time)] = struct.pack("<d", float(value))
        return found

    def make_nasty(self, texts, time_bits):
        draw = random.Random(5)
        with open(self.path("source.jsonl"), "w", encoding="utf-8") as file:
            for index, text in enumerate(texts):
                values = [struct.unpack("<d", draw.randbytes(8))[0] for _ in range(100)]
                values += [-0.0, 5e-324, 1.7976931348623157e308, float("inf"), float("nan")]
                limit = 2 ** time_bits
                times = draw.sample(range(-limit, limit - 1), len(values))
                if time_bits == 62:
                    times[:2] = [-2 ** 63, 2 ** 63 - 1]
                json.dump({"metric": {"__name__": ("ok", "a_b c", "Ä", text)[index % 4], "A": text,
                                      "z.z": text, text + "x": "y", "i": str(index)},
                           "values": [v if abs(v) < float("inf") else str(v) for v in values],
                           "timestamps": times}, file)
                file.write("\n")
        self.import_files("source.jsonl")

    def test_any_labels_values_and_times_in_every_format(self):
        self.make_nasty(NASTY + ("\ufeffx", "a=b", "a\\,b\\", "value", "time", "timestamp_ms"), 62)
        self.assert_comes_back(("openmetrics", "prometheus", "jsonl", "csv"))

    def test_any_labels_in_the_line_protocol(self):
        texts = [text for text in NASTY if "\n" not in text]
        self.make_nasty(texts + ["a=b", "a\\,b\\", "#x_y", "x_", "_x"], 42)
        message = self.export("influx", "a.lp")
        self.assertIn("left out: the line protocol has no NaN", message)
        self.assert_finite_come_back()

    def test_what_a_format_cannot_have_is_refused(self):
        self.import_text('{"metric":{"a":"b"},"values":[1],"timestamps":[1]}\n', name="a.jsonl")
        for form in ("openmetrics", "prometheus", "influx"):
            message = self.export(form, "out", code=1)
            self.assertIn('cannot write the series {a="b"}, which has no metric name', message)
        self.assert_comes_back(("csv", "jsonl"))


class DryRunTest(DirectoryTest):
    def test_it_tells_what_an_import_would_and_stores_nothing(self):
        names = [self.write("a.prom", PROM), self.write("b.csv", NAB)]
        for options in ((), ("--db", "db")):
            result = self.run_tsdb("import", "--dry-run", *names, *options, "--format", "json")
            self.assertEqual(result.code, 0, result.err)
            figures = json.loads(result.out)["dry_run"]
            self.assertEqual((figures["series"], figures["samples_accepted"]), (4, 6))
            self.assertEqual((figures["from"], figures["to"]),
                             ("1970-01-01 00:00:01", "2014-04-01 00:05:00"))
            self.assertIn("nothing was stored, because of --dry-run", result.err)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.prom", "b.csv"])
        self.import_files("a.prom")
        result = self.run_tsdb("import", "--dry-run", *names, "--db", "db", "--format", "json")
        self.assertEqual(json.loads(result.out)["dry_run"]["new_series"], 1)
        self.assert_intact(4)

    def test_errors_are_those_of_the_import(self):
        name = self.write("a.prom", "a 1 5\nb x 7\n")
        dry = self.run_tsdb("import", "--dry-run", name)
        real = self.run_tsdb("import", "--db", "db", name)
        self.assertEqual((dry.code, real.code), (1, 1))
        place = "a.prom:2:3: error: not a number: 'x'"
        self.assertIn(place, dry.err)
        self.assertIn(place, real.err)

    def test_how_far_an_import_came_is_said(self):
        names = [self.write("a.prom", PROM), self.write("b.csv", NAB + "x,1\n")]
        result = self.run_tsdb("import", "--db", "db", *names)
        self.assertEqual(result.code, 1)
        self.assertIn("6 samples are kept in 'db'", result.err)
        self.assertIn("read were 1 whole file, then lines 1 to 3 of 'b.csv'", result.err)
        self.assert_intact(6)


if __name__ == "__main__":
    main()
