"""Runs the built program's `tsdb query` and looks at what a user would see.

    cli_query_test.py PROGRAM [unittest options]
"""

import csv
import io
import json
import os
import xml.etree.ElementTree as ElementTree

from cli_fixture import SHIPPED, CliTest, main

# A constant and a counter of three hosts, once a second from 1000 s on.
PROM = "".join(
    f'load{{host="{host}"}} {host} {(1000 + t) * 1000}\n'
    f'work_total{{host="{host}"}} {t * 10 * (host + 1)} {(1000 + t) * 1000}\n'
    for t in range(61) for host in range(3))


class QueryTest(CliTest):
    def ask(self, *arguments, **keywords):
        if not os.path.exists(os.path.join(self.folder, "m.prom")):
            self.write("m.prom", PROM)
        return self.run_tsdb("query", "--from", "m.prom", *arguments, **keywords)

    def json(self, *arguments):
        result = self.ask(*arguments, "--format", "json")
        self.assertEqual(result.code, 0, result.err)
        return json.loads(result.out)

    def test_instant_is_of_the_newest_sample_or_of_a_time(self):
        answer = self.json("sum(rate(work_total[1m]))")
        self.assertEqual(answer["data"]["resultType"], "vector")
        time, value = answer["data"]["result"][0]["value"]
        self.assertEqual(time, 1060)
        self.assertAlmostEqual(float(value), 60)
        for given in ("1030", "1970-01-01T00:17:10Z"):
            answer = self.json("max(work_total)", "--time", given)
            self.assertEqual(answer["data"]["result"][0]["value"], [1030, "900"])

    def test_newest_is_of_what_is_asked_about(self):
        self.write("m.prom", PROM + "old 7 5000\n")
        self.assertEqual(self.json("old")["data"]["result"][0]["value"], [5, "7"])
        self.assertEqual(self.json("nothing")["data"]["result"], [])
        self.assertEqual(self.json("vector(1)")["data"]["result"][0]["value"], [1060, "1"])

    def test_ranges(self):
        for when in (("--start", "1010", "--end", "1020"), ("--last", "50s", "--end", "1060")):
            answer = self.json("count(load)", *when, "--step", "5s")
            self.assertEqual(answer["data"]["resultType"], "matrix")
            first = int(when[1]) if when[0] == "--start" else 1010
            last = int(when[3])
            self.assertEqual(answer["data"]["result"][0]["values"],
                             [[t, "3"] for t in range(first, last + 1, 5)])
        answer = self.json("count(load)", "--last", "1m")  # a step of its own
        self.assertEqual(len(answer["data"]["result"][0]["values"]), 61)
        answer = self.json('load{host="1"}[3s]')
        self.assertEqual(answer["data"]["result"][0]["values"],
                         [[t, "1"] for t in (1058, 1059, 1060)])

    def test_ranges_can_be_closed(self):
        self.assertEqual(self.json("count_over_time(load[3s])")["data"]["result"][0]["value"][1],
                         "3")
        answer = self.json("count_over_time(load[3s])", "--closed-ranges")
        self.assertEqual(answer["data"]["result"][0]["value"][1], "4")

    def test_lookback(self):
        when = ("load", "--time", "1070")
        self.assertEqual(len(self.json(*when)["data"]["result"]), 3)
        self.assertEqual(self.json(*when, "--lookback", "10s")["data"]["result"], [])

    def test_every_format(self):
        for name in ("table", "csv", "json", "jsonl", "markdown", "chart", "spark", "svg", "html"):
            for when in ((), ("--last", "1m")):
                result = self.ask("rate(work_total[10s])", "--format", name, *when)
                self.assertEqual(result.code, 0, result.err)
                self.assertNotIn("warning", result.err)
                self.assertIn("host", result.out, name)
        rows = list(csv.DictReader(io.StringIO(self.ask("load", "--limit", "1").out)))
        self.assertEqual([row["value"] for row in rows], ["0", "1", "2"])
        picture = self.ask("load", "--last", "1m", "--format", "svg").out
        self.assertTrue(ElementTree.fromstring(picture).tag.endswith("svg"))

    def test_output_file(self):
        result = self.ask("load", "--format", "html", "-o", "page.html")
        self.assertEqual((result.code, result.out), (0, ""))
        self.assertEqual(sorted(os.listdir(self.folder)), ["m.prom", "page.html"])
        result = self.ask("load", "-o", "missing/page.html")
        self.assertEqual(result.code, 1)
        self.assertIn("missing/page.html", result.err)

    def test_explain(self):
        result = self.ask("sum by (host)(rate(work_total[30s]))", "--last", "1m", "--explain")
        self.assertEqual(result.code, 0)
        for words in ("sum by (host)", "rate()", "work_total[30s]", "range vector", "3 series",
                      "183 samples", "a step each 1s"):
            self.assertIn(words, result.out)

    def test_warnings_are_told(self):
        result = self.ask("quantile(2, load)")
        self.assertEqual(result.code, 0)
        self.assertIn("quantile value should be between 0 and 1, got 2 (1:10)", result.err)

    def test_mistakes_in_the_expression(self):
        for expression, message in (
                ("sum(rate(load)", "1:15: parse error: unclosed left parenthesis"),
                ("rate(load)", "1:6: parse error: expected type range vector"),
                ("laod[", "1:6: parse error:"),
                ("ratte(load[1m])", "did you mean rate")):
            with self.subTest(expression):
                result = self.ask(expression)
                self.assert_usage(result, message)
                self.assertIn("^", result.err)

    def test_questions_that_fail(self):
        for expression, message in (
                ('work_total + on() load', "many-to-many"),
                ('label_replace(load, "a", "b", "c", "(")', "invalid regular expression")):
            result = self.ask(expression)
            self.assertEqual(result.code, 1)
            self.assertIn(message, result.err)

    def test_usage(self):
        for arguments, message in (
                (("load", "--time", "x"), "--time: not a time: x"),
                (("load", "--last", "x"), "--last: not a duration: x"),
                (("load", "--last", "1h", "--time", "5"), "give one or the other"),
                (("load", "--end", "5"), "--end needs --start"),
                (("load", "--start", "9", "--end", "5"), "--start is after --end"),
                (("load", "--step", "5"), "--step needs a range"),
                (("load", "--lookback", "-1"), "--lookback: not a duration"),
                (("load", "--format", "xml"), "xml"),
                ((), "no EXPR is given")):
            with self.subTest(arguments):
                self.assert_usage(self.ask(*arguments), message)

    def test_limits_name_the_option_that_raises_them(self):
        result = self.ask("load", "--start", "0", "--end", "1000", "--step", "1ms")
        self.assertEqual(result.code, 1)
        self.assertIn("--max-steps", result.err)
        result = self.ask("load", "--max-memory", "10", "--last", "1m")
        self.assertEqual(result.code, 1)
        self.assertIn("--max-memory", result.err)

    def test_a_database_of_real_metrics(self):
        self.assertEqual(self.run_tsdb("import", "--db", "db", SHIPPED).code, 0)
        result = self.run_tsdb("query", "--db", "db", "--format", "json", "--last", "20m",
                               "sum by (cpu) (rate(node_cpu_seconds_total[1m]))")
        self.assertEqual(result.code, 0, result.err)
        answer = json.loads(result.out)["data"]["result"]
        self.assertEqual([s["metric"] for s in answer], [{"cpu": "0"}, {"cpu": "1"}])
        for series in answer:  # a processor spends a second a second
            values = [float(value) for _, value in series["values"]]
            self.assertGreater(len(values), 100)
            self.assertAlmostEqual(sum(values) / len(values), 1, delta=0.05)


if __name__ == "__main__":
    main()
