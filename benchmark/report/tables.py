"""Markdown that is made of results. The same results give the same bytes."""

import textwrap

from paired_rounds import quantity

COLUMNS = 100


def missing(*names):
    return f"Not measured yet: run `tools/benchmark-report --only {','.join(names)}`."


def cell(value):
    """A figure, a text, or a dash for what is not there."""
    if value is None:
        return "-"
    return value if isinstance(value, str) else quantity(value)


def decimal(value):
    """With two decimals, or a dash for what is not there."""
    return "-" if value is None else f"{value:.2f}"


def duration(ns):
    """As 120 ns, 1.26 us, 27.2 ms."""
    if ns is None:
        return None
    for factor, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if ns >= factor:
            return f"{ns / factor:.3g} {unit}"
    return f"{ns:.3g} ns"


def table(headings, rows):
    lines = [headings, ["---"] * len(headings), *([cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def paragraph(text):
    return textwrap.fill(text, COLUMNS, break_long_words=False, break_on_hyphens=False)


def provenance(result):
    """Which command made it, when, of what, and where."""
    return (f"Made by `{result.command}`\n" +
            paragraph(f"({result.when()}; {result.where()})."))


def of_one(results, name, headings, rows_of):
    """A table of one result, as blocks."""
    if name not in results:
        return [missing(name)]
    result = results[name]
    return [table(headings, rows_of(result)), provenance(result)]


def of_several(results, names, headings, rows_of):
    """A table of several results, each of which names its command in a row: what, figures, command.
    `names` is {name: what}."""
    rows, places = [], []
    for name, what in names.items():
        if name not in results:
            continue
        result = results[name]
        rows += [[label, *figures, f"`{result.command}`", result.when()]
                 for label, *figures in rows_of(what, result)]
        if result.where() not in places:
            places.append(result.where())
    blocks = []
    if rows:
        blocks.append(table([*headings, "command", "measured"], rows))
        blocks += [paragraph(f"On {place}.") for place in places]
    absent = [name for name in names if name not in results]
    return blocks + ([missing(*absent)] if absent else [])


def spread(row, figure):
    """Best, median and worst of a rate."""
    return [row.get(f"{figure}_{which}") for which in ("max", "median", "min")]
