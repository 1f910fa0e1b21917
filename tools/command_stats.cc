#include "tools/command_stats.h"

#include <string>
#include <utility>
#include <vector>

#include "storage/base/file_system.h"
#include "tools/audit.h"
#include "tools/directory_files.h"
#include "tools/inspect/segment_list.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/output.h"
#include "tools/report.h"
#include "tsdb/figures.h"

namespace tsdb::tools {
namespace {

void AddData(const Audit& audit, Report& report) {
  const Stats& stats = audit.stats;
  Section& section = report.AddSection("data");
  section.figures = {{"series", stats.series, ""}, {"samples", audit.samples, ""}};
  if (audit.samples > 0) {
    section.figures.push_back({"from", ReadableTime(audit.first), ""});
    section.figures.push_back({"to", ReadableTime(audit.last), ""});
  }
  const uint64_t held = stats.encoded_bytes + stats.open_bytes + stats.index_bytes;
  const std::vector<Figure> more = {
      {"encoded_bytes_per_sample", RatioOf(stats.encoded_bytes, stats.encoded_records), ""},
      {"bytes_per_sample_with_open_leaves", RatioOf(held, stats.ledger.in_tree), ""},
      {"samples_in_encoded_leaves", stats.encoded_records, ""},
      {"samples_in_open_leaves", stats.open_records, ""},
      BytesFigure("encoded_bytes", stats.encoded_bytes),
      BytesFigure("open_bytes", stats.open_bytes),
      BytesFigure("index_bytes", stats.index_bytes),
      BytesFigure("series_bytes", stats.series_bytes),
      BytesFigure("memory_bytes", stats.memory_bytes),
      BytesFigure("memory_budget_bytes", stats.memory_budget_bytes)};
  section.figures.insert(section.figures.end(), more.begin(), more.end());
}

// What is in the files, how much smaller compression made it, and how much of it compaction would
// free.
absl::Status AddDisk(const std::string& directory, const Audit& audit,
                     const RecoveryReport& recovery, Report& report) {
  const auto files = ListFiles(directory);
  if (!files.ok()) return files.status();
  const auto segments = ListSegments(LocalFileSystem(), directory);
  if (!segments.ok()) return segments.status();
  uint64_t leaf_bytes = 0, leaf_file_bytes = 0, samples = 0, dead_samples = 0;
  for (const ListedSegment& segment : segments->segments) {
    leaf_bytes += segment.leaf_bytes;
    leaf_file_bytes += segment.leaf_file_bytes;
    samples += segment.samples;
    dead_samples += segment.dead_samples;
  }
  const Stats& stats = audit.stats;
  Section& section = report.AddSection("disk");
  section.figures = {{"mapped_leaves", stats.mapped_leaves, ""},
                     BytesFigure("mapped_bytes", stats.mapped_bytes),
                     {"compression_ratio", RatioOf(leaf_bytes, leaf_file_bytes), ""},
                     {"dead_part_of_samples", RatioOf(dead_samples, samples), ""},
                     {"checkpoint_records", recovery.checkpoint_records, ""},
                     {"log_records_since", recovery.log_records, ""},
                     BytesFigure("log_bytes_since", recovery.bytes)};
  AddFiles(*files, section);
  section.figures.push_back({"damaged_files_kept", uint64_t{files->damaged.size()}, ""});
  return absl::OkStatus();
}

// Of compressed segments: every one that is opened is read through the cache.
void AddCache(const Stats& stats, Report& report) {
  if (stats.cache_loads == 0) return;
  report.AddSection("cache").figures = {{"hits", stats.cache_hits, ""},
                                        {"loads", stats.cache_loads, ""},
                                        BytesFigure("bytes", stats.cache_bytes)};
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

absl::Status PrintReport(const StatsOptions& options, const Source& source, const Audit& audit) {
  Report report;
  if (source.loaded) {
    Section& section = report.AddSection("import");
    AddCounts(source.loaded->counts, section);
    AddRate(source.loaded->counts.samples, source.loaded->seconds, section);
  }
  AddData(audit, report);
  absl::Status status;
  if (const std::string& directory = options.source.directory; !directory.empty()) {
    status = AddDisk(directory, audit, source.database->Recovery(), report);
  }
  AddCache(audit.stats, report);
  AddEncodings(audit.stats, report);
  AddLedger(audit, report);
  const absl::Status printed =
      report.Print(options.format == StatsFormat::kJson, options.source.color);
  return status.ok() ? printed : status;
}

absl::Status PrintExposition(const Stats& stats) {
  Output output;
  output << ExpositionText(FiguresOf(stats));
  return output.Flush();
}

}  // namespace

ExitCode RunStats(const StatsOptions& options) {
  const Color color = options.source.color;
  Source source;
  if (const ExitCode code = OpenSource(options.source, source); code != kOk) return code;
  const Audit audit = AuditDatabase(*source.database);

  ExitCode code = kOk;
  const absl::Status printed = options.format == StatsFormat::kPrometheus
                                   ? PrintExposition(audit.stats)
                                   : PrintReport(options, source, audit);
  if (!printed.ok()) {
    PrintError(MessageOf(printed), color);
    code = kFailure;
  }
  for (const std::string& finding : audit.Findings()) {
    PrintError(finding, color);
    code = kFailure;
  }
  return code;
}

}  // namespace tsdb::tools
