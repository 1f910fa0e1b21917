"""The table of the project's front page: the best of what is kept, beside what people embed."""

from report import tables

PEERS = ("hand-rolled", "rocksdb", "rocksdb-bulk", "lmdb", "sqlite")


def rate(row, figure, unit):
    """Best and median."""
    best, median, _ = tables.spread(row, figure)
    return f"{tables.cell(best)} {unit} ({tables.cell(median)})"


def first(result, benchmark, **fields):
    return next(iter(result.of(benchmark, **fields)), None)


def ingest(result, writers=2):
    row = first(result, "ingest", writers=writers)
    if row is None:
        return None
    by_hand = row.get("hand_rolled_records_per_second")
    return (rate(row, "records_per_second", "records/s"),
            f"{tables.cell(by_hand)} by hand" if by_hand else "")


def read(result, benchmark, figure, unit, **fields):
    row = first(result, benchmark, ingesting=False, **fields)
    if row is None:
        return None
    return (rate(row, figure, unit),
            f"{tables.cell(row['hand_rolled_' + figure])} by hand")


def scan(result, mode, threads):
    return read(result, "scan", "samples_per_second", "samples/s", mode=mode, threads=threads)


def size(result):
    row = first(result, "ingest", writers=2)
    return row and (f"{tables.decimal(row['bytes_per_record'])}, with open leaves and all "
                    f"{tables.decimal(row['bytes_per_record_all'])} bytes", "16 as two columns")


# What is measured: the result that has it, and (figure, beside it) of the result, or nothing.
ROWS = (
    ("ingest in scrape order, 2 writers", "ingest", ingest),
    ("the same, 32 writers on these cores", "ingest", lambda result: ingest(result, 32)),
    ("series after series, record by record", "ingest-series", ingest),
    ("series after series, by columns", "ingest-columns", ingest),
    ("5 % late by up to an hour", "ingest-late", ingest),
    ("in a directory, logged and synced behind", "ingest-async", ingest),
    ("lookups one at a time, 1 thread", "lookup",
     lambda result: read(result, "lookup", "lookups_per_second", "lookups/s", mode="single",
                         threads=1)),
    ("the same, 2 threads", "lookup",
     lambda result: read(result, "lookup", "lookups_per_second", "lookups/s", mode="single",
                         threads=2)),
    ("scans of 1,000 samples, 1 thread", "scan", lambda result: scan(result, "scan", 1)),
    ("aggregate of all by decoding, 2 threads", "scan",
     lambda result: scan(result, "aggregate_decode", 2)),
    ("a sample of these takes", "ingest", size),
)


def peer_rates(results):
    """What the peers' own run says of ingest."""
    if "peers" not in results:
        return []
    best = {}
    for row in results["peers"].of("peer", task="ingest", figure="records_per_second",
                                   order="scrape", mode="record"):
        if row["best"] is not None:
            best[row["peer"]] = max(best.get(row["peer"], 0), row["best"])
    shown = [f"{name} {tables.cell(best[name])}" for name in PEERS if name in best]
    return [tables.paragraph(
        "In scrape order, record by record, all in one run and each with the number of writers "
        f"that suits it: this engine {tables.cell(best['tsdb'])} records/s, "
        f"{', '.join(shown)}.")] if "tsdb" in best and shown else []


def front(results):
    lines, sources = [], {}
    for what, name, figures_of in ROWS:
        figures = name in results and figures_of(results[name])
        if figures:
            lines.append([what, *figures])
            header = results[name].header
            sources.setdefault(results[name].where(), set()).add(header["date"][:10])
    if not lines:
        return [tables.missing(*dict.fromkeys(name for _, name, _ in ROWS))]
    return [tables.table(["what", "best (median)", "beside it in the same run"], lines),
            *(tables.paragraph(f"On {where}; {', '.join(sorted(days))}.")
              for where, days in sources.items()), *peer_rates(results)]


def regions(results):
    return {"front": front(results)}
