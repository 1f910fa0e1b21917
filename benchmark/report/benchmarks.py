"""What tools/benchmark-report runs: a command for each kept result.

In a command DIR stands for a directory for databases and PROGRAMS for that of the built programs.
"""

import shlex
from typing import NamedTuple

W = "--series 40 --samples 300"
ONCE = f"{W} --repeat 1"
READS = f"{ONCE} --pass-seconds 0 --no-ingesting --no-baselines --threads 1"


class Benchmark(NamedTuple):
    name: str  # of docs/results/<name>.jsonl: stays, so that git has all that was ever measured
    command: str
    # At a size that means nothing: a command, or flags in place of, or after, those of the command.
    quick: str

    def words(self, quick=False):
        words, flags = shlex.split(self.command), shlex.split(self.quick)
        if not quick:
            return words
        return with_flags(words, flags) if flags[0].startswith("--") else flags


def with_flags(words, flags):
    """`words` with each of `flags` in it once: --name VALUE replaces the value that is there."""
    words, flags = list(words), list(flags)
    while flags:
        flag = flags.pop(0)
        value = [flags.pop(0)] if flags and not flags[0].startswith("--") else []
        if flag not in words:
            words += [flag, *value]
        elif value:
            words[words.index(flag) + 1] = value[0]
    return words


INGEST = f"{ONCE} --no-baselines --writers 2"

ALL = (
    Benchmark("ingest", "ingest_benchmark --repeat 9", f"{ONCE} --writers 1,2"),
    Benchmark("ingest-prefault", "ingest_benchmark --prefault 64MB --writers 2 --repeat 9",
              f"{INGEST} --prefault 1MB"),
    Benchmark("ingest-long", "ingest_benchmark --writers 2 --samples 100000 --repeat 3", INGEST),
    Benchmark("ingest-series", "ingest_benchmark --writers 2 --order series --repeat 9", INGEST),
    Benchmark("ingest-columns",
              "ingest_benchmark --writers 2 --order series --mode columns --repeat 9", INGEST),
    Benchmark("ingest-late", "ingest_benchmark --writers 2 --order late --repeat 9", INGEST),
    Benchmark("ingest-shuffled", "ingest_benchmark --writers 2 --order shuffled --repeat 5",
              INGEST),
    Benchmark("ingest-many-series",
              "ingest_benchmark --writers 2 --series 1000000 --samples 10 --repeat 5",
              "--series 400 --samples 10 --repeat 1 --no-baselines"),
    Benchmark("ingest-async", "ingest_benchmark --directory DIR --writers 2 --repeat 9", INGEST),
    Benchmark("ingest-sync", "ingest_benchmark --directory DIR --compare-commit "
              "--commit-every 1000 --writers 32", f"{ONCE} --writers 2 --commit-every 3000"),
    Benchmark("stages", "benchmark/report/stages.py --program PROGRAMS/ingest_benchmark",
              "benchmark/report/stages.py --program PROGRAMS/ingest_benchmark --series 40 "
              "--samples 5000 --repeat 1"),
    Benchmark("conditional", "ingest_benchmark --directory DIR --compare-set --writers 32",
              "--series 4 --samples 5 --repeat 1 --writers 2"),
    Benchmark("lookup", "lookup_benchmark --threads 1,2", f"{READS} --lookups 1000"),
    Benchmark("scan", "scan_benchmark --threads 1,2", f"{READS} --scans 20 --length 100"),
    *(Benchmark(f"query-{query}", f"scan_benchmark --query {query} --threads 1,2 --repeat 15",
                f"{READS} --samples 3700")
      for query in ("sum", "rollup", "group", "topk", "count")),
    Benchmark("index", "index_benchmark", "--series 2000 --threads 2 --repeat 1"),
    Benchmark("recovery", "recovery_benchmark --directory DIR --samples 100000",
              f"{ONCE} --no-baselines"),
    Benchmark("mixed", "mixed_benchmark --directory DIR --samples 100000 "
              "--checkpoint-every 16MB --compare-checkpoints",
              # Whether a short run has a checkpoint is up to the machine.
              f"mixed_benchmark --directory DIR {ONCE}"),
    Benchmark("import", "import_benchmark --directory DIR", ONCE),
    Benchmark("promql", "query_benchmark",
              "--series 300 --samples 300 --repeat 1 --threads 1 --pass-seconds 0"),
    Benchmark("sizes", "benchmark/report/sizes.py --program PROGRAMS/tsdb --directory DIR "
              "test/data/node-prometheus-1s/series.jsonl.zst",
              "benchmark/report/sizes.py --program PROGRAMS/tsdb --directory DIR "
              "test/data/node-prometheus-1s/node_exporter_sample.prom"),
    Benchmark("memory", "benchmark/report/allocators.py --program PROGRAMS/ingest_benchmark_system",
              "benchmark/report/allocators.py --program PROGRAMS/ingest_benchmark_system "
              "--series 100,300 --records 3000 --repeat 1"),
    *(Benchmark(f"rate-{rate // 1_000_000}m",
                f"mixed_benchmark --directory DIR --rate {rate} --samples {5 * rate // 1024} "
                "--writers 2 --threads 1 --commit-every 1000 --await durable --time-every 7 "
                "--repeat 3",
                f"mixed_benchmark --directory DIR {ONCE} --rate 100000 --writers 2 --threads 1 "
                "--commit-every 1000 --await durable --time-every 7")
      for rate in (1_000_000, 5_000_000, 20_000_000)),
    Benchmark("scaling", "benchmark/scaling/measure.py --programs PROGRAMS",
              "benchmark/scaling/measure.py --programs PROGRAMS --repeat 1 --samples 100 "
              "--counted-samples 100"),
    Benchmark("peers", "peer_benchmark --directory DIR",
              "--series 12 --samples 200 --peer-samples 200 --length 50 --lookups 500 --scans 20 "
              "--pass-seconds 0 --writers 2 --threads 1 --orders scrape --modes record "
              "--durability async --repeat 1 --warm-ups 0"),
)


def find(name):
    """The benchmark of that name, or None."""
    return next((benchmark for benchmark in ALL if benchmark.name == name), None)
