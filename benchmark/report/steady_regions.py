"""What is shown of latencies at given rates, and of memory by series and allocator."""

from report import plots, tables

RATES = (1_000_000, 5_000_000, 20_000_000)  # records a second; as in benchmarks.py
PERCENTILES = {"p50_ns": "p50", "p99_ns": "p99", "p99_9_ns": "p99.9", "max_ns": "max"}
OPERATIONS = {"append": "append", "append_group": "64 appends", "commit": "commit, durable",
              "fresh_snapshot": "fresh snapshot", "lookup": "lookup", "short_scan": "short scan"}
MEBI = 2**20


def rate_names():
    return [f"rate-{rate // 1_000_000}m" for rate in RATES]


def rates(results):
    names = dict(zip(rate_names(), (f"{rate // 1_000_000} M/s" for rate in RATES)))

    def rows(what, result):
        for row in result.of("mixed"):
            for operation, name in OPERATIONS.items():
                if operation in row:
                    yield [what, name, *(tables.duration(row[operation][field])
                                         for field in PERCENTILES)]
    return tables.of_several(results, names, ["records", "operation", *PERCENTILES.values()], rows)


def memory(results):
    def rows(result):
        for row in result.of("memory"):
            heap, series = row["heap"], row["series"]
            part = heap["allocated_bytes"] and heap["allocated_bytes"] / heap["active_bytes"]
            yield [tables.cell(series), tables.cell(row["samples"]), heap["allocator"],
                   tables.cell(row["bytes_per_series"]),
                   tables.cell(row["resident_growth_bytes_per_series"]),
                   f"{row['resident_growth_bytes_per_series'] / row['samples']:.2f}",
                   f"{heap['active_bytes'] / MEBI:.0f} MiB",
                   "-" if part is None else f"{100 * part:.0f} %",
                   f"{row['peak_rss_bytes'] / MEBI:.0f} MiB",
                   *tables.spread(row, "records_per_second")]
    blocks = tables.of_one(results, "memory", [
        "series", "samples each", "allocator", "counted, B a series", "resident, B a series",
        "B a sample", "heap's pages", "of them in blocks", "peak", "best records/s", "median",
        "least"], rows)
    if "memory" not in results:
        return blocks
    skipped = [f"{row['allocator']} ({row['reason']})"
               for row in results["memory"].of("memory_skipped")]
    return blocks + ([f"Skipped: {', '.join(skipped)}."] if skipped else [])


def memory_plot(results):
    if "memory" not in results:
        return []
    drawn = [(f"{tables.cell(row['series'])} series x {row['samples']}, "
              f"{row['heap']['allocator']}", row["resident_growth_bytes_per_series"])
             for row in results["memory"].of("memory")]
    body = "set lmargin 34\n" + plots.bars("memory", drawn, "{:.0f}".format,
                                           lambda label: label.endswith("jemalloc"))
    return [plots.Plot("memory", "Resident bytes a series, labels and samples included", body,
                       height=60 + 26 * len(drawn))]


def regions(results):
    return {"rates": rates(results), "memory": memory(results) + memory_plot(results)}
