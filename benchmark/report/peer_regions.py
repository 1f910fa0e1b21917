"""What is shown of peer_benchmark: each figure of every peer, better than the engine's or not."""

from report import plots, tables

ENGINE = "tsdb"
READS = ("lookups_per_second", "scan_samples_per_second", "aggregate_samples_per_second",
         "decoded_samples_per_second", "memory_bytes_per_record", "peak_bytes_per_record",
         "disk_bytes_per_record", "reopen_seconds")


def more_is_better(figure):
    return figure.endswith("_per_second")


def best_of(rows):
    """Of the rows of each peer the one with the best figure, whatever the number of writers."""
    best = {}
    for row in rows:
        known = best.get(row["peer"])
        if known is None or (row["best"] > known["best"]) == more_is_better(row["figure"]):
            best[row["peer"]] = row
    return best


def cases(result):
    """[(what, {peer: row})] of what is shown, in the order of the program."""
    groups = {}
    for row in result.of("peer"):
        threads = f", threads: {row['threads']}" if row["threads"] else ""
        if row["task"] in ("ingest", "durable"):
            shown = row["figure"] == "records_per_second"
            what = f"ingest, {row['order']}, {row['mode']}"
            what += f", {row['keeping']}" if row["task"] == "durable" else ""
        else:
            shown = row["figure"] in READS
            place = "in memory" if row["task"] == "read" else "reopened"
            what = f"{row['figure'].replace('_per_second', '').replace('_', ' ')}, {place}{threads}"
        if shown and row["best"] is not None:
            groups.setdefault(what, []).append(row)
    return [(what, best_of(rows)) for what, rows in groups.items()]


def figure_text(row, engine):
    """The figure, in bold where it is better than the engine's."""
    text = tables.cell(row["best"]) + ("/s" if more_is_better(row["figure"]) else "")
    if row["task"] in ("ingest", "durable"):
        text += f" ({row['writers']})"
    # Times to open a smaller part say nothing about a whole.
    comparable = engine is not None and not (row["smaller_part"] and
                                             row["figure"].endswith("_seconds"))
    if comparable and row["best"] != engine["best"] and (
            (row["best"] > engine["best"]) == more_is_better(row["figure"])):
        text = f"**{text}**"
    return text + (" †" if row["smaller_part"] else "")


def peers(results):
    if "peers" not in results:
        return [tables.missing("peers")]
    result = results["peers"]
    names = list(dict.fromkeys(row["peer"] for row in result.of("peer")))
    rows = [[what, *(figure_text(by_peer[name], by_peer.get(ENGINE)) if name in by_peer else "-"
                     for name in names)] for what, by_peer in cases(result)]
    blocks = [tables.table(["figure", *names], rows),
              tables.paragraph(
                  f"**Bold**: better than `{ENGINE}`. In parentheses the number of writers with "
                  "which the peer was best. †: loaded with fewer samples a series, which favours "
                  "its rates."), tables.provenance(result)]
    targets = [[row["figure"].replace("_", " "), row["order"], row["mode"],
                str(row["threads"] or "-"), f"{row['engine']} : {row['peer']}",
                row["tsdb_advantage"], str(row["target"]),
                "reached" if row["reached"] else "**missed**"] for row in result.of("peer_target")]
    if targets:
        blocks.append(tables.table(["aimed at", "order", "mode", "threads", "of", "times better",
                                    "aim", ""], targets))
    skipped = [f"{row['peer']}{', ' + row['case'] if row['case'] else ''} ({row['reason']})"
               for row in result.of("peer_skipped")]
    if skipped:
        blocks.append(tables.paragraph("Skipped: " + "; ".join(skipped) + "."))
    return blocks + [peers_plot(result)]


def peers_plot(result):
    """Four panels of bars, one above the other two by two."""
    panels = (("ingest, scrape, record", "records/s written and readable, best number of writers"),
              ("lookups, in memory, threads: 1", "lookups/s, 1 thread"),
              ("scan samples, in memory, threads: 1", "samples/s scanned, 1 thread"),
              ("memory bytes per record, in memory", "bytes of memory a sample"))
    found = dict(cases(result))
    body = "set multiplot layout 2,2\nset lmargin 14\n"
    count = 1
    for number, (case, title) in enumerate(panels):
        rows = [(name, row["best"]) for name, row in found.get(case, {}).items() if row["best"]]
        if not rows:  # say so where the panel would be
            rows, title = [("not measured", 0.0)], f"{title}: not measured"
            body += (f"unset xtics\nunset ytics\nset border 0\nset title {plots.quoted(title)}\n"
                     "set xrange [0:1]\nset yrange [0:1]\nplot NaN notitle\nset ytics\n")
            continue
        count = max(count, len(rows))
        body += plots.bars(f"panel{number}", rows, tables.quantity,
                           lambda name: name.startswith(ENGINE), title)
    return plots.Plot("peers", "tsdb and what else people embed", body + "unset multiplot\n",
                      height=2 * (70 + 24 * count), width=960)


def regions(results):
    return {"peers": peers(results)}
