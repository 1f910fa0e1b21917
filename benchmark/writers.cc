#include "benchmark/writers.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "benchmark/machine.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

// What one writer thread works with.
struct Writer {
  Appender appender;
  uint64_t failures = 0;
  absl::Status failure;

  void Note(const absl::Status& status, uint64_t count) {
    if (count == 0 && status.ok()) return;
    if (failure.ok()) failure = status;
    failures += count;
  }
};

void AppendRecords(Appender& appender, const RecordBlock& block, size_t begin, size_t end,
                   uint64_t& failures) {
  // Local copies: appending writes through pointers that might point at the block, for all the
  // compiler knows, so it would load these again for each record.
  const SeriesId* const series = block.series;
  const Timestamp* const timestamps = block.timestamps;
  const double* const values = block.values;
  uint64_t refused = 0;
  for (size_t i = begin; i < end; ++i) {
    refused += !appender.Append(series[i], timestamps[i], values[i]);
  }
  failures += refused;
}

void AppendColumn(Appender& appender, const RecordBlock& block, size_t begin, size_t end,
                  uint64_t& failures) {
  const size_t count = end - begin;
  const bool taken = appender.AppendColumns(block.series[begin], {block.timestamps + begin, count},
                                            {block.values + begin, count});
  failures += taken ? 0 : count;
}

absl::Status CommitAndAwait(Appender& appender, AwaitCommit await_commit) {
  const Ticket ticket = appender.Commit();
  switch (await_commit) {
    case AwaitCommit::kNone:
      return absl::OkStatus();
    case AwaitCommit::kVisible:
      return ticket.Await(Milestone::kVisible);
    case AwaitCommit::kDurable:
      return ticket.Await(Milestone::kDurable);
  }
  return absl::OkStatus();
}

// Both loops are templates so that the common case, without commits, has no test for them per
// record.
template <auto kAppend>
void Write(InputStream& input, Writer& writer) {
  uint64_t failures = 0;
  for (RecordBlock block; input.Next(block);) {
    kAppend(writer.appender, block, 0, block.size, failures);
  }
  writer.Note(writer.appender.status(), failures);
}

template <auto kAppend>
void WriteAndCommit(InputStream& input, Writer& writer, const WriteOptions& options) {
  uint64_t until_commit = options.commit_every;
  uint64_t failures = 0;
  const auto commit = [&] {
    const absl::Status status = CommitAndAwait(writer.appender, options.await_commit);
    if (!status.ok()) writer.Note(status, 1);
    until_commit = options.commit_every;
  };
  for (RecordBlock block; input.Next(block);) {
    for (size_t begin = 0; begin < block.size;) {
      const size_t end = std::min<uint64_t>(block.size, begin + until_commit);
      kAppend(writer.appender, block, begin, end, failures);
      until_commit -= end - begin;
      begin = end;
      if (until_commit == 0) commit();
    }
  }
  if (until_commit != options.commit_every) commit();
  writer.Note(writer.appender.status(), failures);
}

void WriteAll(InputStream& input, Writer& writer, const WriteOptions& options) {
  const bool columns = options.mode == Shape::kColumns;
  if (options.commit_every > 0) {
    columns ? WriteAndCommit<AppendColumn>(input, writer, options)
            : WriteAndCommit<AppendRecords>(input, writer, options);
  } else {
    columns ? Write<AppendColumn>(input, writer) : Write<AppendRecords>(input, writer);
  }
}

}  // namespace

absl::StatusOr<Labels> SeriesLabelsOf(SeriesId series) {
  static constexpr const char* kModes[] = {"user", "system", "idle",    "iowait",
                                           "irq",  "nice",   "softirq", "steal"};
  static constexpr const char* kRegions[] = {"europe-west1", "europe-north2", "us-central1",
                                             "asia-southeast1"};
  const SeriesId mode = series % 8, cpu = series / 8 % 64, host = series / 512;
  char cpu_text[16], instance[32];
  std::snprintf(cpu_text, sizeof cpu_text, "%u", cpu);
  std::snprintf(instance, sizeof instance, "host-%06u:9100", host);
  return Labels::Create({{kMetricNameLabel, "node_cpu_seconds_total"},
                         {"cpu", cpu_text},
                         {"instance", instance},
                         {"job", "node"},
                         {"mode", kModes[mode]},
                         {"region", kRegions[host % 4]}});
}

absl::StatusOr<double> RegisterSeries(Database& database, uint32_t series) {
  // Labels are made in batches outside the clock.
  constexpr uint32_t kBatch = 4096;
  std::vector<Labels> labels;
  double seconds = 0;
  for (uint32_t begin = 0; begin < series; begin += std::min(kBatch, series - begin)) {
    labels.clear();
    for (uint32_t id = begin; id < series && id - begin < kBatch; ++id) {
      TSDB_ASSIGN_OR_RETURN(Labels made, SeriesLabelsOf(id));
      labels.push_back(std::move(made));
    }
    const auto batch_begin = Clock::now();
    for (uint32_t i = 0; i < labels.size(); ++i) {
      TSDB_ASSIGN_OR_RETURN(const SeriesId id, database.FindOrCreateSeries(labels[i]));
      // Streams carry the workload's numbers, so they have to be the database's too.
      if (id != begin + i) return absl::InternalError("series ids are not dense from 0");
    }
    seconds += SecondsBetween(batch_begin, Clock::now());
  }
  return series / seconds;
}

absl::StatusOr<OpenedDatabase> OpenWithSeries(const Options& options, uint32_t series) {
  OpenedDatabase opened;
  opened.resident_before_bytes = ResidentBytes();
  const auto open_begin = Clock::now();
  TSDB_ASSIGN_OR_RETURN(opened.database, Database::Open(options));
  opened.open_seconds = SecondsBetween(open_begin, Clock::now());
  TSDB_ASSIGN_OR_RETURN(opened.registrations_per_second, RegisterSeries(*opened.database, series));
  return opened;
}

WriterRun RunWriters(Database& database, const Inputs& inputs, const WriteOptions& options) {
  std::vector<uint64_t> failures(inputs.size());
  std::vector<absl::Status> statuses(inputs.size());
  for (const auto& input : inputs) input->Rewind();
  const Together together = RunPrepared(
      inputs.size(),
      [&](size_t) {
        return Writer{database.NewAppender(), 0, absl::OkStatus()};
      },
      [&](size_t index, Writer& writer) {
        WriteAll(*inputs[index], writer, options);
        failures[index] = writer.failures;
        statuses[index] = writer.failure;
      });
  WriterRun run;
  run.begin = together.begin;
  run.writers_end = together.end;
  for (size_t i = 0; i < inputs.size(); ++i) {
    run.failures += failures[i];
    if (run.failure.ok()) run.failure = statuses[i];
  }
  return run;
}

JsonObject LedgerObject(const Ledger& ledger) {
  JsonObject object;
  object.Add("appended", ledger.appended)
      .Add("rejected_unknown_series", ledger.rejected_unknown_series)
      .Add("rejected_budget", ledger.rejected_budget)
      .Add("rejected_closed", ledger.rejected_closed)
      .Add("accepted", ledger.accepted)
      .Add("buffered_open", ledger.buffered_open)
      .Add("buffered_sealed", ledger.buffered_sealed)
      .Add("buffered_late", ledger.buffered_late)
      .Add("merged", ledger.merged)
      .Add("in_tree", ledger.in_tree)
      .Add("replaced", ledger.replaced)
      .Add("deleted", ledger.deleted)
      .Add("balanced", ledger.Balanced());
  return object;
}

}  // namespace tsdb::benchmark
