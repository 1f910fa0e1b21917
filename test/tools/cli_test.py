#!/usr/bin/env python3
"""Runs the built program on input good, cut, malformed, empty, compressed; checks output and codes.

    test/tools/cli_test.py PROGRAM
"""

import contextlib
import csv
import gzip
import io
import json
import os
import pty
import shutil
import signal
import subprocess
from collections import Counter

from cli_fixture import JSONL, OPENMETRICS, PROM, SHIPPED, UP_CSV, CliTest, main


class FormatTest(CliTest):
    def test_each_format_gives_the_same_samples(self):
        for name, content in (("a.prom", PROM), ("a.jsonl", JSONL), ("a.om", OPENMETRICS),
                              ("no_extension", OPENMETRICS), ("also_none", JSONL)):
            with self.subTest(name):
                result = self.run_tsdb("samples", "--from", self.write(name, content), "up")
                self.assertEqual(result.code, 0, result.err)
                self.assertEqual(result.out, UP_CSV)
                self.assertEqual(result.err, "")

    def test_each_compression_is_recognised_by_content(self):
        packed = {"gzip": gzip.compress(JSONL.encode()), "zstd": self.zstd(JSONL.encode()),
                  "lz4": self.lz4(JSONL.encode())}
        for name, content in packed.items():
            with self.subTest(name):
                result = self.run_tsdb("samples", "--from", self.write("data", content), "up")
                self.assertEqual(result.out, UP_CSV)
                twice = self.write("data", content * 2)
                self.assertEqual(self.run_tsdb("samples", "--from", twice, "up").out, UP_CSV)
                counts = json.loads(self.run_tsdb("stats", "--from", twice, "--format",
                                                  "json").out)["import"]
                self.assertEqual((counts["lines_read"], counts["samples_accepted"]), (6, 8))

    def test_what_was_read_is_counted_for_people_alone(self):
        name = self.write("a.prom", PROM)
        self.assertEqual(self.run_tsdb("series", "--from", name).err, "")
        shown, terminal = pty.openpty()
        done = subprocess.run([self.program, "series", "--from", name], cwd=self.folder,
                              stdout=subprocess.DEVNULL, stderr=terminal, check=False, timeout=120)
        os.close(terminal)
        text = b""
        with contextlib.suppress(OSError):  # which is how Linux tells the end
            while chunk := os.read(shown, 4096):
                text += chunk
        os.close(shown)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"6 lines read, 4 samples accepted, 0 lines rejected", text)

    def test_standard_input(self):
        result = self.run_tsdb("samples", "--from", "-", "up", stdin=gzip.compress(PROM.encode()))
        self.assertEqual(result.out, UP_CSV)

    def test_several_files_are_one_database(self):
        first, rest = JSONL.split("\n", 1)
        files = [self.write("1", first), self.write("2", rest)]
        self.assertEqual(self.run_tsdb("samples", "--from", *files, "up").out, UP_CSV)

    def test_the_format_can_be_forced(self):
        name = self.write("a.prom", "up 1 1.5\n# EOF")
        result = self.run_tsdb("samples", "--from", name, "up", "--input-format", "openmetrics")
        self.assertEqual(result.out, "__name__,timestamp_ms,value\nup,1500,1\n")
        self.assert_fails(self.run_tsdb("samples", "--from", name, "up", "--input-format",
                                        "prometheus"), "a.prom:1:6: error: not a timestamp")

    def test_samples_without_a_timestamp_get_the_one_given(self):
        name = self.write("a.prom", "up 1\n")
        for given, expected in (("1.5", "1500"), ("1970-01-02T00:00:00Z", "86400000")):
            result = self.run_tsdb("samples", "--from", name, "up", "--timestamp", given)
            self.assertEqual(result.out, f"__name__,timestamp_ms,value\nup,{expected},1\n")
            stats = self.run_tsdb("stats", "--from", name, "--timestamp", given, "--format",
                                  "json")
            self.assertEqual(json.loads(stats.out)["import"]["samples_without_timestamp"], 1)

    def test_help_says_the_unit_of_times(self):
        text = " ".join(self.run_tsdb("samples", "--help").out.split())
        self.assertIn("Time of samples without one, in seconds since the epoch", text)
        self.assertIn("Samples from this time on: seconds since the epoch", text)

    def test_strict_openmetrics(self):
        name = self.write("a.om", "# TYPE a counter\na_total -1\n# EOF\n")
        self.assertEqual(self.run_tsdb("samples", "--from", name, "a_total").code, 0)
        self.assert_fails(self.run_tsdb("samples", "--from", name, "a_total", "--strict"),
                          "a.om:2: error: a counter's value is NaN or negative")


class OutputTest(CliTest):
    def query(self, *arguments):
        return self.run_tsdb("samples", "--from", self.write("a.prom", PROM), *arguments,
                             columns="96")

    def test_json_is_prometheus_api_shape(self):
        result = self.query("{}", "--format", "json")
        self.assertEqual(json.loads(result.out), {
            "status": "success",
            "data": {"resultType": "matrix", "result": [
                {"metric": {"__name__": "load"}, "values": [[1.5, "NaN"]]},
                {"metric": {"__name__": "up", "job": "a"}, "values": [[1, "1"], [2, "0.5"]]},
                {"metric": {"__name__": "up", "job": "b"}, "values": [[1, "0"]]}]}})
        self.assertIn('[1.500,"NaN"]', result.out)

    def test_csv_quotes_what_needs_it(self):
        name = self.write("a.prom", 'a{b="x,\\"y\\"\\nz"} 1 5\n')
        result = self.run_tsdb("samples", "--from", name, "a")
        self.assertEqual(list(csv.reader(io.StringIO(result.out, newline=""))),
                         [["__name__", "b", "timestamp_ms", "value"], ["a", 'x,"y"\nz', "5", "1"]])

    def test_table(self):
        self.assertEqual(self.query("up", "--format", "table").out, """up
┌─────┬─────────┬─────────────────────┬─────────────────────┬─────┬─────┬──────┬──────────────┐
│ job │ samples │ from                │ to                  │ min │ max │ last │ course       │
├─────┼─────────┼─────────────────────┼─────────────────────┼─────┼─────┼──────┼──────────────┤
│ a   │       2 │ 1970-01-01 00:00:01 │ 1970-01-01 00:00:02 │ 0.5 │   1 │  0.5 │ █          ▁ │
│ b   │       1 │ 1970-01-01 00:00:01 │ 1970-01-01 00:00:01 │   0 │   0 │    0 │ ▁            │
└─────┴─────────┴─────────────────────┴─────────────────────┴─────┴─────┴──────┴──────────────┘
2 series, 3 samples, 1970-01-01 00:00:01 to 1970-01-01 00:00:02 UTC
""")
        coloured = self.query("up", "--format", "table", "--color", "always")
        self.assertIn("\x1b[36m", coloured.out)

    def test_a_narrow_table_fits(self):
        result = self.run_tsdb("samples", "--from", SHIPPED, '{__name__=~"node_memory.*"}',
                               "--format", "table", columns="80")
        self.assertEqual(result.code, 0, result.err)
        self.assertLessEqual(max(len(line) for line in result.out.splitlines()[1:-2]), 80)
        self.assertIn("more series match", result.out.splitlines()[-1])

    def test_table_of_samples(self):
        self.assertEqual(self.query('up{job="a"}', "--format", "table", "--every").out,
                         'up{job="a"}\n  1970-01-01 00:00:01     1\n'
                         "  1970-01-01 00:00:02     0.5\n")

    def test_label_values_cannot_steer_the_terminal(self):
        name = self.write("a.prom", b'a{b="\x1b[2J"} 1 5\n')
        for extra in ((), ("--every",)):
            result = self.run_tsdb("samples", "--from", name, "a", "--format", "table", *extra)
            self.assertNotIn("\x1b", result.out)
            self.assertIn("\\x1b[2J", result.out)

    def test_range_is_half_open(self):
        for arguments, times in ((("--start", "2"), ["2000"]), (("--end", "2"), ["1000"]),
                                 (("--start", "1", "--end", "2.001"), ["1000", "2000"])):
            out = self.query('up{job="a"}', *arguments).out
            self.assertEqual([line.split(",")[2] for line in out.splitlines()[1:]], times)

    def test_limit(self):
        self.assertEqual(self.query("up", "--limit", "1").out.count("\n"), 3)
        self.assertIn("1 more series match",
                      self.query("up", "--limit", "1", "--format", "table").out)

    def test_no_match_is_no_failure(self):
        result = self.query("nothing", "--format", "json")
        self.assertEqual(result.code, 0)
        self.assertEqual(json.loads(result.out)["data"]["result"], [])
        self.assertIn("no samples match nothing", result.err)

    def test_a_full_disk_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([self.program, "samples", "--from", SHIPPED, "up"], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot write the output", done.stderr)


class ListTest(CliTest):
    """series, labels, values and top, against the labels of the shipped metrics."""

    @classmethod
    def setUpClass(cls):
        text = subprocess.run(["zstd", "-dc", SHIPPED], stdout=subprocess.PIPE, check=True).stdout
        cls.series = [json.loads(line)["metric"] for line in text.splitlines()]

    def lists(self, command, *words):
        """What is listed: the same as lines and as JSON."""
        lines = self.run_tsdb(command, "--from", SHIPPED, *words)
        self.assertEqual(lines.code, 0, lines.err)
        response = json.loads(self.run_tsdb(command, "--from", SHIPPED, *words, "--format",
                                            "json").out)
        self.assertEqual(response["status"], "success")
        self.assertEqual(len(lines.out.splitlines()), len(response["data"]))
        return lines.out.splitlines(), response["data"]

    def test_series(self):
        def in_order(labels):
            return sorted(labels.items())
        lines, data = self.lists("series")
        self.assertEqual(data, sorted(self.series, key=in_order))
        self.assertEqual(len(lines), 1028)
        lines, data = self.lists("series", 'node_cpu_seconds_total{mode=~"i.*"}')
        self.assertEqual(data, sorted((each for each in self.series
                                       if each["__name__"] == "node_cpu_seconds_total"
                                       and each["mode"].startswith("i")), key=in_order))
        self.assertEqual(lines[0], 'node_cpu_seconds_total{cpu="0",instance="devbox",job="node",'
                                   'mode="idle"}')

    def test_labels(self):
        for selector, taken in (("{}", self.series),
                                ("node_cpu_seconds_total",
                                 [each for each in self.series
                                  if each["__name__"] == "node_cpu_seconds_total"])):
            lines, data = self.lists("labels", selector)
            self.assertEqual(data, sorted({name for each in taken for name in each}))
            self.assertEqual(lines, data)

    def test_values(self):
        for words, name, taken in (
                (["__name__"], "__name__", self.series),
                (["device", '{__name__=~"node_disk.*"}'], "device",
                 [each for each in self.series if each["__name__"].startswith("node_disk")])):
            lines, data = self.lists("values", *words)
            self.assertEqual(data, sorted({each[name] for each in taken if name in each}))
            self.assertEqual(lines, data)

    def test_the_label_may_stand_before_the_files(self):
        name = self.write("a.prom", PROM)
        self.assertEqual(self.run_tsdb("values", "job", "--from", name).out, "a\nb\n")
        result = self.run_tsdb("values", "job", "--from", name, 'up{job!="a"}')
        self.assertEqual(result.out, "b\n")

    def test_time_leaves_out_what_has_no_sample_in_it(self):
        name = self.write("a.prom", PROM)
        for command, expected in ((["series"], 'up{job="a"}\n'), (["labels"], "__name__\njob\n"),
                                  (["values", "__name__"], "up\n")):
            result = self.run_tsdb(*command, "--from", name, "--start", "1.6")
            self.assertEqual((result.code, result.out), (0, expected), result.err)

    def test_nothing_listed_is_said_and_no_failure(self):
        name = self.write("a.prom", PROM)
        for command, message in ((["series"], "there are no series that match {a=\"b\"}"),
                                 (["labels"], "there are no series that match {a=\"b\"}"),
                                 (["values", "job"],
                                  "there is no label job in series that match {a=\"b\"}")):
            result = self.run_tsdb(*command, '{a="b"}', "--from", name)
            self.assertEqual((result.code, result.out), (0, ""))
            self.assertIn(message, result.err)
            result = self.run_tsdb(*command, '{a="b"}', "--from", name, "--format", "json")
            self.assertEqual(json.loads(result.out), {"status": "success", "data": []})

    def test_mistakes(self):
        name = self.write("a.prom", PROM)
        for command in (["series"], ["labels"], ["values", "job"]):
            result = self.run_tsdb(*command, "{a=}", "--from", name)
            self.assertEqual((result.code, result.out), (2, ""))
            self.assertIn("in the selector, column 4: a value in quotes is missing", result.err)
        result = self.run_tsdb("values", "--from", name)
        self.assertEqual(result.code, 2)
        self.assertIn("no label NAME is given", result.err)
        self.assertEqual(self.run_tsdb("top").code, 2)

    def test_texts_cannot_steer_the_terminal(self):
        name = self.write("a.prom", b'a{b="\x1b[2J"} 1 5\n')
        for command in (["series"], ["values", "b"], ["top"]):
            result = self.run_tsdb(*command, "--from", name)
            self.assertNotIn("\x1b", result.out)
            self.assertIn("\\x1b[2J", result.out)

    def test_top(self):
        pairs = Counter(pair for each in self.series for pair in each.items())
        values = Counter(name for name, _ in pairs)
        result = self.run_tsdb("top", "--from", SHIPPED, "--limit", "0", "--format", "json")
        top = json.loads(result.out)
        self.assertEqual(top["database"],
                         {"series": 1028, "names": len(values), "pairs": len(pairs)})

        def by_count(counts):
            return sorted(counts, key=lambda each: (-each[-1], each[:-1]))
        self.assertEqual([(each["label"], each["value"], each["series"])
                          for each in top["pairs_by_series"]],
                         by_count((*pair, count) for pair, count in pairs.items()))
        self.assertEqual([(each["label"], each["values"]) for each in top["names_by_values"]],
                         by_count(values.items()))
        self.assertEqual([(each["metric"], each["series"]) for each in top["metrics_by_series"]],
                         by_count((value, count) for (name, value), count in pairs.items()
                                  if name == "__name__"))
        table = self.run_tsdb("top", "--from", SHIPPED, "--limit", "3", columns="40").out
        self.assertEqual(table.count("\n"), 1 + 3 * (4 + 3))
        self.assertLessEqual(max(len(line) for line in table.splitlines()[1:]), 40)


class StatsTest(CliTest):
    def test_shipped_data_balances(self):
        result = self.run_tsdb("stats", "--from", SHIPPED, "--format", "json")
        self.assertEqual(result.code, 0, result.err)
        stats = json.loads(result.out)
        self.assertEqual(stats["import"]["lines_read"], 1028)
        self.assertEqual(stats["import"]["samples_accepted"], 1435494)
        self.assertEqual(stats["data"]["samples"], 1435494)
        self.assertEqual(stats["data"]["series"], 1028)
        self.assertEqual(stats["ledger"]["in_tree"], 1435494)
        self.assertIs(stats["ledger"]["balanced"], True)
        self.assertIs(stats["ledger"]["all_read_back"], True)
        self.assertEqual(sum(stats["timestamp_encodings"].values()), stats["leaves"]["encoded"])
        self.assertEqual(sum(stats["value_encodings"].values()), stats["leaves"]["encoded"])

    def test_table_and_duplicates(self):
        result = self.run_tsdb("stats", "--from", "-", stdin=b"a 1 5\na 2 5\n")
        self.assertEqual(result.code, 0, result.err)
        lines = [line.split() for line in result.out.splitlines()]
        self.assertIn(["replaced", "1"], lines)
        self.assertIn(["in", "tree", "1"], lines)
        self.assertIn(["balanced", "yes"], lines)

    def test_rejections_are_counted_by_reason(self):
        content = b'a 1 5\nb x\nc{d="1",d="2"} 1\ne 1 99999999999999999999\n'
        result = self.run_tsdb("stats", "--from", "-", "--on-error", "skip", "--format", "json",
                               stdin=content)
        counts = json.loads(result.out)["import"]
        self.assertEqual(counts["lines_rejected"], 3)
        for reason in ("malformed", "invalid_labels", "timestamp_out_of_range"):
            self.assertEqual(counts["lines_rejected_" + reason], 1)


class BadInputTest(CliTest):
    def query(self, *arguments, **keywords):
        return self.run_tsdb("samples", *arguments, "{}", **keywords)

    def test_a_bad_line_fails_with_its_place(self):
        name = self.write("a.prom", 'up 1 5\nup{job="a} 2\nup 3 7\n')
        result = self.query("--from", name)
        self.assert_fails(result, 'a.prom:2:8: error: the quote is not closed\n'
                                  '  up{job="a} 2\n         ^\n')
        self.assertIn("2 lines read, 1 sample accepted, 1 line rejected", result.err)

    def test_a_bad_line_is_skipped_on_demand(self):
        name = self.write("a.prom", "up 1 5\nup x 6\nup 3 7\n")
        result = self.query("--from", name, "--on-error", "skip")
        self.assertEqual(result.code, 0)
        self.assertEqual(result.out, "__name__,timestamp_ms,value\nup,5,1\nup,7,3\n")
        self.assertIn("a.prom:2:4: skipped: not a number: 'x'", result.err)
        self.assertIn("3 lines read, 2 samples accepted, 1 line rejected", result.err)

    def test_many_bad_lines_do_not_flood(self):
        name = self.write("a.prom", "x\n" * 1000 + "up 1 5\n")
        result = self.query("--from", name, "--on-error", "skip")
        self.assertEqual(result.code, 0)
        self.assertIn("... and 980 lines more", result.err)

    def test_bad_json(self):
        bad = '{"metric":{"a":"b"},"values":[1,2],"timestamps":[1]}\n'
        name = self.write("a.jsonl", JSONL + bad)
        self.assert_fails(self.query("--from", name), "a.jsonl:4: error: 2 values but 1 timestamps")

    def test_binary_rubbish(self):
        name = self.write("a.bin", bytes(range(256)) * 10)
        self.assert_fails(self.query("--from", name), "a.bin:1:1: error: ")

    def test_empty_files(self):
        for content in (b"", b"\n", b"# a comment\n", gzip.compress(b"")):
            with self.subTest(content):
                name = self.write("empty", content)
                self.assert_fails(self.query("--from", name), "no samples in empty")

    def test_truncated_compressed_input(self):
        whole = JSONL.encode() * 50
        for tool, packed in (("gzip", gzip.compress(whole)), ("zstd", self.zstd(whole)),
                             ("lz4", self.lz4(whole))):
            for cut in (5, len(packed) // 2, len(packed) - 1):
                with self.subTest(f"{tool} at {cut}"):
                    result = self.query("--from", self.write("cut", packed[:cut]))
                    self.assert_fails(result, f"{tool} data is cut short")
                    self.assertIn(f"byte {cut}", result.err)

    def test_damaged_compressed_input(self):
        packed = bytearray(gzip.compress(JSONL.encode() * 50))
        packed[-5] ^= 1
        self.assert_fails(self.query("--from", self.write("bad", bytes(packed))),
                          "gzip data is damaged at byte")

    def test_truncated_text(self):
        self.assert_fails(self.query("--from", self.write("a.jsonl", JSONL[:-10])),
                          "a.jsonl:3: error")
        self.assert_fails(self.query("--from", self.write("a.om", OPENMETRICS[:-6])),
                          "a.om:6: error: '# EOF' is missing at the end")

    def test_a_truncated_file_fails_even_when_lines_are_skipped(self):
        packed = gzip.compress(JSONL.encode() * 50)[:-1]
        self.assert_fails(self.query("--on-error", "skip", "--from", self.write("cut", packed)),
                          "cut short")

    def test_files_that_cannot_be_read(self):
        self.assert_fails(self.query("--from", "missing"),
                          "missing: cannot open the file: No such file or directory")
        self.assert_fails(self.query("--from", self.folder), "it is a directory")

    def test_a_budget_too_small_is_refused(self):
        result = self.run_tsdb("stats", "--from", SHIPPED, "--memory-budget", "3MB")
        self.assert_fails(result, "memory budget")

    def test_interrupt(self):
        command = [self.program, "stats", "--from", "-", "--on-error", "skip"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            # More than is looked at to tell the format, so that reading is seen to have begun.
            process.stdin.write(b"x\n" * 100000)
            process.stdin.flush()
            self.assertIn(b"skipped", process.stderr.readline())
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(out, b"")
        self.assertIn(b"interrupted", err)


class UsageTest(CliTest):
    def test_usage_errors(self):
        name = self.write("a.prom", PROM)
        for arguments, message in (
                ((), "A subcommand is required"),
                (("frobnicate",), "there is no command 'frobnicate'"),
                (("samples", "up"), "Give --db DIR for a database or --from FILE... for files"),
                (("stats",), "Give --db DIR for a database or --from FILE... for files"),
                (("samples", "--db", "db", "--from", name, "up"), "--db and --from exclude each"),
                (("stats", "--db", "db", "--strict"), "--strict requires --from"),
                (("samples", "--db", "db"), "no SELECTOR is given"),
                (("import", name), "--db is required"),
                (("import", "--db", "db"), "FILE is required"),
                (("import", "--db", "db", name, "--durability", "maybe"), "maybe"),
                (("import", "--db", "db", name, "--timestamp", "x"), "--timestamp: not a time"),
                (("verify",), "--db is required"),
                (("export", "--from", name), "--format is required"),
                (("export", "--db", "db", "up{", "--format", "csv"), "column 4"),
                (("samples", "--from", name), "no SELECTOR is given"),
                (("samples", "--from", name, name), "no SELECTOR is given"),
                (("samples", "--from", name, "up", "--format", "xml"), "xml"),
                (("samples", "--from", name, "up", "--start", "x"), "--start: not a time: x"),
                (("samples", "--from", name, "up", "--start", "2", "--end", "1"), "not before"),
                (("samples", "--from", name, "up", "--timestamp", "x"), "--timestamp: not a time"),
                (("samples", "--from", name, 'up{a="b'), "column 6: the quote is not closed\n"
                                                       '  up{a="b\n       ^')):
            with self.subTest(arguments):
                self.assert_usage(self.run_tsdb(*arguments), message)
        self.assertEqual(os.listdir(self.folder), ["a.prom"])

    def test_bench_lists_and_runs_what_lies_beside(self):
        folder = os.path.join(self.folder, "bin")
        os.mkdir(folder)
        shutil.copy(self.program, os.path.join(folder, "tsdb"))
        with open(os.path.join(folder, "scan_benchmark"), "w", encoding="utf-8") as script:
            script.write("#!/bin/sh\necho ran \"$@\"\nexit 7\n")
        program, self.program = self.program, os.path.join(folder, "tsdb")
        try:
            self.assertIn("no benchmark programs", self.run_tsdb("bench").err)
            os.chmod(os.path.join(folder, "scan_benchmark"), 0o755)
            self.assertEqual(self.run_tsdb("bench").out, "scan\n")
            result = self.run_tsdb("bench", "scan", "--help", "--threads", "a b")
            self.assertEqual((result.code, result.out), (7, "ran --help --threads a b\n"))
            self.assert_usage(self.run_tsdb("bench", "scam"),
                              "there is no benchmark 'scam', but scan")
        finally:
            self.program = program

    def test_help_and_version(self):
        for arguments in (("--help",), ("samples", "--help"), ("stats", "--help"),
                          ("import", "--help"), ("export", "--help"), ("verify", "--help")):
            result = self.run_tsdb(*arguments)
            self.assertEqual(result.code, 0)
            self.assertIn("Examples:", result.out)
        self.assertRegex(self.run_tsdb("--version").out, r"^tsdb \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    main()
