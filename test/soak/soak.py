#!/usr/bin/env python3
"""Runs a database at full rate and judges what it takes of the machine as time goes on.

    soak.py --program SOAK [--seconds 1200] [--series 1000] [--warm-up N] [--seed N] [--keep FILE]
    soak.py --samples FILE      judges samples that were kept
    soak.py --self-test         judges made-up samples, sound ones and with each fault

The program (soak.cc) checks what it reads, its ledger, and in the end every record. Here, after a
fifth of the time for warming up:

  memory        the least-squares slope of what the engine counts, and of anonymous memory, is
                below 1 % in 15 minutes; that of what is out of the heap, and of anonymous memory
                beyond what the engine counts, below 1 % of anonymous memory; and that of the least
                of each minute of replaced blocks, which readers keep in bursts, below 1 % of what
                the engine counts. Anonymous memory, and what of it is beyond the engine's, has what
                the allocator keeps of pages that were used, and wanders by itself: these two count
                when they are two standard errors above
  descriptors,  at most as many in the last third as in the first (and two descriptors more: files
  threads       come and go)
  rate          from the middle of the first third to that of the last it drops by less than 5 %:
                by the least-squares fit of rates in 10 seconds, in units of what a fixed piece of
                work took then, as logarithms, to time and to how much of the processors the host
                gave to other machines. (They slow each other down, by a half for minutes.)

Runs of less than 15 minutes after warming up are not judged by slopes and rates. On samples that
are judged, a leak of 1 MiB a minute, one of a descriptor a minute, and a slow-down to 85 % are
planted afterwards if nothing was wrong, and each must be found. Exits 1 for any finding.
"""

import argparse
import itertools
import json
import math
import operator
import random
import statistics
import subprocess
import sys
import tempfile

JUDGED_SECONDS = 900
SLOPE_MAX = 0.01  # of the mean, in 15 minutes
DROP_MAX = 0.05
RATE_WINDOW = 10  # seconds
MORE_DESCRIPTORS = 2
CLOSING_SECONDS = 600


def mean(samples, key):
    return statistics.fmean(sample[key] for sample in samples)


def slope(samples, key):
    """The least-squares slope of a figure, in 15 minutes."""
    times = [sample["seconds"] for sample in samples]
    values = [sample[key] for sample in samples]
    return statistics.linear_regression(times, values).slope * 900


def slope_of_minutes(samples, key, of_minute=statistics.fmean):
    """The same of the means of minutes, between which what comes and goes with checkpoints is
    evened out; its standard error."""
    minutes = [list(group) for _, group in itertools.groupby(
        samples, lambda sample: sample["seconds"] // 60)]
    values = [of_minute([sample[key] for sample in minute]) for minute in minutes]
    times = [mean(minute, "seconds") for minute in minutes]
    return (figure * 900 for figure in regress(values, times, []))


def thirds(samples):
    begin, end = samples[0]["seconds"], samples[-1]["seconds"]
    third = (end - begin) / 3
    return ([sample for sample in samples if sample["seconds"] <= begin + third],
            [sample for sample in samples if sample["seconds"] >= end - third])


def solve(matrix, values):
    """x with matrix x = values, by Gauss and Jordan."""
    rows = [[*row, value] for row, value in zip(matrix, values)]
    size = len(rows)
    for i in range(size):
        pivot = max(range(i, size), key=lambda row: abs(rows[row][i]))
        if abs(rows[pivot][i]) < 1e-9:
            sys.exit("what slowed the run down rose with time itself, and only so: neither can be "
                     "told from the other; run it again")
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for other in range(size):
            if other != i:
                factor = rows[other][i] / rows[i][i]
                rows[other] = [x - factor * y for x, y in zip(rows[other], rows[i])]
    return [rows[i][size] / rows[i][i] for i in range(size)]


def normalised(column):
    """With mean 0 and deviation 1; None if it is the same everywhere."""
    deviation = statistics.pstdev(column)
    if deviation == 0:
        return None
    middle = statistics.fmean(column)
    return [(value - middle) / deviation for value in column]


def regress(values, times, others):
    """The least-squares slope of values over times, the other columns being equal; its standard
    error."""
    columns = [column for column in map(normalised, others) if column is not None]
    columns = [[1.0] * len(values), normalised(times)] + columns
    products = [[sum(map(operator.mul, one, two)) for two in columns] for one in columns]
    fit = solve(products, [sum(map(operator.mul, column, values)) for column in columns])
    rest = sum((value - sum(map(operator.mul, fit, row))) ** 2
               for value, row in zip(values, zip(*columns))) / (len(values) - len(columns))
    of_time = solve(products, [float(i == 1) for i in range(len(columns))])[1]
    unit = statistics.pstdev(times)
    return fit[1] / unit, math.sqrt(rest * of_time) / unit


def windows_of(samples):
    """(seconds, records a second, stolen seconds a second, seconds of the reference work) of each
    window."""
    groups = [list(group) for _, group in itertools.groupby(
        samples, lambda sample: sample["seconds"] // RATE_WINDOW)]
    ends = [group[0] for group in groups] + [groups[-1][-1]]
    windows = []
    for group, before, after in zip(groups, ends, ends[1:]):
        seconds = after["seconds"] - before["seconds"]
        if seconds >= RATE_WINDOW / 2:
            windows.append((before["seconds"], (after["records"] - before["records"]) / seconds,
                            (after["stolen"] - before["stolen"]) / seconds,
                            statistics.median(
                                sample["reference_ns"] for sample in group) * 1e-9))
    return windows


def rate_change(samples):
    """From the middle of the first third to that of the last, all else equal; its standard error.
    """
    windows = windows_of(samples)
    logs = [math.log(max(window[1] * window[3], 1)) for window in windows]
    times, stolen = ([window[i] for window in windows] for i in (0, 2))
    change, error = (figure * (times[-1] - times[0]) * 2 / 3
                     for figure in regress(logs, times, [stolen]))
    return math.expm1(change), error


def memory_slopes(samples):
    """Of each kind of memory: its slope in 15 minutes and the standard error of that, as parts of
    the whole, how much less than that is judged, and its mean in MiB."""
    samples = [{**sample, "beyond": sample["anonymous"] - sample["engine"]} for sample in samples]
    of_process, of_engine = mean(samples, "anonymous"), mean(samples, "engine")
    for key, name, whole, (in_minutes, error) in (
            ("anonymous", "anonymous", of_process, slope_of_minutes(samples, "anonymous")),
            ("beyond", "other than the engine's", of_process, slope_of_minutes(samples, "beyond")),
            ("heap", "heap", of_process, slope_of_minutes(samples, "heap")),
            ("engine", "engine", of_engine, slope_of_minutes(samples, "engine")),
            ("retired", "replaced", of_engine, slope_of_minutes(samples, "retired", min))):
        in_time = in_minutes if key == "retired" else slope(samples, key)
        margin = 2 * error if key in ("anonymous", "beyond") else 0
        yield name, in_time / whole, error / whole, margin / whole, mean(samples, key) / 2**20


def judge(samples):
    """Figures, and what is wrong with them. The samples are those after warming up."""
    first, last = thirds(samples)
    figures, wrong = {}, []
    for key, more in (("descriptors", MORE_DESCRIPTORS), ("threads", 0)):
        before, after = (max(sample[key] for sample in part) for part in (first, last))
        figures[key] = f"{before} then {after}"
        if after > before + more:
            wrong.append(f"{key} rose from {before} to {after}")
    if samples[-1]["seconds"] - samples[0]["seconds"] < JUDGED_SECONDS:
        return figures, wrong
    for name, part, error, margin, mebibytes in memory_slopes(samples):
        figures[name + " memory"] = f"{part:+.2%} in 15 min of {mebibytes:.0f} MiB " \
            f"(standard error {error:.2%})"
        if part - margin >= SLOPE_MAX:
            wrong.append(f"{name} memory grows by {part:.2%} in 15 minutes")
    before, after = (statistics.median(window[1] for window in windows_of(part))
                     for part in (first, last))
    figures["records per second"] = f"{before:,.0f} then {after:,.0f} ({after / before - 1:+.1%})"
    change, error = rate_change(samples)
    figures["the same, all else equal"] = f"{change:+.1%} (standard error {error:.1%})"
    if change < -DROP_MAX:
        wrong.append(f"the rate drops by {-change:.1%} (standard error {error:.1%})")
    return figures, wrong


def plant_leak(samples):
    for sample in samples:
        sample["anonymous"] += sample["seconds"] * 2**20 / 60
        sample["heap"] += sample["seconds"] * 2**20 / 60


def plant_kept_pages(samples):
    for sample in samples:
        sample["anonymous"] += sample["seconds"] * 2**20 / 60


def plant_kept_regions(samples):
    for sample in samples:
        sample["anonymous"] += sample["seconds"] * 2**20 / 60
        sample["engine"] += sample["seconds"] * 2**20 / 60


def plant_kept_blocks(samples):
    plant_kept_regions(samples)
    for sample in samples:
        sample["retired"] += sample["seconds"] * 2**20 / 60


def plant_descriptors(samples):
    for sample in samples:
        sample["descriptors"] += int(sample["seconds"] / 60)


def plant_slow_down(samples):
    records, end, before = samples[0]["records"], samples[-1]["seconds"], samples[0]["records"]
    for sample in samples:
        step, before = sample["records"] - before, sample["records"]
        records += step * (1 - 0.15 * sample["seconds"] / end)
        sample["records"] = records


PLANTED = {"a leak of 1 MiB a minute": plant_leak,
           "pages of 1 MiB a minute that are never given back": plant_kept_pages,
           "regions of 1 MiB a minute that the engine counts and keeps": plant_kept_regions,
           "replaced blocks of 1 MiB a minute that are never freed": plant_kept_blocks,
           "a leak of a descriptor a minute": plant_descriptors,
           "a slow-down to 85 %": plant_slow_down}


def find_planted(samples):
    """Whether each fault is found that is planted into samples with which nothing is wrong."""
    found_all = True
    for fault, plant in PLANTED.items():
        planted = [dict(sample) for sample in samples]
        plant(planted)
        caught = len(judge(planted)[1]) > 0
        found_all = found_all and caught
        print("scorecard " + json.dumps({"row": 15, "planted": fault, "caught": caught}))
    return found_all


def made_up_samples():
    """Twenty minutes of a sound run: memory as saw teeth, a noisy rate, a busy machine."""
    samples, records, stolen, share = [], 0, 0.0, 0.0
    for step in range(5 * 960):
        if step % 150 == 0:  # by half minutes; more and more
            share = random.uniform(0, 0.2 + step / (5 * 960) / 5)
        stolen += 0.2 * share
        speed = 1 - step / (5 * 960) / 5  # other machines on the host
        records += 4e6 * math.exp(-2 * share) * speed * random.gauss(1, 0.1)
        tooth = (step % 11) / 11 * 60
        samples.append({"seconds": 240 + step / 5, "records": records, "stolen": stolen,
                        "anonymous": (150 + tooth + random.gauss(0, 5)) * 2**20,
                        "engine": (120 + tooth) * 2**20,
                        "retired": tooth * random.uniform(0, 2**20),
                        "heap": (20 + tooth / 10 + random.gauss(0, 1)) * 2**20,
                        "reference_ns": 1.5e6 / speed * random.gauss(1, 0.05),
                        "descriptors": 10 + step % 3, "threads": 13})
    return samples


def run_program(flags):
    """Its samples, and what went wrong."""
    samples = []
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            [flags.program, "--directory", home, "--seconds", str(flags.seconds), "--series",
             str(flags.series), "--seed", str(flags.seed)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        done = False
        for line in process.stdout:
            if line.startswith("{"):
                samples.append(json.loads(line))
            done = done or line.strip() == "done"
        try:
            _, errors = process.communicate(timeout=CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return samples, [f"a hang: it still runs {CLOSING_SECONDS} s after its last line"]
    if process.returncode != 0 or not done:
        return samples, [f"it ended with {process.returncode}: {errors.strip()}"]
    return samples, []


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program")
    parser.add_argument("--seconds", type=int, default=1200)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--warm-up", type=float)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--keep")
    parser.add_argument("--samples")
    parser.add_argument("--self-test", action="store_true")
    flags = parser.parse_args()
    print(f"seed {flags.seed}", flush=True)
    random.seed(flags.seed)
    if flags.self_test:
        samples = made_up_samples()
        figures, wrong = judge(samples)
        print(figures, wrong)
        return 0 if not wrong and find_planted(samples) else 1
    if flags.samples:
        with open(flags.samples, encoding="utf-8") as file:
            samples, failed = [json.loads(line) for line in file], []
    else:
        samples, failed = run_program(flags)
    if flags.keep:
        with open(flags.keep, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(sample) + "\n" for sample in samples)
    if not samples:
        print(failed or "no samples")
        return 1
    length = samples[-1]["seconds"]
    warm_up = flags.warm_up if flags.warm_up is not None else length / 5
    warm = [sample for sample in samples if sample["seconds"] >= warm_up]
    figures, wrong = judge(warm)
    wrong = failed + wrong
    last = samples[-1]
    for name, figure in figures.items():
        print(f"{name}: {figure}")
    print(f"{length:.0f} s, {last['records']:,} records, {last['questions']:,} questions, "
          f"{last['checkpoints']:,} checkpoints, {last['compacted'] >> 20:,} MiB compacted, "
          f"{last['deleted']:,} deleted")
    judged = warm[-1]["seconds"] - warm[0]["seconds"] >= JUDGED_SECONDS
    met = judged and not wrong
    if met and not find_planted(warm):
        wrong.append("a planted fault was not found")
    print("; ".join(wrong) or "nothing wrong")
    reached = "; ".join(wrong) or "; ".join(f"{name} {figure}" for name, figure in figures.items())
    print("scorecard " + json.dumps({"row": 15, "reached": f"{length:.0f} s: {reached}",
                                     "met": met, "seed": flags.seed}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
