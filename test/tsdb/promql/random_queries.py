"""Random PromQL, typed so that most of it has an answer, and samples for it to ask about.

Two engines that are both right may differ in the last bits: they add in another order, or have
another exp(). Where that would decide more than those bits (a comparison, floor, the order of equal
values) the generator puts what is exact only: samples as they are, and what takes one of them or
does one and the same operation of IEEE 754 on each. Expr.exact says so of an expression.
"""

import dataclasses
import math
import random

BEGIN_MS = 1_600_000_000_000
END_MS = BEGIN_MS + 2 * 3600 * 1000
# Samples without jitter, and half of the times and durations of queries, are multiples of it: the
# ends of ranges often fall on samples.
GRID_MS = 5000
STALE = "stale"


@dataclasses.dataclass
class Expr:
    text: str
    exact: bool = True
    labels: tuple = ()  # that all of its series have, without the name
    distinct: bool = False  # no two of its series ever have the same value
    named: bool = False  # its series have kept the metric's name


# name -> labels whose values make a series unique
METRICS = {
    "requests_total": ("code", "instance", "job"),
    "temperature": ("room",),
    "odd": ("kind",),
    "level": ("instance", "job"),
    "gone": ("instance",),
    "build_info": ("job", "version"),
    "latency_bucket": ("job", "le"),
    "slow": ("job",),
}
DISTINCT = ("temperature",)
LABEL_VALUES = {
    "code": ("200", "404", "500"), "instance": ("0", "1", "2"), "job": ("api", "db", "web"),
    "room": tuple(f"r{i}" for i in range(12)), "kind": ("holes", "inf", "mixed", "nan"),
    "version": ("v1", "v2", "v3"), "le": ("0.1", "0.5", "1", "5", "+Inf"),
}


def times(step_ms, rng, begin=BEGIN_MS, end=END_MS, jitter_ms=0, missing=0.0):
    """Times at about a step's distance, some left out, now and then several in a row."""
    time = begin + rng.randrange(0, step_ms, GRID_MS)
    while time < end:
        if rng.random() < 0.004:
            time += step_ms * rng.randrange(5, 60)
        if rng.random() >= missing:
            yield time + (rng.randrange(jitter_ms) if jitter_ms else 0)
        time += step_ms


def counter(at, rng, most):
    value = float(rng.randrange(1000))
    for time in at:
        value = 0.0 if rng.random() < 0.01 else value + rng.randrange(most)
        yield time, value


def with_staleness(samples, rng):
    """Ends the series here and there, as a target that went away, and begins it again."""
    gone = False
    for time, value in samples:
        if rng.random() < 0.02:
            gone = not gone
            if gone:
                yield time, STALE
                continue
        if not gone:
            yield time, value


def odd_value(kind, rng):
    if kind == "nan":
        return math.nan if rng.random() < 0.4 else float(rng.randrange(10))
    if kind == "inf":
        return rng.choice((math.inf, 1.0, 2.0, math.inf, 3.0))
    if kind == "mixed":
        return rng.choice((math.inf, -math.inf, math.nan, -1.5, 0.0, 1e6))
    return float(rng.randrange(-50, 50))


def buckets(job, rng):
    """The series of a classic histogram: counters that grow with le."""
    at = list(times(15_000, rng, missing=0.02))
    totals = dict.fromkeys(LABEL_VALUES["le"], 0.0)
    series = {le: [] for le in totals}
    for time in at:
        cumulated = 0
        if rng.random() < 0.005:
            totals = dict.fromkeys(totals, 0.0)
        for le in totals:
            cumulated += rng.randrange(7)
            totals[le] += cumulated
            series[le].append((time, totals[le]))
    for le, samples in series.items():
        yield {"__name__": "latency_bucket", "job": job, "le": le}, samples


def make_series(seed):
    """(labels, [(time in ms, value or STALE)]) of every series, times ascending."""
    rng = random.Random(seed)
    for job in LABEL_VALUES["job"]:
        for instance in LABEL_VALUES["instance"]:
            at = times(rng.choice((30_000, 60_000)), rng, missing=0.1)
            yield ({"__name__": "level", "job": job, "instance": instance},
                   [(time, float(rng.randrange(-5, 6))) for time in at])
            for code in LABEL_VALUES["code"]:
                at = times(15_000, rng, jitter_ms=rng.choice((0, 0, 3000)), missing=0.03)
                yield ({"__name__": "requests_total", "job": job, "instance": instance,
                        "code": code}, list(counter(at, rng, 40)))
        yield ({"__name__": "slow", "job": job},
               list(counter(times(240_000, rng, missing=0.2), rng, 9)))
        yield ({"__name__": "build_info", "job": job, "version": rng.choice(("v1", "v2"))},
               [(time, 1.0) for time in times(60_000, rng)])
        yield from buckets(job, rng)
    for room in LABEL_VALUES["room"]:
        yield ({"__name__": "temperature", "room": room},
               [(time, rng.uniform(-30, 60)) for time in times(20_000, rng, missing=0.05)])
    for kind in LABEL_VALUES["kind"]:
        yield ({"__name__": "odd", "kind": kind},
               [(time, odd_value(kind, rng)) for time in
                times(20_000, rng, missing=0.5 if kind == "holes" else 0.0)])
    for instance in LABEL_VALUES["instance"]:
        at = ((time, float(rng.randrange(100))) for time in times(15_000, rng))
        yield {"__name__": "gone", "instance": instance}, list(with_staleness(at, rng))


def seconds(time_ms):
    return f"{time_ms // 1000}.{time_ms % 1000:03}"


class Generator:
    def __init__(self, rng):
        self.rng = rng

    def one_of(self, *choices):
        return self.rng.choice(choices)

    def chance(self, probability):
        return self.rng.random() < probability

    def duration(self, least=1, most=1800):
        count = int(math.exp(self.rng.uniform(math.log(least), math.log(most))))
        if self.chance(0.5):
            return f"{max(count * 1000 // GRID_MS, 1) * GRID_MS // 1000}s"
        return self.one_of(f"{count}s", f"{count}s", f"{max(count // 60, 1)}m",
                           f"{count // 60}m{count % 60 + 1}s", f"{count * 1000 + 7}ms")

    def some_time(self):
        time = self.rng.randrange(BEGIN_MS - 600_000, END_MS + 900_000)
        return time - time % GRID_MS if self.chance(0.5) else time

    # What shifts a selector or a subquery in time.
    def shift(self):
        text = ""
        if self.chance(0.15):
            text += f" offset {self.one_of('', '', '-')}{self.duration()}"
        if self.chance(0.12):
            at = self.one_of(seconds(self.some_time()), "start()", "end()")
            text = self.one_of(f" @ {at}{text}", f"{text} @ {at}")
        return text

    def matcher(self, label):
        values = LABEL_VALUES[label]
        value = self.rng.choice(values)
        other = self.rng.choice(values)
        pattern = self.one_of(f"{value}|{other}", f"{value[0]}.*", f".*{value[-1]}", "", ".+",
                              f"[^{value[0]}].*", f"({value}|x)?").replace("+Inf", "[+]Inf")
        return label + self.one_of(f'="{value}"', f'!="{value}"', f'=~"{pattern}"',
                                   f'!~"{pattern}"')

    def selector(self, metric=None):
        """A selector without its shift, and what is known of it."""
        metric = metric or self.rng.choice(tuple(METRICS))
        labels = METRICS[metric]
        matchers = [self.matcher(self.rng.choice(labels))
                    for _ in range(self.one_of(0, 0, 1, 1, 2))]
        if self.chance(0.05):
            matchers.append(self.one_of('none=""', 'none!="x"', 'none=~".*"', 'none="x"'))
        form = self.rng.random()
        if form < 0.05:
            matchers.insert(0, f'__name__="{metric}"')
            text = "{" + ",".join(matchers) + "}"
        else:
            text = metric + ("{" + ", ".join(matchers) + "}" if matchers or form > 0.95 else "")
        return Expr(text, True, labels, metric in DISTINCT, True)

    def instant_selector(self, metric=None):
        expr = self.selector(metric)
        return dataclasses.replace(expr, text=expr.text + self.shift())

    def range_of(self, depth, metric=None, exact=False):
        """A range vector."""
        if depth > 0 and self.chance(0.3):
            inner = self.vector(depth - 1, exact, metric)
            step = self.one_of("", self.duration(5, 300))
            text = f"({inner.text})[{self.duration(60)}:{step}]{self.shift()}"
            return dataclasses.replace(inner, text=text)
        expr = self.selector(metric)
        return dataclasses.replace(expr, text=f"{expr.text}[{self.duration(10)}]{self.shift()}")

    def scalar(self, depth, exact=True):
        choice = self.rng.random()
        if depth > 0 and choice < 0.15:
            return f"scalar({self.vector(depth - 1, exact).text})"
        if depth > 0 and choice < 0.3:
            op = self.one_of("+", "-", "*", "/", "%")
            return f"({self.scalar(depth - 1)} {op} {self.scalar(depth - 1)})"
        if choice < 0.4:
            return self.one_of("time()", "pi()", "(time() % 100)")
        if choice < 0.45:
            return self.one_of("NaN", "Inf", "-Inf", "0", "-0")
        return self.one_of("1", "2", "-3", "0.5", "10", "100", "1e3", "7", "0x10", "2.25")

    def vector(self, depth, exact=False, metric=None):
        """An instant vector; `exact`: it must be."""
        if depth <= 0:
            return self.instant_selector(metric)
        makers = [self.instant_selector, self.elementwise, self.elementwise, self.exact_range_call,
                  self.exact_aggregation, self.arithmetic, self.arithmetic, self.comparison,
                  self.set_operation, self.matched, self.label_call]
        if not exact:
            makers += [self.rounded_function, self.rounded_range_call, self.rounded_range_call,
                       self.rounded_range_call, self.rounded_aggregation, self.rounded_aggregation,
                       self.rounded_aggregation, self.histogram, self.rounded_arithmetic]
        maker = self.rng.choice(makers)
        if maker == self.instant_selector:
            return maker(metric)
        return maker(depth, exact, metric)

    def unnamed(self, expr, text, exact=None):
        return Expr(text, expr.exact if exact is None else exact, expr.labels)

    def elementwise(self, depth, exact, metric):
        """Functions of one sample that are exact on what is exact."""
        if self.chance(0.5):
            inner = self.vector(depth - 1, True, metric)
            call = self.one_of("floor(%s)", "ceil(%s)", "round(%s)", "round(%s, 5)", "sgn(%s)",
                               "round(%s, 0.5)", "clamp(%s, 2, 1)")
            return self.unnamed(inner, call % inner.text)
        inner = self.vector(depth - 1, exact, metric)
        call = self.one_of("abs(%s)", "-%s", "+(%s)", "clamp(%s, -10, 200)", "clamp_min(%s, 3)",
                           "clamp_max(%s, 30)", "sqrt(%s)", "timestamp(%s)", "minute(%s)",
                           "day_of_week(%s * 1000)", "hour(%s * 10000)", "month(%s * 1e6)",
                           "year(%s * 1e6)", "day_of_month(%s * 1e5)", "days_in_month(%s * 1e6)",
                           "day_of_year(%s * 1e5)")
        if "* 1" in call or "minute" in call:  # of times that there are: others have no date
            inner = self.instant_selector(self.one_of("level", "slow", "temperature"))
        if call.startswith("timestamp") and "@" in inner.text:  # it forgets the offset beside an @
            inner = self.selector(metric)
        return self.unnamed(inner, call % f"({inner.text})")

    def rounded_function(self, depth, _exact, metric):
        inner = self.vector(depth - 1, False, metric)
        call = self.one_of("exp(%s / 100)", "ln(%s)", "log2(%s)", "log10(%s)", "sin(%s)", "cos(%s)",
                           "tan(%s)", "asin(%s / 100)", "acos(%s / 100)", "atan(%s)",
                           "sinh(%s / 100)", "cosh(%s / 100)", "tanh(%s)", "asinh(%s)",
                           "acosh(%s)", "atanh(%s / 100)", "deg(%s)", "rad(%s)")
        # Near a pole or far out the last bits of the argument decide: what is exact goes there.
        if call.split("(")[0] in ("tan", "sin", "cos", "ln", "log2", "log10", "acosh", "atanh",
                                  "asin", "acos"):
            inner = self.vector(depth - 1, True, metric)
        return self.unnamed(inner, call % f"({inner.text})", False)

    def exact_range_call(self, depth, _exact, metric):
        inner = self.range_of(depth, metric, True)
        call = self.one_of("min_over_time(%s)", "max_over_time(%s)", "last_over_time(%s)",
                           "count_over_time(%s)", "present_over_time(%s)", "changes(%s)",
                           "resets(%s)", "idelta(%s)")
        result = self.unnamed(inner, call % inner.text, True)
        result.named = inner.named and call.startswith("last")
        return result

    def rounded_range_call(self, depth, _exact, metric):
        if self.chance(0.5):  # of counters: a reset is a matter of the last bit
            inner = self.range_of(depth, metric or self.one_of("requests_total", "slow", "gone"),
                                  True)
            call = self.one_of("rate(%s)", "increase(%s)", "irate(%s)", "rate(%s)")
        else:
            call = self.one_of("delta(%s)", "avg_over_time(%s)", "sum_over_time(%s)",
                               "stddev_over_time(%s)", "stdvar_over_time(%s)", "deriv(%s)",
                               "quantile_over_time(0.37, %s)", "quantile_over_time(1.2, %s)",
                               "predict_linear(%s, 600)", "holt_winters(%s, 0.3, 0.7)",
                               "quantile_over_time(-1, %s)", "quantile_over_time(0.9, %s)")
            metric = metric or self.one_of("temperature", "level", "slow", "odd", "requests_total")
            inner = self.range_of(depth, metric)
            if call.startswith("predict"):  # of a range with @, 2.42 lets it move with the steps
                inner = self.selector(metric)
                inner.text += f"[{self.duration(10)}]"
        return self.unnamed(inner, call % inner.text, False)

    def grouping(self, labels):
        choice = self.rng.random()
        if choice < 0.3:
            return "", ()
        names = self.rng.sample(labels, self.rng.randrange(len(labels) + 1)) if labels else []
        if self.chance(0.1):
            names.append("none")
        kept = tuple(name for name in labels if name in names)
        if choice < 0.7:
            return f" by ({', '.join(names)}) ", kept
        return f" without ({', '.join(names)}) ", tuple(n for n in labels if n not in names)

    def aggregate(self, op, inner, parameter=""):
        group, labels = self.grouping(inner.labels)
        if group and self.chance(0.3):
            text = f"{op}({parameter}{inner.text}){group.rstrip()}"
        else:
            text = f"{op}{group}({parameter}{inner.text})"
        return labels, text

    def exact_aggregation(self, depth, exact, metric):
        choice = self.rng.random()
        if choice < 0.25:
            inner = self.instant_selector("temperature")
            labels, text = self.aggregate(self.one_of("topk", "bottomk"), inner,
                                          f"{self.one_of(1, 2, 3, 5, 0, 20)}, ")
            return Expr(text, True, inner.labels, True, True)
        if choice < 0.35:
            inner = self.vector(depth - 1, True, self.one_of("level", "build_info"))
            # By three labels, 2.42 mixes them up from one step to the next.
            inner.labels = inner.labels[:1]
            labels, text = self.aggregate("count_values", inner, '"value", ')
            return Expr(text, True, labels + ("value",))
        inner = self.vector(depth - 1, exact, metric)
        labels, text = self.aggregate(self.one_of("min", "max", "count", "group"), inner)
        return Expr(text, inner.exact, labels)

    def rounded_aggregation(self, depth, _exact, metric):
        op, parameter = self.one_of(("sum", ""), ("sum", ""), ("avg", ""), ("stddev", ""),
                                    ("stdvar", ""), ("quantile", "0.37, "), ("quantile", "0.9, "),
                                    ("quantile", "-1, "), ("quantile", "2, "))
        # The deviation of one value that is NaN or infinite is 0 in Prometheus 2, NaN in 3.
        inner = (self.finite() if op.startswith("std") else self.vector(depth - 1, False, metric))
        labels, text = self.aggregate(op, inner, parameter)
        return Expr(text, False, labels)

    def finite(self):
        """Neither NaN nor infinite, nor so large that little is left of differences."""
        metric = self.one_of("temperature", "level", "slow", "requests_total")
        if self.chance(0.5):
            return self.instant_selector(metric)
        inner = self.range_of(0, metric)
        call = self.one_of("rate(%s)", "avg_over_time(%s)", "max_over_time(%s)", "delta(%s)")
        return self.unnamed(inner, call % inner.text, False)

    def histogram(self, depth, _exact, _metric):
        inner = self.one_of(self.instant_selector("latency_bucket").text,
                            f"rate(latency_bucket[{self.duration(60)}]{self.shift()})",
                            "sum by (le) (latency_bucket)",
                            f"sum by (job, le) (rate(latency_bucket[{self.duration(60)}]))")
        quantile = self.one_of("0.37", "0.9", "0.99", "0", "1", "-1", "2", "NaN")
        labels = () if "by (le)" in inner else ("job",)
        return Expr(f"histogram_quantile({quantile}, {inner})", False, labels)

    def arithmetic(self, depth, exact, metric, ops=("+", "-", "*", "/")):
        inner = self.vector(depth - 1, exact, metric)
        sides = [inner.text, self.scalar(depth - 1)]
        self.rng.shuffle(sides)
        return self.unnamed(inner, f"({sides[0]} {self.rng.choice(ops)} {sides[1]})")

    def rounded_arithmetic(self, depth, _exact, metric):
        expr = self.arithmetic(depth, True, metric, ("^", "%", "atan2"))
        return dataclasses.replace(expr, exact=False)

    def comparison(self, depth, _exact, metric):
        inner = self.vector(depth - 1, True, metric)
        op = self.one_of("==", "!=", "<", ">", "<=", ">=")
        sides = [inner.text, self.scalar(depth - 1)]
        self.rng.shuffle(sides)
        boolean = self.one_of("", "", " bool")
        expr = self.unnamed(inner, f"({sides[0]} {op}{boolean} {sides[1]})")
        expr.named = inner.named and not boolean
        expr.distinct = inner.distinct and not boolean
        return expr

    def set_operation(self, depth, exact, metric):
        left = self.vector(depth - 1, exact, metric)
        right = self.vector(depth - 1, exact, metric)
        matching = self.one_of("", "", f" on ({self.some_labels(left, right)})",
                               f" ignoring ({self.some_labels(left, right)})")
        op = self.one_of("and", "unless", "or")
        labels = left.labels
        if op == "or":
            labels = tuple(name for name in labels if name in right.labels)
        return Expr(f"({left.text} {op}{matching} {right.text})", left.exact and right.exact,
                    labels, left.distinct and op != "or", left.named and right.named)

    def some_labels(self, left, right):
        common = [name for name in left.labels if name in right.labels] or ["job"]
        return ", ".join(self.rng.sample(common, self.rng.randrange(len(common) + 1)))

    def matched(self, depth, exact, metric):
        """A binary operator between two vectors that mostly match."""
        compare = self.chance(0.3)
        exact = exact or compare
        if self.chance(0.35):
            many, one, on = self.one_of(
                ("requests_total", "level", "job, instance"), ("level", "slow", "job"),
                ("requests_total", "build_info", "job"), ("latency_bucket", "slow", "job"))
            left = self.vector(depth - 1, exact, many)
            right = self.instant_selector(one)
            include = self.one_of("", "", "version", "none")
            matching = f" on ({on}) group_left ({include})"
            if self.chance(0.3):
                left, right = right, left
                matching = matching.replace("group_left", "group_right")
            labels = tuple(name for name in METRICS[many] if name in (left.labels + right.labels))
        else:
            left = self.vector(depth - 1, exact, metric)
            right = self.vector(depth - 1, exact, metric)
            common = self.some_labels(left, right)
            matching = self.one_of("", "", "", f" on ({common})", f" ignoring ({common})")
            labels = left.labels if not matching else ()
        op = self.one_of("==", "!=", "<", ">", "<=", ">=") if compare else self.one_of(*"+-*/")
        boolean = self.one_of("", " bool") if compare else ""
        return Expr(f"({left.text} {op}{boolean}{matching} {right.text})",
                    left.exact and right.exact, labels)

    def label_call(self, depth, exact, metric):
        inner = self.vector(depth - 1, exact, metric)
        label = self.rng.choice(inner.labels) if inner.labels else "job"
        if self.chance(0.3):
            separator = self.one_of("-", "", "/")
            text = f'label_join({inner.text}, "made", "{separator}", "{label}", "job")'
        else:
            target = self.one_of("made", "made", label)
            replacement = self.one_of("$1", "x-$1", "$2$1", "fixed", "${1}y", "$3")
            pattern = self.one_of("(.*)", "(.)(.*)", "(a|b|r).*", "", "([0-9]+)", "(", "(?i)(A.*)")
            text = (f'label_replace({inner.text}, "{target}", "{replacement}", "{label}", '
                    f'"{pattern}")')
        labels = inner.labels if '"made"' in text else tuple(n for n in inner.labels if n != label)
        return Expr(text, inner.exact, labels, inner.distinct, inner.named)

    def top(self):
        """An expression as a whole, and whether the order of its series is defined."""
        choice = self.rng.random()
        if choice < 0.04:
            return self.scalar(3), False
        if choice < 0.08:
            metric = self.rng.choice(tuple(METRICS))
            return self.one_of(
                f"absent({self.instant_selector(metric).text})",
                f'absent({metric}{{job="none", le=~"x"}})',
                f"absent_over_time({self.range_of(0, metric).text})",
                f"absent(sum({metric}))", "absent(nothing{a=\"b\"})", f"vector({self.scalar(2)})",
                '{__name__=~"l.*"}', '{__name__=~"level|slow"}', '{job="api", __name__!="slow"}',
                "{}", '{job=~".*"}', '"a string"', "time()", "hour()", "year()", "minute()",
                "rate(level)", "sum(1)", "topk(level)", "1 + bool 2", "level and 1",
                "level[5m] + 1", "holt_winters(level[5m], 2, 0.5)", "level @ level"), False
        if choice < 0.12:
            call = self.one_of("sort(%s)", "sort_desc(%s)", "topk(3, %s)", "bottomk(4, %s)")
            return call % self.instant_selector("temperature").text, True
        return self.vector(self.one_of(1, 1, 2, 2, 3, 4)).text, False

    def query(self):
        """("instant", time, expression, ordered) or ("range", start, end, step, expression)."""
        expression, ordered = self.top()
        if self.chance(0.5):
            return ("instant", self.some_time(), expression, ordered)
        step = self.one_of(1000, 7000, 15_000, 60_000, 61_003, 300_000)
        start = self.some_time()
        if self.chance(0.3):
            start -= start % step
        steps = self.one_of(0, 1, 2, 10, 50)
        return ("range", start, start + step * steps + self.rng.randrange(step), step, expression)
