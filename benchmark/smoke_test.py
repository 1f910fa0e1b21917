#!/usr/bin/env python3
"""Runs one benchmark program with small parameters and checks what it prints.

    smoke_test.py PROGRAM [FLAG...]                 exits 0, JSON lines with all fields, sane values
    smoke_test.py --expect-failure PROGRAM [FLAG...] exits 1, says why, prints no figure; once for
                                                    each of several defects after --plant
"""

import json
import subprocess
import sys

SHARED = {"benchmark", "series", "samples", "order", "mode", "writers", "threads", "records"}
INDEX_SHARED = {"benchmark", "series", "mode", "threads"}
IMPORT_SHARED = {"benchmark", "series", "samples", "order", "records"}
# Of ingest, lookup and scan.
IN_MEMORY = {
    "wall_seconds", "peak_rss_bytes", "bytes_per_record", "ledger", "generator_records_per_second",
    "memory_copy_bytes_per_second",
}
FIELDS = {
    "ingest": IN_MEMORY | {
        "records_per_second", "records_per_second_min", "records_per_second_median",
        "records_per_second_max", "writer_records_per_second", "slot_only_records_per_second",
        "merge_cpu_ratio", "backpressure_seconds", "append_failures", "tree_records",
        "readback_records", "readback_matches", "bytes_per_record_all",
        "hand_rolled_records_per_second", "open_seconds", "registrations_per_second",
        "bytes_per_series",
    },
    "lookup": IN_MEMORY | {
        "lookups", "hits", "matches", "lookups_per_second", "p50_ns", "p95_ns", "p99_ns",
        "ingesting", "ingest_records_per_second", "hand_rolled_lookups_per_second",
    },
    "scan": IN_MEMORY | {
        "scans", "returned", "expected", "samples_per_second", "ingesting",
        "ingest_records_per_second", "hand_rolled_samples_per_second",
    },
    "query": IN_MEMORY | {
        "queries", "samples_per_query", "samples_per_second", "query_milliseconds",
        "queries_per_second", "queries_per_second_min", "queries_per_second_median",
    },
    "commit": {
        "wall_seconds", "records_per_second", "records_per_second_min", "commits",
        "commits_per_second", "log_syncs", "commits_per_sync", "rate_to_alone_ratio", "ledger",
    },
    "set": {
        "wall_seconds", "sets", "sets_per_second", "sets_per_second_min", "log_syncs",
        "sets_per_sync", "rate_to_one_lock_ratio",
    },
    "mixed": {
        "records_per_second", "writer_records_per_second", "reads_per_second", "checkpoints",
        "append", "append_group", "questions", "ledger",
    },
    "import": {
        "format", "text_bytes", "samples_per_second", "samples_per_second_min",
        "samples_per_second_median", "samples_per_second_max", "cpu_ns_per_sample",
        "readback_matches",
    },
    "promql": {
        "threads", "queries", "steps", "samples_per_query", "queries_per_second",
        "queries_per_second_min", "queries_per_second_median", "query_milliseconds",
    },
    "peer": {
        "task", "figure", "keeping", "peer", "smaller_part", "best", "value_min", "value_median",
        "value_max", "tsdb_advantage", "tsdb_advantage_of_medians",
    },
    "index": set(),  # what each mode has: below
    "recovery": {
        "records_per_second", "reopen_seconds", "reopen_seconds_min", "reopen_seconds_median",
        "reopen_seconds_max", "open_seconds", "close_seconds", "write_seconds",
        "log_bytes_per_record", "segment_bytes_per_record", "peak_rss_bytes", "rss_anon_bytes",
        "readback_matches",
    },
}
LEDGER = {
    "appended", "rejected_unknown_series", "rejected_budget", "accepted", "buffered_open",
    "buffered_sealed", "buffered_late", "merged", "in_tree", "replaced", "deleted", "balanced",
}


INDEX_FIELDS = {
    "register": {"series_per_second", "series_per_second_min", "series_per_second_median"},
    "lookup": {"lookups", "hits", "ns", "ns_min", "ns_median", "ns_max"},
    "query": {"name", "selected", "expected", "ns", "ns_min", "ns_median", "ns_max"},
    "memory": {"index_bytes_per_series", "table_bytes_per_series", "label_text_bytes_per_series",
               "resident_bytes_per_series"},
}


def fail(message, result):
    print(f"FAILED: {message}\nstdout:\n{result.stdout}\nstderr:\n{result.stderr}")
    sys.exit(1)


# Rows of peer_benchmark that are no figures of one peer.
PEER_FIELDS = {
    "peer_settings": {"peer", "settings"},
    "peer_skipped": {"peer", "case", "reason"},
    "peer_target": {"figure", "engine", "engine_best", "peer", "peer_best", "tsdb_advantage",
                    "target", "reached"},
}


def check_peer_row(row, result):
    kind = row["benchmark"]
    if PEER_FIELDS[kind] - row.keys() or not row["peer"]:
        fail(f"{kind} row lacks something: {row}", result)
    if kind == "peer_target" and row["reached"] != (row["tsdb_advantage"] >= row["target"]):
        fail(f"{kind} row does not add up: {row}", result)


def good_peer_figure(row):
    rate = row["figure"].endswith("per_second")
    good = 0 <= row["value_min"] <= row["value_median"] <= row["value_max"]
    good = good and row["best"] == row["value_max" if rate else "value_min"]
    good = good and (row["best"] > 0 or not rate)
    return good and (row["tsdb_advantage"] == 1 or row["peer"] != "tsdb" or row["best"] == 0)


def check_row(row, result):
    kind = row["benchmark"]
    if kind in PEER_FIELDS:
        return check_peer_row(row, result)
    wanted = SHARED | FIELDS[kind]
    if kind == "index":
        wanted = INDEX_SHARED | INDEX_FIELDS[row["mode"]]
    if kind == "import":
        wanted = IMPORT_SHARED | FIELDS[kind]
    missing = wanted - row.keys()
    if "ledger" in row:
        missing |= LEDGER - row["ledger"].keys()
    if missing:
        fail(f"{kind} row without {sorted(missing)}", result)
    if "ledger" in row and row["ledger"]["balanced"] is not True:
        fail("ledger out of balance", result)
    if kind == "ingest":
        same = {row[name] for name in ("records", "tree_records", "readback_records",
                                       "readback_matches")}
        good = len(same) == 1 and row["append_failures"] == 0 and row["records_per_second"] > 0
    elif kind == "lookup":
        good = row["lookups"] == row["hits"] == row["matches"] and row["lookups_per_second"] > 0
        if row["mode"] == "single":
            good = good and 0 <= row["p50_ns"] <= row["p95_ns"] <= row["p99_ns"]
    elif kind == "commit":
        good = row["records_per_second"] > 0 and row["log_syncs"] > 0
        good = good and (row["mode"] == "group" or row["log_syncs"] >= row["commits"])
    elif kind == "set":
        # Behind the lock nobody shares a wait.
        good = row["sets_per_second"] > 0 and row["log_syncs"] > 0
        good = good and (row["mode"] == "together" or row["log_syncs"] >= row["sets"])
    elif kind == "peer":
        good = good_peer_figure(row)
    elif kind == "import":
        good = row["readback_matches"] == row["records"] and row["samples_per_second"] > 0
    elif kind == "index":
        good = row.get("series_per_second", 1) > 0 and row.get("ns", 1) > 0
        good = good and row.get("selected") == row.get("expected")
        good = good and row.get("hits") == row.get("lookups")
        good = good and row.get("index_bytes_per_series", 1) > 0
    elif kind in ("query", "promql"):
        good = row["queries_per_second"] > 0 and row["queries"] > 0
        good = good and (row["samples_per_query"] > 0) == (row["mode"] != "count_0%")
    elif kind == "mixed":
        good = row["records_per_second"] > 0 and row["reads_per_second"] > 0
        operations = ["append", "append_group"] + (
            ["fresh_snapshot", "lookup", "short_scan", "last"] if row["questions"] == "none"
            else ["query"])
        for latency in map(row.get, operations + ["commit"] * (row["commit_every"] > 0)):
            good = good and 0 <= latency["p50_ns"] <= latency["p95_ns"] <= latency["p99_ns"]
            good = good and latency["p99_ns"] <= latency["p99_9_ns"] <= latency["max_ns"] > 0
        if row["mode"] == "checkpoints":
            good = good and row["checkpoints"] > 0 and row.get("append_group_p99_ratio", 1) > 0
    elif kind == "recovery":
        good = row["readback_matches"] == row["records"] and row["records_per_second"] > 0
        good = good and row["log_bytes_per_record"] > 0 and row["rss_anon_bytes"] > 0
        # Only a clean close leaves a segment; only what was replayed has bytes of log.
        from_checkpoint = row["mode"] == "checkpoint"
        good = good and (row["segment_bytes_per_record"] > 0) == from_checkpoint
        good = good and (row["close_seconds"] is None) == (row["mode"] == "killed")
    else:
        good = row["returned"] == row["expected"] and row["samples_per_second"] > 0
    if row.get("cold"):
        good = good and row["cache_dropped_by"] in ("/proc/sys/vm/drop_caches", "posix_fadvise")
        good = good and 0 <= row["still_cached_bytes"] <= row["file_bytes"] > 0
    if not good:
        fail(f"{kind} row does not add up: {row}", result)


def run(arguments):
    return subprocess.run(arguments + ["--json", "-"], capture_output=True, text=True)


def each_defect(arguments):
    place = arguments.index("--plant") + 1 if "--plant" in arguments else 0
    if place == 0:
        return [arguments]
    return [arguments[:place] + [defect] + arguments[place + 1:]
            for defect in arguments[place].split(",")]


def check_failure(result):
    if result.returncode != 1:
        fail(f"exit code {result.returncode}, not 1", result)
    if result.stdout or "per_second" in result.stderr or "/s" in result.stderr:
        fail("a figure was printed", result)
    if "FAILED" not in result.stderr:
        fail("no reason was printed", result)


def main():
    arguments = sys.argv[1:]
    expect_failure = arguments[0] == "--expect-failure"
    if expect_failure:
        del arguments[0]
    if expect_failure:
        for planted in each_defect(arguments):
            check_failure(run(planted))
        return
    result = run(arguments)
    if result.returncode != 0:
        fail(f"exit code {result.returncode}", result)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    if not rows or rows[0]["benchmark"] != "machine" or len(rows) < 2:
        fail("no rows", result)
    if not {"processor", "cores", "compiler", "instruction_set"} <= rows[0].keys():
        fail("machine not described", result)
    for row in rows[1:]:
        check_row(row, result)


if __name__ == "__main__":
    main()
