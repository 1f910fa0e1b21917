#include "tools/command_info.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/base/mutex.h"
#include "storage/base/status_macros.h"
#include "storage/segment/manifest.h"
#include "storage/wal/log_reader.h"
#include "tools/directory_files.h"
#include "tools/inspect/inspection.h"
#include "tools/inspect/lock_holder.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/recovery.h"
#include "tools/report.h"
#include "tsdb/database.h"
#include "tsdb/durability/layout.h"

namespace tsdb::tools {
namespace {

constexpr size_t kFormatBytesMax = 64;

absl::StatusOr<std::string> ReadFormat(const std::string& directory) {
  const std::string path = JoinPath(directory, "FORMAT");
  TSDB_ASSIGN_OR_RETURN(const auto file, LocalFileSystem()->OpenReadable(path));
  uint8_t bytes[kFormatBytesMax];
  TSDB_ASSIGN_OR_RETURN(const size_t read, file->Read(0, bytes));
  std::string text(reinterpret_cast<const char*>(bytes), read);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// How the newest log file ends, in words.
std::string LogEnd(const std::string& directory, LockHolder::Held writer) {
  FileSystem* const files = LocalFileSystem();
  const std::string folder = JoinPath(directory, durability::kLogName);
  std::vector<std::string> foreign;
  const auto firsts = wal::ListLogFiles(files, folder, &foreign);
  if (!firsts.ok()) return "unknown";
  if (firsts->empty()) return "there is none";
  const auto report = wal::ReplayLogBesideWriter(
      files, folder, firsts->back(),
      [](uint64_t, uint8_t, std::span<const uint8_t>) { return absl::OkStatus(); });
  if (!report.ok()) return "unknown";  // its writer took it away meanwhile
  if (report->last_sequence < firsts->back()) return "empty: nothing is in it alone";
  if (report->closed) return "closed: all of it is durable";
  switch (writer) {
    case LockHolder::Held::kYes:
      return "open: its writer is at work";
    case LockHolder::Held::kNo:
      return "open: its writer did not close it";
    case LockHolder::Held::kUnknown:
      break;
  }
  return "open: its writer is at work, or did not close it";
}

// The first and last time of all samples, out of the first leaf of each series and the last.
std::optional<std::pair<Timestamp, Timestamp>> FindTimes(Database& database) {
  std::vector<SeriesId> all(database.SeriesCount());
  std::iota(all.begin(), all.end(), SeriesId{0});
  const Snapshot snapshot = database.NewSnapshot();
  Mutex mutex;  // guards the two times, to which several threads add
  Timestamp first = kTimestampMax, last = kTimestampMin;
  bool any = false;
  snapshot.ScanMany(all, TimeRange::All(), 0, [&](SeriesId series, Cursor& cursor) {
    ColumnBlock block;
    if (!cursor.Next(block)) return;
    const Timestamp begin = block.timestamps.front();
    const std::optional<Sample> newest = snapshot.Last(series);
    const MutexLock lock(&mutex);
    any = true;
    first = std::min(first, begin);
    last = std::max(last, newest ? newest->timestamp : block.timestamps.back());
  });
  if (!any) return std::nullopt;
  return std::pair(first, last);
}

// Whether somebody writes.
LockHolder::Held AddWriter(const std::optional<LockHolder>& holder, Report& report) {
  Section& section = report.AddSection("writer");
  using Held = LockHolder::Held;
  const Held held = holder ? holder->held : Held::kNo;
  section.figures = {{"open_for_writing",
                      std::string(held == Held::kYes  ? "yes"
                                  : held == Held::kNo ? "no"
                                                      : "unknown"),
                      ""}};
  if (!holder || holder->pid == 0) return held;
  section.figures.push_back(
      {held == Held::kNo ? "last_pid" : "pid", holder->pid, std::to_string(holder->pid)});
  section.figures.push_back({"process", holder->process, Printable(holder->process)});
  section.figures.push_back({"since", holder->since, Printable(holder->since)});
  return held;
}

// What the files alone say. The last error is returned, after all that can be said.
absl::Status AddStatic(const std::string& directory, Report& report, DirectoryFiles& files,
                       LockHolder::Held& writer) {
  absl::Status result;
  const auto format = ReadFormat(directory);
  Section& database = report.AddSection("database");
  database.figures = {{"directory", directory, Printable(directory)}};
  if (format.ok()) database.figures.push_back({"format", *format, Printable(*format)});
  const auto holder = FindLockHolder(directory);
  if (holder.ok()) writer = AddWriter(*holder, report);
  const auto manifest =
      CopyFile(LocalFileSystem(), JoinPath(directory, segment::kManifestFileName));
  if (manifest.ok()) {
    InspectOptions none;
    none.limit = 1;
    Inspection inspection = InspectManifest(manifest->bytes(), none);
    report.AddSection("manifest").figures = std::move(inspection.figures);
  }
  auto listed = ListFiles(directory);
  // What is wrong with the manifest says whoever opens the database.
  for (const absl::Status& status : {format.status(), holder.status(), listed.status()}) {
    if (!status.ok()) result = status;
  }
  if (listed.ok()) files = *std::move(listed);
  return result;
}

absl::Status AddData(Database& database, const DirectoryFiles& files, Report& report) {
  // Late records are beside their leaves until then, and not counted as stored.
  TSDB_RETURN_IF_ERROR(database.Flush());
  const Stats stats = database.Statistics();
  const uint64_t samples = stats.ledger.in_tree;
  Section& data = report.AddSection("data");
  data.figures = {{"series", stats.series, ""}, {"samples", samples, ""}};
  if (const auto times = FindTimes(database)) {
    data.figures.push_back(TimeFigure("from", times->first));
    data.figures.push_back(TimeFigure("to", times->second));
  }
  // Log files are as long as the writer allocated them ahead, so they say nothing.
  const uint64_t in_segments = database.Recovery().checkpoint_records;
  if (in_segments > 0) {
    data.figures.push_back(
        {"segment_bytes_per_sample",
         static_cast<double>(files.segment_bytes) / static_cast<double>(in_segments), ""});
  }
  return absl::OkStatus();
}

// What of it would survive what, as far as files tell.
void AddDurability(const std::string& directory, const RecoveryReport& recovery,
                   LockHolder::Held writer, Report& report) {
  Section& section = report.AddSection("durability");
  section.figures = {{"log_ends", LogEnd(directory, writer), ""},
                     {"samples_in_segments", recovery.checkpoint_records, ""},
                     {"samples_in_log_alone", recovery.log_records, ""},
                     BytesFigure("log_bytes_to_read_back", recovery.bytes),
                     BytesFigure("torn_bytes", recovery.torn_bytes)};
  report.AddSection("recovery").figures = {{"damages", uint64_t{recovery.damage.size()}, ""},
                                           {"orphans", recovery.orphans, ""},
                                           {"intact", IsIntact(recovery), ""}};
}

}  // namespace

ExitCode RunInfo(const DirectoryOptions& options) {
  ExitCode code = kOk;
  const auto fail = [&](const absl::Status& status) {
    PrintError(MessageOf(status), options.color);
    if (code != kFailure) code = absl::IsDataLoss(status) ? kFindings : kFailure;
  };
  if (const absl::Status status = CheckIsDatabase(options.directory); !status.ok()) {
    fail(status);
    return code;
  }
  Report report;
  DirectoryFiles files;
  LockHolder::Held writer = LockHolder::Held::kUnknown;
  const absl::Status looked = AddStatic(options.directory, report, files, writer);
  if (!looked.ok()) fail(looked);
  AddFiles(files, report.AddSection("disk"));
  const auto database = OpenToRead(options.directory, options.memory_budget_bytes);
  if (database.ok()) {
    const RecoveryReport& recovery = (*database)->Recovery();
    if (const absl::Status added = AddData(**database, files, report); !added.ok()) fail(added);
    AddDurability(options.directory, recovery, writer, report);
    if (options.json) AddDamage(recovery, report);
    WarnOfDamage(recovery, options.color);
    if (!IsIntact(recovery)) SayWhatToDo(options.directory, options.color);
    if (code == kOk && !IsIntact(recovery)) code = kFindings;
  } else {
    fail(database.status());
  }
  if (const absl::Status printed = report.Print(options.json, options.color); !printed.ok()) {
    fail(printed);
  }
  return code;
}

}  // namespace tsdb::tools
