"""Kept results: docs/results/<name>.jsonl, a line about the run and then what the program printed.

    {"report": 1, "name": "ingest", "command": "ingest_benchmark --repeat 9", "commit": ...}
    {"benchmark": "machine", ...}
    {"benchmark": "ingest", "writers": 1, "records_per_second": ...}
"""

import json
import os

VERSION = 1


class Unusable(Exception):
    """A result is not what it should be; the message says which and why."""


class Result:
    def __init__(self, header, rows):
        self.header = header
        self.machine = next((row for row in rows if row["benchmark"] == "machine"), {})
        self.rows = [row for row in rows if row["benchmark"] != "machine"]

    def of(self, benchmark, **fields):
        """Rows of that kind with those fields."""
        return [row for row in self.rows if row["benchmark"] == benchmark and
                all(row.get(name) == value for name, value in fields.items())]

    @property
    def command(self):
        return self.header["command"]

    def when(self):
        """Date, commit and load of the run, for people."""
        before, after = (self.header[f"load_average_{when}"][0] for when in ("before", "after"))
        text = f"{self.header['date'][:10]}, {self.header['commit']}, load {before} to {after}"
        return text + (", **quick: it means nothing**" if self.header["quick"] else "")

    def where(self):
        """The machine, for people."""
        header = self.header
        words = [header["processor"], f"{header['cores']} cores",
                 f"{header['memory_bytes'] / 2**30:.0f} GiB", header["kernel"]]
        words += [header[name] for name in ("compiler", "file_system") if header.get(name)]
        if header.get("build") not in (None, "release"):
            words.append(f"**{header['build']}**")
        return ", ".join(words)


def parse_rows(text):
    """The objects that a program printed. REQUIRES: at least one beside the machine's."""
    rows = []
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError as reason:
            raise Unusable(f"a line is not JSON: {line[:80]}") from reason
        if not isinstance(row, dict) or "benchmark" not in row:
            raise Unusable(f"a line is no row: {line[:80]}")
        rows.append(row)
    if all(row["benchmark"] == "machine" for row in rows):
        raise Unusable("no figure was printed")
    return rows


def path_of(folder, name):
    return os.path.join(folder, name + ".jsonl")


def keep(folder, header, text):
    """Puts the result in place of the one that was there."""
    os.makedirs(folder, exist_ok=True)
    path = path_of(folder, header["name"])
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(json.dumps(header) + "\n" + text.rstrip("\n") + "\n")
    os.replace(path + ".new", path)


def load(folder, names):
    """{name: Result} of those that are there."""
    found = {}
    for name in names:
        try:
            with open(path_of(folder, name), encoding="utf-8") as file:
                head, _, text = file.read().partition("\n")
        except FileNotFoundError:
            continue
        try:
            header = json.loads(head)
            if header.get("report") != VERSION or header.get("name") != name:
                raise Unusable("its first line is no report's")
            found[name] = Result(header, parse_rows(text))
        except (Unusable, ValueError, AttributeError) as reason:
            raise Unusable(f"{name}.jsonl: {reason}") from reason
    return found
