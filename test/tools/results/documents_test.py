#!/usr/bin/env python3
"""What other programs read of the printed answers: JSON, XML and HTML parse, and say what they
should. Usage: documents_test.py PRINT_SAMPLE, the program test/tools/results/print_sample.cc."""

import csv
import html.parser
import io
import json
import re
import subprocess
import sys
import unittest
import xml.etree.ElementTree

PROGRAM = None
VOID = {"meta", "link", "br"}
# Where a page may name an address: nowhere that loads it.
LOADING = {"src", "href", "action", "data", "poster", "srcset", "background", "formaction"}


def run(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, check=True)
    return done.stdout.decode("utf-8")  # strictly: all output is well-formed


def samples():
    return run().split()


class Page(html.parser.HTMLParser):
    """Elements in pairs, with the text of scripts kept."""

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.scripts = []
        self.text = ""
        self.attributes = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes nothing")

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif not self.open or self.open[-1] != "style":
            self.text += data


class JsonTest(unittest.TestCase):
    def test_every_answer_is_json_of_the_api(self):
        for sample in samples():
            with self.subTest(sample):
                answer = json.loads(run(sample, "json"))
                self.assertEqual(answer["status"], "success")
                self.assertIn(answer["data"]["resultType"],
                              ("scalar", "string", "vector", "matrix"))

    def test_labels_and_values_come_back_exactly(self):
        answer = json.loads(run("hostile", "json"))
        first = answer["data"]["result"][0]
        self.assertEqual(first["metric"]["a"], "</script><script>alert(1)</script><!--")
        self.assertEqual(first["metric"]["b</script>|\n"], "x" * 65536)
        second = answer["data"]["result"][1]
        self.assertEqual(second["metric"]["a"], "\"'`\\|,;\r\n=1+1")
        self.assertEqual(second["metric"]["c"], "\x1b]0;title\x07\x1b[2J\r\n\t\x7f\x9b")
        self.assertEqual(second["values"][3], [1795230045, "3"])
        self.assertEqual(answer["warnings"], ["PromQL warning: \ufffd</script>\u2028"])

    def test_json_lines_and_csv_tell_the_same(self):
        lines = [json.loads(line) for line in run("raw", "jsonl").splitlines()]
        samples = [(line["metric"]["room"], time, value) for line in lines
                   for time, value in zip(line["timestamps"], line["values"])]
        self.assertEqual(len(samples), 5)
        rows = list(csv.DictReader(io.StringIO(run("raw", "csv"))))
        self.assertEqual([(room, value) for room, _, value in samples],
                         [(row["room"], float(row["value"])) for row in rows])

    def test_csv_keeps_every_byte_of_labels(self):
        reader = csv.DictReader(io.StringIO(run("hostile", "csv"), newline=""))
        csv.field_size_limit(1 << 20)
        rows = list(reader)
        self.assertEqual(len(rows), 84)
        self.assertEqual(rows[0]["b</script>|\n"], "x" * 65536)
        self.assertEqual(rows[21]["a"], "\"'`\\|,;\r\n=1+1")


class MarkdownTest(unittest.TestCase):
    def test_every_row_has_the_same_cells(self):
        for sample in samples():
            rows = [line for line in run(sample, "markdown").splitlines() if line.startswith("|")]
            with self.subTest(sample):
                self.assertGreaterEqual(len(rows), 2)
                counts = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows}
                self.assertEqual(len(counts), 1, rows)


class SvgTest(unittest.TestCase):
    def test_every_picture_is_xml_that_loads_nothing(self):
        for sample in samples():
            with self.subTest(sample):
                text = run(sample, "svg")
                root = xml.etree.ElementTree.fromstring(text)
                self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
                tags = {element.tag.split("}")[1] for element in root.iter()}
                self.assertLessEqual(tags, {"svg", "g", "title", "style", "rect", "line", "path",
                                            "circle", "text"})
                rest = text.replace('xmlns="http://www.w3.org/2000/svg"', "", 1)
                self.assertNotIn("://", rest)
                self.assertEqual(text, run(sample, "svg"))

    def test_the_title_is_the_expression(self):
        root = xml.etree.ElementTree.fromstring(run("hostile", "svg"))
        title = root.find("{http://www.w3.org/2000/svg}title").text
        self.assertTrue(title.startswith('x{a="</title></script><script>alert(1)</script>"}\\x1b'))

    def test_everything_lies_within_the_picture(self):
        for sample in samples():
            root = xml.etree.ElementTree.fromstring(run(sample, "svg"))
            width, height = float(root.get("width")), float(root.get("height"))
            for path in root.iter("{http://www.w3.org/2000/svg}path"):
                for x, y in re.findall(r"[ML](-?[\d.]+),(-?[\d.]+)", path.get("d")):
                    self.assertTrue(0 <= float(x) <= width and 0 <= float(y) <= height, sample)

    def test_gaps_and_values_that_are_no_numbers_break_the_line(self):
        root = xml.etree.ElementTree.fromstring(run("gaps", "svg"))
        path, = root.iter("{http://www.w3.org/2000/svg}path")
        # 0-2, 5-9, 12-19, 23-25, 32-40; 21 alone is a point.
        self.assertEqual(path.get("d").count("M"), 5)
        self.assertEqual(len(list(root.iter("{http://www.w3.org/2000/svg}circle"))), 1)


class HtmlTest(unittest.TestCase):
    def test_every_page_is_well_formed_and_loads_nothing(self):
        for sample in samples():
            with self.subTest(sample):
                text = run(sample, "html")
                page = Page(text)
                self.assertEqual(page.open, [])
                self.assertIn("default-src 'none'", text)
                self.assertFalse([a for a in page.attributes if a[1] in LOADING])
                self.assertIsNone(re.search(r"https?://|@import|url\(", text))

    def test_no_label_becomes_markup(self):
        page = Page(run("hostile", "html"))
        self.assertEqual(len(page.scripts), 3)  # the answer, uPlot, the page's own
        self.assertIn("</script><script>alert(1)</script>", page.text)
        answer = json.loads(page.scripts[0])
        self.assertEqual(answer["series"][0]["metric"]["a"],
                         "</script><script>alert(1)</script><!--")
        self.assertEqual(answer["series"][0]["metric"]["b</script>|\n"], "x" * 65536)

    def test_the_answer_has_the_samples(self):
        answer = json.loads(Page(run("gaps", "html")).scripts[0])
        self.assertEqual(answer["grid"], {"first": 1795230000000, "step": 15000, "count": 41})
        values = answer["series"][0]["values"]
        holes = {3, 4, 10, 11, 20, 22, 26, 27, 28, 29, 30, 31}
        self.assertEqual(values, [None if i in holes else i for i in range(41)])
        raw = json.loads(Page(run("raw", "html")).scripts[0])
        self.assertEqual(raw["series"][0]["values"], [20.5, 21, -3.25])
        self.assertEqual(raw["series"][0]["times"],
                         [1795227000000, 1795227999877, 1795229000000])

    def test_the_licence_of_the_chart_library_is_in_the_page(self):
        self.assertIn("Copyright (c) 2022 Leon Sorokin", run("one", "html"))
        self.assertNotIn("Leon Sorokin", run("vector", "html"))


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
