#include "benchmark/peers/peer_reads.h"

#include <bit>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/start_gate.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

// What one thread's part of a pass gave; a cache line of its own.
struct alignas(128) Answers {
  uint64_t right = 0;
  Aggregate all;
  absl::Status status;
};

// The part of `count` that is the thread's.
struct Part {
  Part(uint64_t count, size_t thread, size_t threads)
      : begin(count * thread / threads), end(count * (thread + 1) / threads) {}
  uint64_t begin, end;
};

uint64_t AskLookups(PeerReader& reader, const LookupQuestions& asked, const Part& part) {
  uint64_t right = 0;
  for (uint64_t i = part.begin; i < part.end; ++i) {
    const std::optional<double> value = reader.Lookup(asked.series[i], asked.timestamps[i]);
    right += value.has_value() &&
             std::bit_cast<uint64_t>(*value) == std::bit_cast<uint64_t>(asked.answers[i]);
  }
  return right;
}

uint64_t AskScans(PeerReader& reader, const ScanQuestions& asked, const Part& part) {
  uint64_t right = 0;
  for (uint64_t i = part.begin; i < part.end; ++i) {
    const ScanQuestion& scan = asked.scans[i];
    const RangeSum sum = reader.SumRange(
        scan.series, Workload::Range(scan.first_sample, scan.first_sample + asked.length));
    // Rounding in a sum of so few values is far below a cent.
    right += sum.count == asked.length && std::llround(sum.sum * 100) == scan.cents;
  }
  return right;
}

bool SameAggregate(const Aggregate& all, const ScanQuestions& asked) {
  const Aggregate& truth = asked.everything;
  // Rounding is relative to what was added, not to what is left of it.
  return all.count == truth.count && all.min == truth.min && all.max == truth.max &&
         std::abs(all.sum - truth.sum) <= 1e-9 * asked.magnitude;
}

class Reads {
 public:
  Reads(Peer& peer, uint32_t threads, double pass_seconds)
      : peer_(peer), threads_(threads), pass_seconds_(pass_seconds) {}

  // `ask(reader, thread, answers)` on each thread for a pass; `check(answers)` says whether all was
  // right. Returns how many passes a second.
  template <typename Ask, typename Check>
  absl::StatusOr<double> PassesPerSecond(const char* what, Ask&& ask, Check&& check) {
    double seconds = 0;
    uint64_t passes = 0;
    for (bool warm = false; !warm || seconds < pass_seconds_ || passes == 0;) {
      std::vector<Answers> answers(threads_);
      const Together together = RunPrepared(
          threads_, [&](size_t) { return peer_.NewReader(); },
          [&](size_t thread, absl::StatusOr<std::unique_ptr<PeerReader>>& reader) {
            if (!reader.ok()) {
              answers[thread].status = reader.status();
              return;
            }
            ask(**reader, thread, answers[thread]);
          });
      for (const Answers& own : answers) TSDB_RETURN_IF_ERROR(own.status);
      if (!check(answers)) return absl::DataLossError(std::string(what) + ": a wrong answer");
      if (std::exchange(warm, true)) {
        seconds += together.seconds();
        ++passes;
      }
    }
    return static_cast<double>(passes) / seconds;
  }

 private:
  Peer& peer_;
  const uint32_t threads_;
  const double pass_seconds_;
};

uint64_t Right(const std::vector<Answers>& answers) {
  uint64_t right = 0;
  for (const Answers& own : answers) right += own.right;
  return right;
}

}  // namespace

absl::Status MeasureReads(Peer& peer, const PeerQuestions& questions, uint32_t threads,
                          double pass_seconds, bool summaries, Figures& figures) {
  Reads reads(peer, threads, pass_seconds);
  std::string suffix(1, '@');
  suffix += std::to_string(threads);
  const LookupQuestions& lookups = questions.lookups();
  const uint64_t lookup_count = lookups.series.size();
  TSDB_ASSIGN_OR_RETURN(
      const double lookup_passes,
      reads.PassesPerSecond(
          "lookups",
          [&](PeerReader& reader, size_t thread, Answers& own) {
            own.right = AskLookups(reader, lookups, Part(lookup_count, thread, threads));
          },
          [&](const std::vector<Answers>& all) { return Right(all) == lookup_count; }));
  figures["lookups_per_second" + suffix] = lookup_passes * static_cast<double>(lookup_count);

  const ScanQuestions& scans = questions.scans();
  const uint64_t scan_count = scans.scans.size();
  TSDB_ASSIGN_OR_RETURN(
      const double scan_passes,
      reads.PassesPerSecond(
          "scans",
          [&](PeerReader& reader, size_t thread, Answers& own) {
            own.right = AskScans(reader, scans, Part(scan_count, thread, threads));
          },
          [&](const std::vector<Answers>& all) { return Right(all) == scan_count; }));
  figures["scan_samples_per_second" + suffix] =
      scan_passes * static_cast<double>(scan_count * scans.length);

  const auto check_aggregate = [&](const std::vector<Answers>& answers) {
    Aggregate all;
    for (const Answers& own : answers) all.Merge(own.all);
    return SameAggregate(all, scans);
  };
  for (const bool decode : {false, true}) {
    if (decode && !summaries) continue;
    TSDB_ASSIGN_OR_RETURN(const double passes,
                          reads.PassesPerSecond(
                              "aggregates",
                              [&](PeerReader& reader, size_t thread, Answers& own) {
                                const Part part(questions.workload().series(), thread, threads);
                                own.all =
                                    reader.AggregateSeries(static_cast<SeriesId>(part.begin),
                                                           static_cast<SeriesId>(part.end), decode);
                              },
                              check_aggregate));
    figures[(decode ? "decoded_samples_per_second" : "aggregate_samples_per_second") + suffix] =
        passes * static_cast<double>(questions.workload().records());
  }
  return absl::OkStatus();
}

}  // namespace tsdb::benchmark
