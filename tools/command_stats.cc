#include "tools/command_stats.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "storage/base/mutex.h"
#include "tools/number_text.h"
#include "tools/report.h"

namespace tsdb::tools {
namespace {

// What reading everything back found.
struct ReadBack {
  uint64_t samples = 0;
  Timestamp first = kTimestampMax;
  Timestamp last = kTimestampMin;
};

ReadBack ReadAll(const Database& database, const Snapshot& snapshot) {
  std::vector<SeriesId> all(database.SeriesCount());
  std::iota(all.begin(), all.end(), SeriesId{0});
  ReadBack total;
  Mutex mutex;  // guards `total`, which several threads add to
  snapshot.ScanMany(all, TimeRange::All(), 0, [&](SeriesId, Cursor& cursor) {
    ReadBack own;
    for (ColumnBlock block; cursor.Next(block);) {
      own.samples += block.size();
      own.first = std::min(own.first, block.timestamps.front());
      own.last = std::max(own.last, block.timestamps.back());
    }
    const MutexLock lock(&mutex);
    total.samples += own.samples;
    total.first = std::min(total.first, own.first);
    total.last = std::max(total.last, own.last);
  });
  return total;
}

double Ratio(uint64_t numerator, uint64_t denominator) {
  return denominator == 0 ? 0 : static_cast<double>(numerator) / static_cast<double>(denominator);
}

Figure Bytes(std::string name, uint64_t bytes) {
  return {std::move(name), bytes, ReadableBytes(bytes)};
}

void AddImport(const LoadedFiles& loaded, Report& report) {
  const importer::ImportCounts& counts = loaded.counts;
  Section& section = report.AddSection("import");
  section.figures = {{"files", counts.files, ""},
                     Bytes("file_bytes", counts.file_bytes),
                     Bytes("text_bytes", counts.text_bytes),
                     {"lines_read", counts.lines, ""},
                     {"samples_accepted", counts.samples, ""},
                     {"samples_without_timestamp", counts.untimed_samples, ""},
                     {"lines_rejected", counts.Rejected(), ""}};
  for (size_t i = 0; i < importer::kReasons; ++i) {
    if (counts.lines_rejected[i] == 0) continue;
    const std::string_view reason = importer::ReasonName(static_cast<importer::Reason>(i));
    section.figures.push_back(
        {"lines_rejected_" + std::string(reason), counts.lines_rejected[i], ""});
  }
  const double rate = loaded.seconds > 0 ? static_cast<double>(counts.samples) / loaded.seconds : 0;
  section.figures.push_back({"seconds", loaded.seconds, ""});
  section.figures.push_back({"samples_per_second", rate, ReadableValue(std::trunc(rate))});
}

void AddData(const Stats& stats, const ReadBack& read_back, Report& report) {
  Section& section = report.AddSection("data");
  section.figures = {{"series", stats.series, ""}, {"samples", read_back.samples, ""}};
  if (read_back.samples > 0) {
    section.figures.push_back({"from", ReadableTime(read_back.first), ""});
    section.figures.push_back({"to", ReadableTime(read_back.last), ""});
  }
  const uint64_t held = stats.encoded_bytes + stats.open_bytes + stats.index_bytes;
  const std::vector<Figure> more = {
      {"encoded_bytes_per_sample", Ratio(stats.encoded_bytes, stats.encoded_records), ""},
      {"bytes_per_sample_with_open_leaves", Ratio(held, stats.ledger.in_tree), ""},
      {"samples_in_encoded_leaves", stats.encoded_records, ""},
      {"samples_in_open_leaves", stats.open_records, ""},
      Bytes("encoded_bytes", stats.encoded_bytes),
      Bytes("open_bytes", stats.open_bytes),
      Bytes("index_bytes", stats.index_bytes),
      Bytes("series_bytes", stats.series_bytes),
      Bytes("memory_bytes", stats.memory_bytes),
      Bytes("memory_budget_bytes", stats.memory_budget_bytes)};
  section.figures.insert(section.figures.end(), more.begin(), more.end());
}

void AddEncodings(const Stats& stats, Report& report) {
  report.AddSection("leaves").figures = {{"encoded", stats.leaves, ""},
                                         {"splits", stats.leaf_splits, ""},
                                         {"rewrites", stats.leaf_rewrites, ""}};
  Section& times = report.AddSection("timestamp_encodings");
  for (size_t i = 0; i < stats.timestamp_encodings.size(); ++i) {
    if (stats.timestamp_encodings[i] == 0) continue;
    times.figures.push_back({TimestampEncodingName(i), stats.timestamp_encodings[i], ""});
  }
  Section& values = report.AddSection("value_encodings");
  for (size_t i = 0; i < stats.value_encodings.size(); ++i) {
    if (stats.value_encodings[i] == 0) continue;
    values.figures.push_back({ValueEncodingName(i), stats.value_encodings[i], ""});
  }
}

void AddLedger(const Ledger& ledger, uint64_t samples_read_back, Report& report) {
  report.AddSection("ledger").figures = {
      {"appended", ledger.appended, ""},
      {"rejected_unknown_series", ledger.rejected_unknown_series, ""},
      {"rejected_budget", ledger.rejected_budget, ""},
      {"accepted", ledger.accepted, ""},
      {"buffered_open", ledger.buffered_open, ""},
      {"buffered_sealed", ledger.buffered_sealed, ""},
      {"buffered_late", ledger.buffered_late, ""},
      {"merged", ledger.merged, ""},
      {"in_tree", ledger.in_tree, ""},
      {"replaced", ledger.replaced, ""},
      {"deleted", ledger.deleted, ""},
      {"balanced", ledger.Balanced(), ""},
      {"all_read_back", samples_read_back == ledger.in_tree, ""}};
}

}  // namespace

ExitCode RunStats(const StatsOptions& options) {
  LoadedFiles loaded;
  if (const ExitCode code = LoadFiles(options.from, loaded); code != kOk) return code;
  const absl::Status verified = loaded.database->Verify();
  const ReadBack read_back = ReadAll(*loaded.database, loaded.database->NewSnapshot());
  const Stats stats = loaded.database->Statistics();

  Report report;
  AddImport(loaded, report);
  AddData(stats, read_back, report);
  AddEncodings(stats, report);
  AddLedger(stats.ledger, read_back.samples, report);
  Output output;
  if (options.json) {
    report.PrintJson(output);
  } else {
    report.PrintReadable(output, Style(UseColor(options.from.color, StdoutIsTerminal())));
  }
  ExitCode code = kOk;
  const auto fail = [&](const std::string& message) {
    PrintError(message, options.from.color);
    code = kFailure;
  };
  if (const absl::Status status = output.Flush(); !status.ok()) fail(std::string(status.message()));
  if (!verified.ok()) fail(std::string(verified.message()));
  if (!stats.ledger.Balanced()) fail("the ledger does not balance");
  if (read_back.samples != stats.ledger.in_tree) {
    fail("read back " + Grouped(read_back.samples) + " samples of " +
         Grouped(stats.ledger.in_tree));
  }
  return code;
}

}  // namespace tsdb::tools
