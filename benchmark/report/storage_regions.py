"""What is shown of databases in a directory: ingest, opening, latencies, imports, sizes."""

from report import plots, tables

PERCENTILES = {"p50_ns": "p50", "p95_ns": "p95", "p99_ns": "p99", "p99_9_ns": "p99.9",
               "max_ns": "max"}
OPERATIONS = ("append", "append_group", "commit", "fresh_snapshot", "lookup", "short_scan", "last")
W = (1024, 10_000)  # series and samples of the reference workload
RAW_BYTES = 16  # of a sample: a time and a value of eight bytes each


def directory(results):
    names = {"ingest-async": "async", "ingest-sync": "sync, awaited commits",
             "conditional": "conditional writes, sync"}

    def rows(what, result):
        for row in result.of("ingest"):
            yield [f"{what}, writers: {row['writers']}",
                   *tables.spread(row, "records_per_second"),
                   f"{tables.decimal(row['log_bytes_per_record'])} bytes a record logged, "
                   f"{tables.decimal(row['segment_bytes_per_record'])} in segments, "
                   f"{tables.decimal(row['write_amplification'])} written for one kept"]
        for row in result.of("commit"):
            yield [f"{what}, {row['mode']}, writers: {row['writers']}",
                   *tables.spread(row, "records_per_second"),
                   f"{tables.cell(row['commits_per_sync'])} commits a sync"]
        for row in result.of("set"):
            yield [f"{what}, {row['mode']}, threads: {row['writers']}",
                   *tables.spread(row, "sets_per_second"),
                   f"{tables.cell(row['sets_per_sync'])} a sync"]
    return tables.of_several(results, names, ["what", "best/s", "median", "least", "besides"], rows)


def recovery(results):
    def rows(result):
        return [[row["mode"], tables.cell(row["records"]),
                 *(row[f"reopen_seconds_{which}"] for which in ("min", "median", "max")),
                 f"{tables.cell(row['peak_rss_bytes'])}B"] for row in result.of("recovery")]
    return tables.of_one(results, "recovery", ["opened from", "records", "best s", "median s",
                                               "worst s", "memory at most"], rows)


def imports(results):
    def rows(result):
        return [[row["format"], *tables.spread(row, "samples_per_second"),
                 row["cpu_ns_per_sample"]] for row in result.of("import")]
    return tables.of_one(results, "import", ["format", "best samples/s", "median", "least",
                                             "CPU ns a sample"], rows)


def kind_of(row):
    return (f"{row['checkpoints']} checkpoints" if row["mode"] == "checkpoints" else
            "no checkpoint")


def mixed(results):
    def rows(result):
        return [[kind_of(row), operation.replace("_", " "), row[operation]["measured"],
                 *(tables.duration(row[operation][field]) for field in PERCENTILES)]
                for row in result.of("mixed") for operation in OPERATIONS if operation in row]
    blocks = tables.of_one(results, "mixed",
                           ["while", "operation", "measured",
                            *PERCENTILES.values()], rows)
    if "mixed" not in results:
        return blocks
    blocks[1:1] = [tables.paragraph(
        f"Writers and readers together, {kind_of(row)}: {tables.cell(row['records_per_second'])} "
        f"records/s, {tables.cell(row['reads_per_second'])} reads/s.")
        for row in results["mixed"].of("mixed")]
    return blocks + [mixed_plot(results["mixed"])]


def mixed_plot(result):
    tics = ", ".join(f"'{name}' {x}" for x, name in enumerate(PERCENTILES.values()))
    series = [(f"64 appends, {kind_of(row)}, writers: {row['writers']}, readers: {row['threads']}",
               [(x, row["append_group"][field] * 1e-9) for x, field in enumerate(PERCENTILES)
                if row["append_group"][field]])
              for row in result.of("mixed")]
    body = plots.curves("latency", tics, series, "%.0s %cs", "latency of 64 appends in a row",
                        "percentile")
    return plots.Plot("mixed", "Latency of appends beside reads and checkpoints", body)


def sizes_of(results):
    """[(data, keeping, bytes a sample)] of what was made and of files, each largest first."""
    def made(row):
        return "W" if (row["series"], row["samples"]) == W else (
            f"{row['series']} series x {row['samples']}")
    found = []
    for row in results["ingest"].of("ingest", writers=2) if "ingest" in results else []:
        found += [(made(row), "encoded leaves", row["bytes_per_record"]),
                  (made(row), "memory, open leaves included", row["bytes_per_record_all"])]
    for row in results["ingest-async"].of("ingest") if "ingest-async" in results else []:
        found += [(made(row), "segments", row["segment_bytes_per_record"]),
                  (made(row), "log", row["log_bytes_per_record"])]
    for row in results["sizes"].of("size") if "sizes" in results else []:
        found.append((row["data"], row["keeping"], row["bytes_per_sample"]))
    found = [row for row in found if row[2] is not None]  # no leaf is encoded in a short run
    return sorted(found, key=lambda row: (row[0], -row[2], row[1]))


def sizes(results):
    names = [name for name in ("ingest", "ingest-async", "sizes") if name in results]
    absent = [name for name in ("ingest", "ingest-async", "sizes") if name not in results]
    absent = [tables.missing(*absent)] if absent else []
    found = sizes_of(results)
    if not found:
        return absent
    blocks = [tables.table(["data", "kept as", "bytes a sample"],
                           [[data, keeping, f"{size:.3f}"] for data, keeping, size in found])]
    blocks += [tables.provenance(results[name]) for name in names]
    # Text with a name for every sample is many times what else there is.
    drawn = [("time and value as they are", float(RAW_BYTES))]
    drawn += [(f"{data}: {keeping}", size) for data, keeping, size in found if size <= RAW_BYTES]
    body = "set lmargin 38\n" + plots.bars(
        "sizes", drawn, "{:.2f}".format,
        lambda label: label.partition(": ")[2].startswith(("segments", "encoded", "memory", "log")))
    title = f"Bytes a sample (more than {RAW_BYTES}: in the table only)"
    return blocks + absent + [plots.Plot("sizes", title, body, height=60 + 26 * len(drawn))]


def regions(results):
    return {"directory": directory(results), "recovery": recovery(results),
            "mixed": mixed(results), "imports": imports(results), "sizes": sizes(results)}
