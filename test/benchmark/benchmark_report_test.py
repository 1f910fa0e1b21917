#!/usr/bin/env python3
"""tools/benchmark-report keeps what stood its own check, and shows just that.

    benchmark_report_test.py [PROGRAMS]   with a directory of built programs, each benchmark of the
                                          report is run by them, too, at a size that means nothing
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "benchmark"))
sys.dont_write_bytecode = True

# Found by the path above.
from report import benchmarks, document, ingest_regions, plots, results  # noqa: E402

TOOL = os.path.join(ROOT, "tools/benchmark-report")
PERFORMANCE = os.path.join(ROOT, "docs/performance.md")
SCALING = os.path.join(ROOT, "docs/scaling.md")
README = os.path.join(ROOT, "README.md")
DOCUMENTS = (PERFORMANCE, SCALING, README)
PICTURES = {"ingest", "stages", "lookup", "mixed", "sizes", "peers", "scaling",
            "memory"}
MACHINE = {"benchmark": "machine", "compiler": "gcc 12.2.0", "build": "release"}
INGEST = {"benchmark": "ingest", "series": 40, "samples": 300, "writers": 2, "records": 12000,
          "records_per_second": 3.4e8, "records_per_second_min": 1.2e8,
          "records_per_second_median": 2.34e8, "records_per_second_max": 3.45e8,
          "writer_records_per_second": 4.1e8, "slot_only_records_per_second": 1.3e9,
          "merged_to_slot_only_ratio": 0.265, "core_ns_per_record": 5.55, "bytes_per_record": 1.53,
          "bytes_per_record_all": 2.39, "bytes_per_series": 700,
          "repeat": 9, "hand_rolled_records_per_second": 2.8e7}
PEER = {"benchmark": "peer", "task": "ingest", "figure": "records_per_second", "keeping": "memory",
        "order": "scrape", "mode": "record", "threads": 0, "writers": 2, "peer": "tsdb",
        "smaller_part": False, "best": 3e8}
PEERS = [PEER, {**PEER, "writers": 8, "best": 2e8}, {**PEER, "peer": "faster", "best": 4.5e8},
         {**PEER, "peer": "slower", "smaller_part": True, "best": 1.5e6},
         {"benchmark": "peer_skipped", "peer": "absent", "case": "", "reason": "not built"}]


def printing(*rows, code=0):
    """A program that prints JSON lines, as the benchmarks do."""
    text = "\n".join(map(json.dumps, [MACHINE, *rows]))
    return f"#!/bin/sh\ncat <<'EOD'\n{text}\nEOD\nexit {code}\n"


def value_of(text):
    """12.3 M as a number."""
    number, _, unit = text.removesuffix("/s").partition(" ")
    return float(number) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[unit.strip()]


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.results = self.path("results")
        self.documents = [shutil.copy(path, self.folder) for path in DOCUMENTS]

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def program(self, name, text):
        os.makedirs(self.path("bin"), exist_ok=True)
        with open(self.path("bin/" + name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path("bin/" + name), 0o755)

    def report(self, *arguments, programs=None, **options):
        command = [sys.executable, TOOL, "--results", self.results, "--scratch",
                   self.path("scratch"), "--programs", programs or self.path("bin")]
        command += [word for path in self.documents for word in ("--document", path)]
        return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False,
                              **options)

    def render(self, **options):
        done = self.report("--render", **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def all_documents(self):
        return "".join(self.read(os.path.basename(path)) for path in self.documents)

    def region(self, name):
        text = self.all_documents()
        return re.search(f"<!-- measured: {name} -->(.*?)<!-- end -->", text, re.DOTALL).group(1)

    def table(self, name):
        """[{heading: cell}] of the region's first table."""
        lines = re.search(r"(?:^\|.*\n)+", self.region(name), re.MULTILINE).group().splitlines()
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        return [dict(zip(cells[0], row)) for row in cells[2:]]

    def assert_near(self, text, value):
        self.assertAlmostEqual(value_of(text) / value, 1, delta=0.006)


class MadeUp(Report):
    """With programs that print what they are told to."""

    def test_a_run_is_kept_with_where_it_comes_from_and_shown(self):
        rows = [INGEST, {**INGEST, "writers": 32, "records_per_second_max": 2.01e8}]
        self.program("ingest_benchmark", printing(*rows))
        done = self.report("--only", "ingest")
        self.assertEqual(done.returncode, 0, done.stderr)
        head, *kept = map(json.loads, self.read("results/ingest.jsonl").splitlines())
        self.assertEqual(kept, [MACHINE, *rows])
        for field in ("processor", "cores", "memory_bytes", "kernel", "commit", "date",
                      "load_average_before", "load_average_after"):
            self.assertTrue(head[field], field)
        self.assertEqual(head["compiler"], "gcc 12.2.0")
        self.assertEqual(head["command"], "ingest_benchmark --repeat 9")
        self.assertEqual(os.listdir(self.path("scratch")), [])

        self.render()
        self.assertIn("`ingest_benchmark --repeat 9`", self.region("ingest"))
        for shown, row in zip(self.table("ingest"), rows, strict=True):
            self.assertEqual(shown["writers"], str(row["writers"]))
            self.assert_near(shown["best records/s"], row["records_per_second_max"])
            self.assert_near(shown["least"], row["records_per_second_min"])
            self.assert_near(shown["writers alone"], row["slot_only_records_per_second"])

    def test_stages_have_their_budget_or_the_reason_why_they_were_not_measured(self):
        stage = {"benchmark": "stage", "stage": "encode", "ns_per_record": 1.25, "share": 0.5,
                 "most": {"Pack (x)": 0.31, "Scan (x)": 0.1, "Never (x)": 0.001}}
        self.program("profile", printing(INGEST, stage, {**stage, "stage": "other"}))
        flags = ("--only", "stages", "--command")
        self.assertEqual(self.report(*flags, "stages=profile").returncode, 0)
        said = self.render()
        self.assertEqual(self.table("stages"), [
            {"stage": name, "ns a record": "1.25", "designed for": budget,
             "most of all in": "`Pack` 31 %, `Scan` 10 %"}
            for name, budget in (("encode", "1.70"), ("other", "-"))])
        self.assertIn("345 M records/s", self.region("stages"))
        if shutil.which(plots.PROGRAM):
            self.assertIn("stages.svg", os.listdir(self.results), said)

        self.program("none", printing({"benchmark": "stage_skipped", "reason": "no profiler"}))
        self.assertEqual(self.report(*flags, "stages=none").returncode, 0)
        self.render()
        self.assertIn("Not measured: no profiler.", self.region("stages"))

    def test_what_fails_leaves_nothing_and_what_was_kept_before_stays(self):
        self.program("ingest_benchmark", printing(INGEST, code=1))
        self.program("lookup_benchmark", "#!/bin/sh\necho '{\"benchmark\": \"machine\"}'\n")
        self.program("scan_benchmark", "#!/bin/sh\necho 'one million a second'\n")
        done = self.report("--only", "ingest,lookup,scan,index")
        self.assertEqual(done.returncode, 1)
        for text in ("FAILED: ingest_benchmark --repeat 9 exited with 1; nothing of it is kept",
                     "no figure was printed", "a line is not JSON", "index_benchmark: No such file",
                     "4 of 4 failed: ingest, lookup, scan, index"):
            self.assertIn(text, done.stderr)
        self.assertFalse(os.path.exists(self.results))

        self.program("ingest_benchmark", printing(INGEST))
        self.assertEqual(self.report("--only", "ingest").returncode, 0)
        before = self.read("results/ingest.jsonl")
        self.program("ingest_benchmark", printing({**INGEST, "writers": 7}, code=1))
        self.assertEqual(self.report("--only", "ingest").returncode, 1)
        self.assertEqual(self.read("results/ingest.jsonl"), before)
        self.assertEqual(os.listdir(self.results), ["ingest.jsonl"])

    def test_what_is_missing_is_said_in_its_place(self):
        said = self.render()
        for each in benchmarks.ALL:
            self.assertIn(f"not measured yet: {each.name}\n", said)
        asked_for = re.findall(r"Not measured yet: run `tools/benchmark-report --only ([\w,-]+)`",
                               self.all_documents())
        self.assertEqual({name for names in asked_for for name in names.split(",")},
                         {each.name for each in benchmarks.ALL})
        self.assertFalse(os.path.exists(self.results))

    def test_the_document_shows_every_region_and_its_own_text_stays(self):
        text = self.read("performance.md")
        shown = [name for _, name, _ in document.REGION.findall(self.all_documents())]
        self.assertEqual(sorted(shown), sorted(document.regions({})))
        self.render()
        for line in document.REGION.sub("", text).splitlines():
            self.assertIn(line, self.read("performance.md"))

    def test_a_peer_that_is_better_is_bold_and_what_was_skipped_is_named(self):
        self.program("peer_benchmark", printing(*PEERS))
        command = "peer_benchmark --directory DIR --repeat 3 --warm-ups 0"
        done = self.report("--only", "peers", "--command", f"peers={command}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.render()
        self.assertEqual(self.table("peers"), [{
            "figure": "ingest, scrape, record", "tsdb": "300 M/s (2)", "faster": "**450 M/s (2)**",
            "slower": "1.5 M/s (2) †"}])
        self.assertIn("Skipped: absent (not built).", self.region("peers"))
        self.assertIn(f"`{command}`", self.region("peers"))

    def test_rendering_twice_gives_the_same_bytes(self):
        self.program("ingest_benchmark", printing(INGEST))
        self.program("peer_benchmark", printing(*PEERS))
        self.assertEqual(self.report("--only", "ingest,peers").returncode, 0)

        def rendered():
            self.render()
            names = [f"results/{file}" for file in os.listdir(self.results)]
            return {name: self.read(name) for name in ["performance.md", "scaling.md", *names]}
        first = rendered()
        self.assertEqual(rendered(), first)
        for name in list(first):
            if name.endswith(".svg"):
                os.remove(self.path(name))
        shutil.copy(PERFORMANCE, self.path("performance.md"))
        self.assertEqual(rendered(), first)

    def test_without_gnuplot_tables_are_made_and_pictures_left_out_by_name(self):
        self.program("ingest_benchmark", printing(INGEST))
        self.assertEqual(self.report("--only", "ingest").returncode, 0)
        without = {**os.environ, "PATH": self.path("nothing")}
        said = self.render(env=without)
        for name in ("ingest", "sizes"):
            self.assertIn(f"skipped: {name}.svg: there is no gnuplot: tools/install-dependencies "
                          "--report", said)
        self.assert_near(self.table("ingest")[0]["median"], INGEST["records_per_second_median"])
        self.assertIn("The picture `ingest.svg` was not drawn.", self.region("ingest"))
        self.assertEqual(os.listdir(self.results), ["ingest.jsonl"])

    def test_a_picture_of_other_figures_is_never_shown(self):
        drawn = plots.Plot("rates", "Rates", "plot 1\n")
        with open(self.path("rates.svg"), "w", encoding="utf-8") as file:
            file.write(f"<svg><desc>{drawn.digest()}</desc></svg>\n")
        plots.draw(self.folder, drawn)  # is there, so nothing is asked for
        self.assertFalse(plots.is_drawn(self.folder, drawn._replace(body="plot 2\n")))
        self.assertFalse(plots.is_drawn(self.folder, drawn._replace(title="Other rates")))

    def test_wrong_usage_and_damaged_results_exit_with_2(self):
        quick = [sys.executable, TOOL, "--quick"]
        done = subprocess.run(quick, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("do not belong in docs/results", done.stderr)
        self.assertEqual(self.report("--only", "nothing").returncode, 2)
        self.assertEqual(self.report("--only", "ingest", "--command", "scan=x").returncode, 2)
        os.mkdir(self.results)
        with open(self.path("results/ingest.jsonl"), "w", encoding="utf-8") as file:
            file.write(json.dumps(INGEST) + "\n")
        done = self.report("--render")
        self.assertEqual(done.returncode, 2)
        self.assertIn("ingest.jsonl: its first line is no report's", done.stderr)
        with open(PERFORMANCE, encoding="utf-8") as file:
            self.assertEqual(self.read("performance.md"), file.read())

    def test_what_others_published_is_drawn_beside_with_its_source(self):
        self.program("ingest_benchmark", printing(INGEST))
        self.assertEqual(self.report("--only", "ingest").returncode, 0)
        with open(self.path("published.json"), "w", encoding="utf-8") as file:
            json.dump([{"name": "another", "source": "its README", "writers": [2, 32],
                        "records_per_second": [4e6, 2.1e5]}], file)
        with unittest.mock.patch.object(ingest_regions, "PUBLISHED", self.path("published.json")):
            *texts, plot = ingest_regions.by_writers(results.load(self.results, ["ingest"]))
        self.assertIn("another (its README): 4 M/s with 2 writers, 210 k/s with 32 writers.", texts)
        self.assertIn('title "another"', plot.script())
        self.assertIn("32 210000.0\n", plot.script())

    def test_quick_flags_take_the_place_of_what_is_there(self):
        self.assertEqual(benchmarks.with_flags(["p", "--a", "1", "--b", "--c", "2"],
                                               ["--c", "3", "--b", "--d", "4"]),
                         ["p", "--a", "1", "--b", "--c", "3", "--d", "4"])


class Kept(Report):
    def test_the_documents_are_what_the_kept_results_make(self):
        kept = os.path.join(ROOT, "docs/results")
        os.makedirs(self.path("docs"))
        self.documents = [shutil.copy(path, self.path("docs")) for path in DOCUMENTS]
        self.results = self.path("docs/results")
        if os.path.isdir(kept):
            shutil.copytree(kept, self.results)
        self.render(env={**os.environ, "PATH": self.path("nothing")})
        for path in DOCUMENTS:
            with open(path, encoding="utf-8") as file:
                self.assertEqual(self.read("docs/" + os.path.basename(path)), file.read(),
                                 f"\n{path}: run tools/benchmark-report --render")


class Built(Report):
    """With the programs as they were built."""
    programs = None

    def test_every_benchmark_runs_and_its_figures_are_shown(self):
        done = self.report("--quick", programs=self.programs)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = self.render()
        text = self.all_documents()
        self.assertNotIn("measured yet", said + text)
        self.assertGreaterEqual(text.count("**quick: it means nothing**"), len(benchmarks.ALL))
        found = results.load(self.results, [each.name for each in benchmarks.ALL])
        for name, result in found.items():
            self.assertIn(f"`{result.command}`", text, name)
        for shown, row in zip(self.table("ingest"), found["ingest"].of("ingest"), strict=True):
            self.assert_near(shown["best records/s"], row["records_per_second_max"])
        for shown, row in zip(self.table("lookup"), found["lookup"].of("lookup"), strict=True):
            self.assert_near(shown["best lookups/s"], row["lookups_per_second_max"])
        pictures = PICTURES - {"stages"} if found["stages"].of("stage_skipped") else PICTURES
        if shutil.which(plots.PROGRAM):
            drawn = {file[:-4] for file in os.listdir(self.results) if file.endswith(".svg")}
            self.assertEqual(drawn, pictures)
        else:
            self.assertEqual(set(re.findall(r"skipped: (\w+)\.svg", said)), pictures)


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]):
        Built.programs = sys.argv.pop(1)
    else:
        del Built
    unittest.main()
