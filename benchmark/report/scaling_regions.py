"""What is shown of what would limit ingest on more cores: docs/scaling.md."""

from report import plots, tables
from scaling import law

# Locks, and other atomic operations, of which each processor, writer or thread has its own: another
# one's are only touched when its memory is used up, or when a snapshot looks at every writer.
OWN = ("SlabPool::TryAllocate", "SlabPool::Allocate", "SlabPool::Free", "Appender::", "malloc",
       "tbb::", "__", "_IO", "??")
CORES = (2, 4, 8, 16, 32, 64)
# What it takes to get a line that another core of the same socket wrote last. Assumed: with two
# cores it cannot be measured for many. Between sockets it is two to three times as much.
TRANSFER_NS = 100


def is_own(row):
    return row["function"].startswith(OWN)


def locks_of(result):
    return sorted(result.of("scaling_lock"), key=lambda row: -row["locks_per_thousand"])


def atomics_of(result):
    """Those that are not in mutexes: these are counted where they are taken."""
    return sorted((row for row in result.of("scaling_atomic") if row["function"] != "mutexes"),
                  key=lambda row: -row["atomics_per_thousand"])


def skipped(results):
    rows = results["scaling"].of("scaling_skipped") if "scaling" in results else []
    return [f"Not counted: {row['what']} ({row['reason']})." for row in rows]


def shared_writes(result):
    """Writes a record to lines that all share: taking a lock and letting it go are two."""
    locks = sum(2 * row["locks_per_thousand"] for row in locks_of(result) if not is_own(row))
    others = sum(row["atomics_per_thousand"] for row in atomics_of(result) if not is_own(row))
    return (locks + others) / 1000


def locks(results):
    def rows(result):
        return [[f"`{row['function']}`", "own" if is_own(row) else "shared",
                 tables.decimal(row["locks_per_thousand"]), f"{100 * row['busy_part']:.1f} %",
                 f"{row['held_ns_per_record']:.3f}", tables.duration(row["held_p50_ns"]),
                 tables.duration(row["held_p99_ns"])] for row in locks_of(result)]
    return tables.of_one(results, "scaling", [
        "taken in", "of", "a thousand records", "not free at once", "held, ns a record",
        "half of the time at most", "99 %"], rows)


def atomics(results):
    def rows(result):
        return [[f"`{row['function']}`", "own" if is_own(row) else "shared",
                 tables.decimal(row["atomics_per_thousand"])] for row in atomics_of(result)]
    blocks = tables.of_one(results, "scaling", ["in", "of", "a thousand records"], rows)
    return blocks + skipped(results)


def fitted(result):
    points = [(row["writers"], row["records_per_second"]) for row in result.of("scaling_rate")]
    return points, law.fit(points)


def writers(results):
    def rows(result):
        points, found = fitted(result)
        return [[str(n), rate, found.at(n), f"{100 * (found.at(n) / rate - 1):+.0f} %"]
                for n, rate in points]
    blocks = tables.of_one(results, "scaling", ["writers", "records/s", "the law's", "off by"],
                           rows)
    if "scaling" not in results:
        return blocks
    found = fitted(results["scaling"])[1]
    return blocks + [tables.paragraph(
        f"The fit: {tables.cell(found.rate)} records/s for one writer, contention "
        f"{found.contention:.3g}, coherence {found.coherence:.2g}.")]


def cores(results):
    if "scaling" not in results:
        return [tables.missing("scaling")]
    result = results["scaling"]
    found = fitted(result)[1]
    core_ns = min(row["core_ns_per_record"] for row in result.of("scaling_rate"))
    serial = max((row["held_ns_per_record"] for row in locks_of(result) if not is_own(row)),
                 default=0)
    written = shared_writes(result)
    rows = []
    for count in CORES:
        now = law.bound(count, core_ns, written, TRANSFER_NS, serial)
        rows.append([str(count), found.at(count), now,
                     f"{100 * now / (count * 1e9 / core_ns):.0f} %"])
    return [
        tables.table(["cores", "the law's, of writers on 2 cores", "from the counts, at most",
                      "of the cores' sum"], rows),
        tables.provenance(result),
        tables.paragraph(
            f"Counted: {core_ns:.3g} ns of processor time a record at best, generator included; "
            f"{written:.4f} writes a record to lines that all share, {TRANSFER_NS} ns each where "
            f"another core wrote last (assumed); {serial:.3f} ns a record in the shared lock that "
            f"is held longest, so at most {tables.cell(1e9 / serial if serial else None)} "
            "records/s on any number of cores."), *skipped(results)]


def rates_plot(results):
    if "scaling" not in results:
        return []
    points, found = fitted(results["scaling"])
    tics = ", ".join(f"'{n}' {n}" for n, _ in points)
    body = plots.curves("rates", tics, [("measured", points),
                                        ("the law", [(n, found.at(n)) for n, _ in points])],
                        "%.0s %c", "records a second", "writers, on 2 cores")
    return [plots.Plot("scaling", "Ingest by writers, and the universal scalability law", body)]


def regions(results):
    return {"scaling-locks": locks(results), "scaling-atomics": atomics(results),
            "scaling-writers": writers(results) + rates_plot(results),
            "scaling-cores": cores(results)}
