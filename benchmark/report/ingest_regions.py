"""What is shown of ingest: rates by writers and by order, and where processor time goes."""

import json
import os

from report import plots, tables
from report.stages import BUDGETS

PUBLISHED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "published.json")
WRITERS_TICS = ", ".join(f"'{n}' {n}" for n in (1, 2, 4, 8, 16, 32))


def published():
    """Curves that others published, to be drawn beside: a list of
    {"name": ..., "source": ..., "writers": [...], "records_per_second": [...]}; none without file.
    """
    try:
        with open(PUBLISHED, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return []


def by_writers(results):
    headings = ["writers", "best records/s", "median", "least", "writers alone", "merged / alone",
                "CPU ns a record", "bytes a record, encoded", "with all", "by hand records/s"]

    def rows(result):
        return [[str(row["writers"]), *tables.spread(row, "records_per_second"),
                 row["slot_only_records_per_second"], row["merged_to_slot_only_ratio"],
                 row["core_ns_per_record"],
                 tables.decimal(row["bytes_per_record"]),
                 tables.decimal(row["bytes_per_record_all"]),
                 row["hand_rolled_records_per_second"]] for row in result.of("ingest")]
    blocks = tables.of_one(results, "ingest", headings, rows)
    if "ingest" not in results:
        return blocks
    for curve in published():
        blocks.append(tables.paragraph(
            f"{curve['name']} ({curve['source']}): " + ", ".join(
                f"{tables.cell(rate)}/s with {writers} writers" for writers, rate in
                zip(curve["writers"], curve["records_per_second"])) + "."))
    return blocks + [rates_plot(results["ingest"])]


def rates_plot(result):
    rows = result.of("ingest")

    def curve(field):
        return [(row["writers"], row[field]) for row in rows if row[field]]
    merged = [(row["writers"], *(row[f"records_per_second_{which}"]
                                 for which in ("max", "min", "max"))) for row in rows]
    series = [("written, merged and readable: best, down to least", merged),
              ("writers until the last append", curve("writer_records_per_second")),
              ("writers alone, nothing merged", curve("slot_only_records_per_second")),
              ("map of vectors by hand", curve("hand_rolled_records_per_second"))]
    series += [(entry["name"], list(zip(entry["writers"], entry["records_per_second"])))
               for entry in published()]
    body = "set logscale x 2\n" + plots.curves(
        "rate", WRITERS_TICS, series, "%.0s %c", "records/s", "writers")
    return plots.Plot("ingest", "Ingest by number of writers, records a second", body)


def by_order(results):
    names = {"ingest-prefault": "scrape order, memory touched at open",
             "ingest-long": "scrape order, W x 10", "ingest-series": "series after series",
             "ingest-columns": "columns", "ingest-late": "5 % late by up to an hour",
             "ingest-shuffled": "shuffled", "ingest-many-series": "a million series of ten samples"}

    def rows(what, result):
        return [[f"{what}, writers: {row['writers']}", *tables.spread(row, "records_per_second"),
                 row["bytes_per_record_all"], row["bytes_per_series"]]
                for row in result.of("ingest")]
    return tables.of_several(results, names, ["order", "best records/s", "median", "least",
                                              "bytes a record", "bytes a series"], rows)


def stages(results):
    if "stages" not in results:
        return [tables.missing("stages")]
    result = results["stages"]
    rows = result.of("stage")
    if not rows:
        return [f"Not measured: {row['reason']}." for row in result.of("stage_skipped")] + [
            tables.provenance(result)]
    lines = [[row["stage"], tables.decimal(row["ns_per_record"]),
              tables.decimal(BUDGETS.get(row["stage"])),
              ", ".join(f"`{name.partition(' ')[0].removeprefix('tsdb::')}` {100 * share:.0f} %"
                        for name, share in row["most"].items() if share >= 0.01)]
             for row in rows]
    ingest = result.of("ingest")[0]
    plot = plots.Plot("stages", "Processor time of a record by stage", plots.bars(
        "stage", [(row["stage"], row["ns_per_record"]) for row in rows],
        lambda value: f"{value:.2f} ns", lambda label: label in BUDGETS), height=340)
    return [
        tables.table(["stage", "ns a record", "designed for", "most of all in"], lines),
        tables.provenance(result),
        tables.paragraph(
            f"In all {ingest['core_ns_per_record']:.2f} ns of processor time a record; the best of "
            f"{ingest['repeat']} runs ingested {tables.cell(ingest['records_per_second_max'])} "
            "records/s while it was looked at."), plot]


def regions(results):
    return {"ingest": by_writers(results), "ingest-orders": by_order(results),
            "stages": stages(results)}
