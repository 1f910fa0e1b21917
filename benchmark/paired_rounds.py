"""Compares two builds by what their benchmark programs printed, run in turn: tools/compare-commits.

A round is one run of each build, right after one another, so that a slow phase of the machine slows
both. What counts is therefore the ratio within a round, and of the rounds its median. Where that
lies is said by the sorted ratios themselves: the true median is outside of the second least and
second greatest of twelve as often as a coin falls on one side eleven or twelve times of twelve,
0.6 %, whatever the noise looks like, if only the rounds do not depend on each other.

In 300 made-up comparisons of twelve rounds, with 3 % noise a run and phases in which everything is
up to 40 % slower, this claimed a difference where there was none in 1.3 %, and found one of 10 % in
99.7 %. What lost: a bootstrap of the same median claims twice as often what is not there (2.7 %),
and has a narrower interval for it; the ratio of the two medians finds less, for the phases do not
cancel.
"""

import json
import math
import statistics

# What tells a program's rows apart, in the order in which they are named.
ROW_FIELDS = ("benchmark", "mode", "format", "query", "name", "order", "sharing", "durability",
              "series", "samples", "steps", "writers", "threads", "commit_every", "ingesting",
              "counting", "cold", "checkpoint_on_close")
# Compared although one run gives one value only. Others have a _min and a _max beside them.
SINGLE_FIGURES = ("core_ns_per_record", "cpu_ns_per_sample", "bytes_per_record_all",
                  "log_bytes_per_record", "segment_bytes_per_record")
LEVEL = 0.99  # of each interval, at least: a comparison has some thirty
ROUNDS_MIN = 8  # fewer have no interval of that level


class Unusable(Exception):
    """What a program printed cannot be compared."""


def row_label(row):
    words = []
    for field in ROW_FIELDS:
        value = row.get(field)
        if isinstance(value, str):
            words.append(value)
        elif value:  # neither missing, nor 0, nor false
            words.append(field if value is True else f"{field} {value}")
    return ", ".join(words)


def row_figures(row):
    """{name: value} of a row: of several runs the best."""
    figures = {}
    for field, value in row.items():
        if field.endswith("_min"):
            name = field[:-len("_min")]
            best = value if is_time(name) else row.get(name + "_max")
            if isinstance(best, (int, float)) and best > 0:
                figures[name] = best
        elif field in SINGLE_FIGURES and value:
            figures[field] = value
        elif isinstance(value, dict) and value.get("p99_ns"):
            figures[field + " p99_ns"] = value["p99_ns"]
    return figures


def read_output(text):
    """(input digest or None, {(row, figure): value}) of a program's JSON lines."""
    digest, figures = None, {}
    for line in text.splitlines():
        row = json.loads(line)
        if row["benchmark"] == "machine":
            digest = row.get("input_digest")
            continue
        label = row_label(row)
        for name, value in row_figures(row).items():
            if (label, name) in figures:
                raise Unusable(f"two rows are called '{label}'")
            figures[label, name] = value
    if not figures:
        raise Unusable("it printed no figure")
    return digest, figures


def is_size(figure):
    return "bytes_per_" in figure and not figure.endswith("_per_second")


def is_time(figure):
    """Whether less is better."""
    return not figure.endswith("_per_second")


class Comparison:
    """Of one figure, from the (value of A, value of B) of each round: `ratio` is the median of
    B / A, between `low` and `high`."""

    def __init__(self, figure, pairs):
        self.figure = figure
        of_a, of_b = zip(*pairs)
        best = min if is_time(figure) else max
        self.best_a, self.best_b = best(of_a), best(of_b)
        self.median_a, self.median_b = statistics.median(of_a), statistics.median(of_b)
        ratios = [b / a for a, b in pairs]
        self.ratio = statistics.median(ratios)
        self.low, self.high = median_interval(ratios)

    def speed(self):
        """(least, greatest) speed of B by A's: below 1 is worse, whatever the figure counts."""
        if is_time(self.figure):
            return 1 / self.high, 1 / self.low
        return self.low, self.high

    def resolution(self):
        """How far from 1 the ratio may be."""
        return max(self.high - 1, 1 - self.low)

    def beyond(self, tolerance):
        """Whether B is worse by more than the tolerance, even at the better end."""
        return self.speed()[1] < 1 - tolerance

    def verdict(self):
        if self.low == self.high == 1:
            return "the same"
        if self.low <= 1 <= self.high:
            return f"no difference seen (±{100 * self.resolution():.1f} %)"
        worse = self.speed()[1] < 1
        words = ("larger", "smaller") if is_size(self.figure) else ("slower", "faster")
        return f"{100 * abs(self.ratio - 1):.1f} % {words[0] if worse else words[1]}"


def median_interval(values):
    """(low, high): of the values, those between which the median is at LEVEL. The distribution-free
    interval of the sign test. REQUIRES: ROUNDS_MIN values."""
    count, left_out, outside = len(values), 0, 0.0
    while True:
        outside += 2 * math.comb(count, left_out) / 2**count
        if outside > 1 - LEVEL:
            break
        left_out += 1
    if left_out == 0:
        raise ValueError(f"{count} rounds; {ROUNDS_MIN} at least")
    ordered = sorted(values)
    return ordered[left_out - 1], ordered[count - left_out]


def quantity(value):
    """As report.h writes them: 12.3 M, 456 k, 1.53."""
    for factor, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= factor:
            return f"{value / factor:.3g}{letter}"
    return f"{value:.3g}"


def table_text(comparisons, tolerance):
    """Lines for people: [(command, row, Comparison)] in the order of running."""
    width = max(len(comparison.figure) for _, _, comparison in comparisons)
    head = (f"  {'':{width}} {'A best':>8} {'median':>8} {'B best':>8} {'median':>8} {'B/A':>7} "
            f"{100 * LEVEL:.0f} % interval")
    lines, row_before, command_before = [], None, None
    for command, row, of in comparisons:
        if command != command_before:
            lines += ["", command, head]
            row_before = None
        if row != row_before:
            lines.append(row)
        command_before, row_before = command, row
        mark = "  <-- beyond the tolerance" if of.beyond(tolerance) else ""
        lines.append(f"  {of.figure:{width}} {quantity(of.best_a):>8} {quantity(of.median_a):>8} "
                     f"{quantity(of.best_b):>8} {quantity(of.median_b):>8} {of.ratio:7.3f} "
                     f"{of.low:.3f} to {of.high:.3f}  {of.verdict()}{mark}")
    return "\n".join(lines[1:])
