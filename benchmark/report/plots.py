"""Pictures that gnuplot draws of results, as SVG for light and dark pages alike: no background, and
colours half way between black and white.

A picture keeps the digest of the script that drew it, data included. So one that was drawn of other
figures is known, and never shown beside newer ones, where there is no gnuplot to draw it anew.
"""

import hashlib
import html
import math
import os
import re
import subprocess
from typing import NamedTuple

INK = "#7d8590"
FAINT = "#907d8590"  # the first two digits: how little of it
COLOURS = ("#2f81d7", "#d9702b", "#2a9d6f", "#b265b0", "#a08a1a", "#7d8590")
PREAMBLE = f"""set encoding utf8
set border 3 lc rgb '{INK}'
set tics nomirror scale 0.5 textcolor rgb '{INK}'
set grid ytics lt 1 lw 0.4 lc rgb '{FAINT}'
set key outside top center horizontal textcolor rgb '{INK}' samplen 2
set title textcolor rgb '{INK}'
set xlabel textcolor rgb '{INK}'
set ylabel textcolor rgb '{INK}'
"""
PROGRAM = "gnuplot"


class Plot(NamedTuple):
    name: str  # of the file, without .svg
    title: str
    body: str  # gnuplot, after the preamble
    height: int = 400
    width: int = 760

    def script(self):
        return (f"set terminal svg size {self.width},{self.height} name '{self.name}' "
                f"font 'sans-serif,13' linewidth 1.6\n{PREAMBLE}{self.body}")

    def digest(self):
        return hashlib.sha256((self.title + self.script()).encode()).hexdigest()


class NotDrawn(Exception):
    """There is no picture; the message says why."""


def quoted(text):
    return '"' + text.replace("\\", "").replace('"', "'") + '"'


def data(name, rows):
    """A block of data; texts are quoted, None is a gap."""
    def word(value):
        if value is None:
            return "NaN"
        return quoted(value) if isinstance(value, str) else repr(value)
    lines = [" ".join(map(word, row)) for row in rows]
    return "\n".join([f"${name} << EOD", *lines, "EOD", ""])


def tics_of(values):
    """Where a logarithmic axis has tics, from end to end: at 1, 2 and 5, of many decades at 1."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    steps = (1, 2, 5) if high - low <= 2 else (1,)
    tics = [float(f"{step}e{power}") for power in range(low, high + 1) for step in steps]
    return ([max(tic for tic in tics if tic <= min(values))] +
            [tic for tic in tics if min(values) < tic < max(values)] +
            [min(tic for tic in tics if tic >= max(values))])


def curves(what, x_tics, series, y_format, y_label, x_label):
    """The body of a plot with a logarithmic y axis: `series` is [(title, points)] of points (x, y),
    or (x, y, least, greatest), all above 0."""
    blocks, parts = [], []
    series = [(title, points) for title, points in series if points]
    for index, (title, points) in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        blocks.append(data(f"{what}{index}", points))
        kind = "using 1:2 with linespoints" if len(points[0]) == 2 else "with yerrorlines"
        parts.append(f"${what}{index} {kind} pt {5 + 2 * (index % 5)} ps 0.6 "
                     f"lw 1.3 lc rgb '{colour}' title {quoted(title)} noenhanced")
    tics = tics_of([y for _, points in series for point in points for y in point[1:]])
    return (f"{''.join(blocks)}set logscale y\nset format y '{y_format}'\n"
            f"set ytics ({', '.join(map(repr, tics))})\nset yrange [{tics[0]!r}:{tics[-1]!r}]\n"
            f"set xtics ({x_tics})\nset xlabel {quoted(x_label)}\nset ylabel {quoted(y_label)}\n"
            f"set offsets graph 0.04, graph 0.04, 0, 0\nplot {', '.join(parts)}\n")


def bars(name, rows, text, own, title=""):
    """A panel of bars from left to right, the first on top: `rows` is [(label, value)]. `text`
    makes the figure beside a bar; `own(label)` says whether it stands out."""
    most = max(value for _, value in rows)
    lines = [(label, value, text(value),
              int(COLOURS[0 if own(label) else 5][1:], 16)) for label, value in rows]
    return (f"{data(name, lines)}set xrange [0:{1.3 * most!r}]\n"
            f"set yrange [{-len(rows) + 0.4}:0.6]\nset title {quoted(title)} noenhanced\n"
            "set tics nomirror scale 0\nunset xtics\nunset grid\nset border 2\nunset key\n"
            f"plot ${name} using 2:(-$0):(0):2:(-$0-0.36):(-$0+0.36):4:ytic(1) "
            "with boxxyerror fs solid 0.85 noborder lc rgb variable, "
            f"${name} using 2:(-$0):3 with labels left offset 0.6,0 textcolor rgb '{INK}' "
            "noenhanced\n")


def path_of(folder, name):
    return os.path.join(folder, name + ".svg")


def is_drawn(folder, plot):
    """Whether there is a picture of just these figures."""
    try:
        with open(path_of(folder, plot.name), encoding="utf-8") as file:
            return f"<desc>{plot.digest()}</desc>" in file.read()
    except FileNotFoundError:
        return False


def draw(folder, plot):
    """Draws it unless it is there, or raises NotDrawn."""
    if is_drawn(folder, plot):
        return
    try:
        done = subprocess.run([PROGRAM], input=plot.script(), capture_output=True, text=True,
                              check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
    except FileNotFoundError as reason:
        raise NotDrawn("there is no gnuplot: tools/install-dependencies --report") from reason
    if done.returncode != 0 or "</svg>" not in done.stdout:
        raise NotDrawn(f"gnuplot exited with {done.returncode}: {done.stderr.strip()}")
    text = re.sub(r"<title>.*?</title>", f"<title>{html.escape(plot.title)}</title>", done.stdout,
                  count=1)
    text = re.sub(r"<desc>.*?</desc>", f"<desc>{plot.digest()}</desc>", text, count=1)
    if plot.digest() not in text:
        raise NotDrawn("gnuplot's picture has no description to replace")
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    os.makedirs(folder, exist_ok=True)
    with open(path_of(folder, plot.name), "w", encoding="utf-8") as file:
        file.write(text)
