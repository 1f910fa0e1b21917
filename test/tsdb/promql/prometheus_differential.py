#!/usr/bin/env python3
"""Asks random PromQL of Prometheus 2 and of the engine, over the same samples, and compares.

    prometheus_differential.py --program PROMQL_ANSWER [--queries 500] [--seed N] [--prometheus P]

Starts Prometheus on a free port of its own with an empty configuration, writes the samples to it,
and the same to a file for promql_answer, which runs with closed ranges as Prometheus 2 does. Both
are asked instants and ranges. Two answers are equal with the same type, series, times and values,
and in the same order where one is defined: of ranges, and of sort, topk and bottomk over values
that differ. Errors must meet errors; their texts may differ.

Values may differ by a thousand-millionth of the greater one, or of 1 if that is more: the engines
add in another order and have another exp() and pow(), each good for some 16 digits, and of a
difference of two sums of values as large as those here (10^6) no more than about ten are left.

Prints the counts, and of each difference the seed, the query and both answers; exits 1 if there was
any, 77 if there is no Prometheus 2. With --plant-open-ranges the engine runs with the half-open
ranges of Prometheus 3, and the script exits 0 only if it has found that out.
"""

import argparse
import http.client
import json
import math
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

import random_queries

SKIPPED = 77
READY_SECONDS = 60
TOLERANCE = 1e-9
STALE_BITS = struct.pack("<Q", 0x7ff0000000000002)


# Protocol buffers and snappy, as far as a remote write needs them.
def varint(number):
    out = bytearray()
    while number > 0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def write_request(all_series):
    """prometheus.WriteRequest: timeseries = 1 of labels = 1 and samples = 2."""
    out = []
    for labels, samples in all_series:
        parts = [field(1, field(1, name.encode()) + field(2, labels[name].encode()))
                 for name in sorted(labels)]
        for timestamp, value in samples:
            bits = STALE_BITS if value == random_queries.STALE else struct.pack("<d", value)
            parts.append(field(2, b"\x09" + bits + b"\x10" + varint(timestamp)))
        out.append(field(1, b"".join(parts)))
    return b"".join(out)


def snappy(content):
    """Content in snappy's block format, as literals."""
    out = [varint(len(content))]
    for begin in range(0, len(content), 1 << 16):
        part = content[begin:begin + (1 << 16)]
        out.append(bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part)
    return b"".join(out)


class Prometheus:
    """A server of its own, in a folder of its own, ended with the context."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.process = self.connection = None

    def __enter__(self):
        for _attempt in range(10):
            if self.start():
                return self
        raise RuntimeError("prometheus did not start: " + self.log())

    def __exit__(self, *_unused):
        self.stop()

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def stop(self):
        if self.connection:
            self.connection.close()
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def start(self):
        """False: it ended, as when another took the port between our look and its own."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = os.path.join(self.folder, "empty.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("global: {}\n")
        command = [self.program, f"--config.file={config}", "--log.level=warn",
                   f"--storage.tsdb.path={os.path.join(self.folder, f'data-{port}')}",
                   "--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{port}",
                   "--web.enable-remote-write-receiver"]
        with open(os.path.join(self.folder, "log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_SECONDS
        while self.process.poll() is None:
            if self.answers(port):
                self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
                return True
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"prometheus is not ready after {READY_SECONDS} s: {self.log()}")
            try:  # until it ends, or a moment has passed
                self.process.wait(0.05)
            except subprocess.TimeoutExpired:
                pass
        return False

    @staticmethod
    def answers(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def post(self, path, body, headers):
        self.connection.request("POST", path, body, headers)
        response = self.connection.getresponse()
        return response.status, response.read()

    def write(self, all_series):
        status, body = self.post("/api/v1/write", snappy(write_request(all_series)), {
            "Content-Encoding": "snappy", "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0"})
        if status != 204:
            raise RuntimeError(f"prometheus refused the samples: {status} {body.decode()}")

    def ask(self, query):
        """(type, [(labels, [(time in ms, value)])]) or ("error", message)."""
        if query[0] == "instant":
            parameters = {"query": query[2], "time": random_queries.seconds(query[1])}
            path = "/api/v1/query"
        else:
            _kind, start, end, step, expression = query
            parameters = {"query": expression, "start": random_queries.seconds(start),
                          "end": random_queries.seconds(end), "step": random_queries.seconds(step)}
            path = "/api/v1/query_range"
        _status, body = self.post(path, urllib.parse.urlencode(parameters),
                                  {"Content-Type": "application/x-www-form-urlencoded"})
        answer = json.loads(body)
        if answer["status"] != "success":
            return "error", answer["error"]
        kind, result = answer["data"]["resultType"], answer["data"]["result"]
        if kind == "string":
            return kind, result[1]
        if kind == "scalar":
            return kind, [({}, [sample_of(result)])]
        return kind, [(series["metric"], [sample_of(sample) for sample in
                                          series.get("values", [series.get("value")])])
                      for series in result]


def sample_of(pair):
    return round(float(pair[0]) * 1000), float(pair[1])


class Engine:
    """promql_answer, which is told a query by line and answers by line."""

    def __init__(self, program, samples, *options):
        self.process = subprocess.Popen([program, samples, *options], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def ask(self, query):
        words = query[:3] if query[0] == "instant" else query
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"promql_answer ended ({self.process.wait()}) at {query}")
        answer = json.loads(line)
        if "error" in answer:
            # Anything but the expression's fault is the engine's.
            if answer["code"] not in ("INVALID_ARGUMENT", "FAILED_PRECONDITION"):
                return "failure", f"{answer['code']}: {answer['error']}"
            return "error", answer["error"]
        if answer["type"] == "string":
            return "string", answer["text"]
        return answer["type"], [
            (series["labels"], [(at, float(value)) for at, value in series["samples"]])
            for series in answer["result"]]


def equal_values(a, b):
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if math.isinf(a) or math.isinf(b):
        return a == b
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b), 1)


def name_of(labels):
    inner = ", ".join(f"{name}={json.dumps(value)}" for name, value in sorted(labels.items()))
    return "{" + inner + "}"


def difference(expected, got, ordered):
    """A line about the first difference; empty: there is none."""
    if expected[0] != got[0]:
        return f"prometheus: {str(expected)[:300]}\n  engine:     {str(got)[:300]}"
    if expected[0] == "error":
        return ""
    if expected[0] == "string":
        return "" if expected[1] == got[1] else f"prometheus: {expected[1]!r}, engine: {got[1]!r}"
    names = [name_of(labels) for labels, _samples in expected[1]]
    own_names = [name_of(labels) for labels, _samples in got[1]]
    if sorted(names) != sorted(own_names):
        missing = sorted(set(names) - set(own_names))
        extra = sorted(set(own_names) - set(names))
        return f"series: {len(missing)} missing {missing[:3]}, {len(extra)} extra {extra[:3]}"
    if ordered and names != own_names:
        return f"order: prometheus {names[:9]}, engine {own_names[:9]}"
    own = dict(zip(own_names, (samples for _labels, samples in got[1])))
    for name, (_labels, samples) in zip(names, expected[1]):
        times, own_times = [s[0] for s in samples], [s[0] for s in own[name]]
        if times != own_times:
            odd = sorted(set(times) ^ set(own_times))
            return (f"times of {name}: prometheus {len(times)}, engine {len(own_times)}; only one "
                    f"has {odd[:4]}")
        for (at, value), (_at, own_value) in zip(samples, own[name]):
            if not equal_values(value, own_value):
                return f"{name} at {at}: prometheus {value!r}, engine {own_value!r}"
    return ""


def write_samples(path, all_series):
    with open(path, "w", encoding="utf-8") as file:
        for labels, samples in all_series:
            text = ",".join(f"{at} {value if isinstance(value, str) else repr(value)}"
                            for at, value in samples)
            file.write(f"{name_of(labels)}\t{text}\n")


def compare(prometheus, engine, flags):
    generator = random_queries.Generator(random.Random(flags.seed))
    counts = dict.fromkeys(("compared", "equal", "empty", "both errors", "different"), 0)
    for number in range(flags.queries):
        query = generator.query()
        expected, got = prometheus.ask(query), engine.ask(query)
        found = difference(expected, got, query[0] == "range" or query[3])
        counts["compared"] += 1
        if found:
            counts["different"] += 1
            if counts["different"] <= flags.show:
                print(f"query {number} of seed {flags.seed}: {' '.join(str(q) for q in query)}\n"
                      f"  {found}")
        elif expected[0] == "error":
            counts["both errors"] += 1
        else:
            counts["equal"] += 1
            counts["empty"] += not expected[1]
    print(f"seed {flags.seed}: {counts['compared']} compared, {counts['equal']} equal "
          f"({counts['empty']} of them empty), {counts['both errors']} both errors, "
          f"{counts['different']} different")
    # Too few answers would say little.
    if counts["equal"] - counts["empty"] < flags.queries // 4:
        print("too few queries have an answer: the generator has gone astray")
        return 1
    return 1 if (counts["different"] > 0) != flags.plant else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--prometheus", default="prometheus")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=20, help="differences to print")
    parser.add_argument("--plant-open-ranges", action="store_true", dest="plant")
    flags = parser.parse_args()
    program = shutil.which(flags.prometheus)
    if program is None:
        print(f"skipped: there is no {flags.prometheus} to compare with")
        return SKIPPED
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    if "version 2." not in version.stdout + version.stderr:
        print("skipped: compared with Prometheus 2 only, this is "
              + (version.stdout + version.stderr).split("\n", maxsplit=1)[0])
        return SKIPPED
    all_series = list(random_queries.make_series(flags.seed))
    with tempfile.TemporaryDirectory() as folder:
        samples = os.path.join(folder, "samples")
        write_samples(samples, all_series)
        options = [] if flags.plant else ["--closed-ranges"]
        with Prometheus(program, folder) as prometheus, \
                Engine(flags.program, samples, *options) as engine:
            prometheus.write(all_series)
            return compare(prometheus, engine, flags)


if __name__ == "__main__":
    sys.exit(main())
