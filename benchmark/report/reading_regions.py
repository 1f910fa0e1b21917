"""What is shown of reading: lookups, scans, queries, series by their labels, PromQL."""

from report import plots, tables

PERCENTILES = {"p50_ns": "p50", "p95_ns": "p95", "p99_ns": "p99", "p99_9_ns": "p99.9",
               "max_ns": "max"}


def beside(row):
    return f"{row['writers']} writers" if row["ingesting"] else "none"


def lookups(results):
    headings = ["how", "threads", "beside", "best lookups/s", "median", "least",
                *PERCENTILES.values(), "by hand lookups/s"]
    ways = {"single": "one at a time", "many": "in batches"}

    def rows(result):
        return [[ways[row["mode"]], str(row["threads"]), beside(row),
                 *tables.spread(row, "lookups_per_second"),
                 *(tables.duration(row.get(field)) for field in PERCENTILES),
                 row["hand_rolled_lookups_per_second"]] for row in result.of("lookup")]
    blocks = tables.of_one(results, "lookup", headings, rows)
    return blocks + ([lookup_plot(results["lookup"])] if "lookup" in results else [])


def lookup_plot(result):
    tics = ", ".join(f"'{name}' {x}" for x, name in enumerate(PERCENTILES.values()))
    series = [(f"threads: {row['threads']}, beside: {beside(row)}",
               [(x, row[field] * 1e-9) for x, field in enumerate(PERCENTILES) if row.get(field)])
              for row in result.of("lookup", mode="single")]
    return plots.Plot("lookup", "Latency of single lookups",
                      plots.curves("latency", tics, series, "%.0s %cs", "latency",
                                   "percentile of lookups"))


def scans(results):
    ways = {"scan": "scans of {} samples", "scan_values": "the same, values alone",
            "aggregate_statistics": "aggregate by statistics",
            "aggregate_decode": "aggregate by decoding"}

    def rows(result):
        return [[ways[row["mode"]].format(row["length"]), str(row["threads"]), beside(row),
                 *tables.spread(row, "samples_per_second"), row["hand_rolled_samples_per_second"]]
                for row in result.of("scan")]
    return tables.of_one(results, "scan", ["what", "threads", "beside", "best samples/s", "median",
                                           "least", "by hand samples/s"], rows)


def queries(results):
    names = {f"query-{query}": what for query, what in {
        "sum": "sum of everything", "rollup": "mean, least, greatest of each minute",
        "group": "sums by one label", "topk": "the ten highest means", "count": "count"}.items()}

    def rows(what, result):
        return [[f"{what}: {row['mode']}", str(row["threads"]), beside(row),
                 row["query_milliseconds"], 1e3 / row["queries_per_second_median"],
                 row["samples_per_second"]] for row in result.of("query")]
    return tables.of_several(results, names, ["query", "threads", "beside", "best ms", "median ms",
                                              "samples/s"], rows)


def promql(results):
    def rows(result):
        return [[row["mode"], str(row["threads"]), str(row["steps"]), row["samples_per_query"],
                 row["query_milliseconds"], 1e3 / row["queries_per_second_median"]]
                for row in result.of("promql")]
    return tables.of_one(results, "promql", ["query", "threads", "steps", "samples", "best ms",
                                             "median ms"], rows)


def index(results):
    def rows(result):
        lines = [["register and index", str(row["threads"]),
                  f"{tables.cell(row['series_per_second'])} series/s",
                  f"{tables.cell(row['series_per_second_median'])} series/s"]
                 for row in result.of("index", mode="register")]
        for row in result.of("index"):
            if row["mode"] in ("lookup", "query"):
                name = row.get("name", "look up by all labels")
                what = f"{name}, {'counted' if row.get('counting') else 'selected'}"
                lines.append([f"`{what}`" if "name" in row else name, str(row["threads"]),
                              *(tables.duration(row[field]) for field in ("ns", "ns_median"))])
        lines += [[what, "-", f"{row[field]:.1f} bytes a series", "-"]
                  for row in result.of("index", mode="memory") for what, field in
                  (("index", "index_bytes_per_series"), ("series table", "table_bytes_per_series"),
                   ("text of labels", "label_text_bytes_per_series"))]
        return lines
    return tables.of_one(results, "index", ["what", "threads", "best", "median"], rows)


def regions(results):
    return {"lookup": lookups(results), "scan": scans(results), "queries": queries(results),
            "promql": promql(results), "index": index(results)}
