#include "tools/command_compact.h"

#include <memory>
#include <string>

#include "storage/base/clock.h"
#include "tools/directory_files.h"
#include "tools/message.h"
#include "tools/report.h"

namespace tsdb::tools {
namespace {

absl::Status AddState(const DirectoryOptions& options, const std::string& when, const Stats& stats,
                      Report& report) {
  Section& section = report.AddSection(when);
  section.figures = {{"segments", stats.segments, ""},
                     BytesFigure("segment_bytes", stats.segment_bytes),
                     BytesFigure("live_leaf_bytes", stats.mapped_bytes)};
  const auto files = ListFiles(options.directory);
  if (!files.ok()) return files.status();
  AddFiles(*files, section);
  return absl::OkStatus();
}

absl::Status Compact(const DirectoryOptions& options, Database& database, Report& report) {
  absl::Status status = AddState(options, "before", database.Statistics(), report);
  const int64_t start_ns = SystemClock()->MonotonicNs();
  if (status.ok()) status = database.Compact();
  if (const absl::Status closed = database.Close(); status.ok()) status = closed;
  if (!status.ok()) return status;
  const double seconds = static_cast<double>(SystemClock()->MonotonicNs() - start_ns) * 1e-9;
  const Stats after = database.Statistics();
  status = AddState(options, "after", after, report);
  report.AddSection("compaction").figures = {
      {"directory", options.directory, ""},
      {"samples", after.ledger.in_tree, ""},
      BytesFigure("leaf_bytes_copied", after.compacted_bytes),
      BytesFigure("bytes_written", after.checkpoint_bytes),
      {"seconds", seconds, ""}};
  return status;
}

}  // namespace

ExitCode RunCompact(const DirectoryOptions& options) {
  const std::unique_ptr<Database> database =
      OpenWhole(options, Missing::kRefuse, Durability::kAsync, "nothing was compacted");
  if (database == nullptr) return kFailure;
  Report report;
  if (const absl::Status status = Compact(options, *database, report); !status.ok()) {
    PrintError("compacting '" + options.directory + "': " + MessageOf(status) +
                   "; what was stored is as it was",
               options.color);
    return kFailure;
  }
  if (const absl::Status printed = report.Print(options.json, options.color); !printed.ok()) {
    PrintError(MessageOf(printed), options.color);
    return kFailure;
  }
  return kOk;
}

}  // namespace tsdb::tools
