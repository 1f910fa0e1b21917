"""What is shown of ingest: rates by writers and by order, and where processor time goes."""

import json
import os

from report import plots, tables

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


# What the benchmark tells of a record's way, in ns of processor time.
STAGES = ("sort into runs", "apply, encode, index", "append, input and the rest")


def stages_of(row):
    merge, sort = (row["engine"][field] / row["records"] for field in ("merge_ns", "merge_sort_ns"))
    # Merges are estimated from one in eight: if the rest comes out below 0 it is not known.
    rest = row["core_ns_per_record"] - merge
    return [sort, merge - sort, rest if rest >= 0 else None]


def stages(results):
    headings = ["writers", *(f"{stage}, ns" for stage in STAGES), "in all, ns a record"]

    def rows(result):
        return [[str(row["writers"]), *stages_of(row), row["core_ns_per_record"]]
                for row in result.of("ingest")]
    blocks = tables.of_one(results, "ingest", headings, rows)
    return blocks + ([stages_plot(results["ingest"])] if "ingest" in results else [])


def stages_plot(result):
    # What is not known is left out of the column: gnuplot draws nothing of unknown values alone.
    lines = [(str(row["writers"]), *(value or 0 for value in stages_of(row)))
             for row in result.of("ingest")]
    parts = [f"$stages using {index + 2}{':xtic(1)' if index == 0 else ''} "
             f"lc rgb '{plots.COLOURS[index]}' title {plots.quoted(stage)}"
             for index, stage in enumerate(STAGES)]
    body = (plots.data("stages", lines) + "set style data histograms\n"
            "set style histogram rowstacked\nset style fill solid 0.85 noborder\n"
            "set boxwidth 0.6\nset yrange [0:*]\nset xlabel 'writers'\n"
            "set ylabel 'ns of processor time a record'\n" + "plot " + ", ".join(parts) + "\n")
    return plots.Plot("stages", "Processor time of a record by stage", body)


def regions(results):
    return {"ingest": by_writers(results), "ingest-orders": by_order(results),
            "stages": stages(results)}
