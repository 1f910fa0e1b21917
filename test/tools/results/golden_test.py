#!/usr/bin/env python3
"""Printed answers, byte by byte as they are in golden/. Usage:
    golden_test.py PRINT_SAMPLE            compares
    golden_test.py PRINT_SAMPLE --update   writes them anew, to be looked at before they are kept
"""

import os
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "golden")
PROGRAM = None
CHART = ["width=60", "height=14"]

# file -> arguments of print_sample
CASES = {f"{sample}.{format}.txt": [sample, format] for sample, format in (
    ("vector", "table"), ("several", "table"), ("gaps", "table"), ("odd", "table"),
    ("scalar", "table"), ("string", "table"), ("empty", "table"), ("empty_range", "table"),
    ("vector", "csv"), ("raw", "csv"), ("gaps", "csv"), ("empty", "csv"), ("scalar", "csv"),
    ("string", "csv"), ("odd", "csv"),
    ("vector", "json"), ("raw", "json"), ("odd", "json"), ("empty", "json"),
    ("empty_range", "json"), ("scalar", "json"), ("string", "json"), ("nan", "json"),
    ("raw", "jsonl"), ("odd", "jsonl"), ("empty", "jsonl"), ("scalar", "jsonl"),
    ("vector", "markdown"), ("several", "markdown"), ("string", "markdown"), ("empty", "markdown"),
    ("several", "spark"), ("vector", "spark"), ("empty", "spark"),
    ("vector", "svg"), ("gaps", "svg"), ("odd", "svg"), ("empty", "svg"), ("scalar", "svg"),
)}
CASES.update({
    "hostile.table.txt": ["hostile", "table", "width=100"],
    "hostile.table.narrow.txt": ["hostile", "table", "width=50"],
    "many.table.limit.txt": ["many", "table", "limit=3", "width=80"],
    "several.table.narrow.txt": ["several", "table", "width=60"],
    "several.table.color.txt": ["several", "table", "color"],
    "hostile.spark.txt": ["hostile", "spark", "width=80"],
    "several.spark.ascii.txt": ["several", "spark", "ascii", "width=80"],
    "one.chart.txt": ["one", "chart", *CHART],
    "one.chart.ascii.txt": ["one", "chart", "ascii", *CHART],
    "one.chart.80x20.txt": ["one", "chart"],
    "several.chart.txt": ["several", "chart", *CHART],
    "several.chart.color.txt": ["several", "chart", "color", *CHART],
    "several.chart.ascii.txt": ["several", "chart", "ascii", *CHART],
    "many.chart.txt": ["many", "chart", "width=72", "height=24"],
    "gaps.chart.txt": ["gaps", "chart", *CHART],
    "gaps.chart.ascii.txt": ["gaps", "chart", "ascii", *CHART],
    "nan.chart.txt": ["nan", "chart", *CHART],
    "raw.chart.txt": ["raw", "chart", *CHART],
    "hostile.chart.txt": ["hostile", "chart", *CHART],
    "vector.chart.txt": ["vector", "chart", *CHART],
    "vector.chart.color.txt": ["vector", "chart", "color", *CHART],
    "odd.chart.txt": ["odd", "chart", *CHART],
    "odd.chart.ascii.txt": ["odd", "chart", "ascii", *CHART],
    "hostile.markdown.txt": ["hostile", "markdown"],
})


def printed(arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, check=True).stdout


class GoldenTest(unittest.TestCase):
    maxDiff = None

    def test_every_answer_is_printed_as_before(self):
        for name, arguments in CASES.items():
            with self.subTest(name), open(os.path.join(GOLDEN, name), "rb") as file:
                self.assertEqual(printed(arguments).decode(), file.read().decode())

    def test_pictures_are_light_without_a_style_sheet_and_dark_with_it(self):
        paints = {"line": "stroke", "path": "stroke", "rect": "fill", "circle": "fill"}
        for name in CASES:
            if ".svg" not in name:
                continue
            with self.subTest(name):
                picture = ElementTree.parse(os.path.join(GOLDEN, name)).getroot()
                tag = "{http://www.w3.org/2000/svg}"
                sheet = picture.find(tag + "style").text
                self.assertEqual(sheet.strip().splitlines()[0],
                                 "@media (prefers-color-scheme:dark){")
                self.assertIn("fill", picture.attrib)  # which texts inherit
                for each in picture.iter():
                    paint = paints.get(each.tag.removeprefix(tag))
                    self.assertRegex(each.get(paint, ""), "^#" if paint else "^$")
                    for word in each.get("class", "").split():
                        self.assertIn("." + word + "{", sheet)

    def test_every_golden_file_belongs_to_a_case(self):
        self.assertEqual(sorted(os.listdir(GOLDEN)), sorted(CASES))


def update():
    for name in os.listdir(GOLDEN):
        os.remove(os.path.join(GOLDEN, name))
    for name, arguments in CASES.items():
        with open(os.path.join(GOLDEN, name), "wb") as file:
            file.write(printed(arguments))


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    if "--update" in sys.argv:
        update()
    else:
        unittest.main()
