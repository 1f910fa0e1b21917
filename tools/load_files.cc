#include "tools/load_files.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <optional>
#include <system_error>
#include <utility>

#include "storage/base/clock.h"
#include "tools/import/sink.h"
#include "tools/interrupt.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/progress_bar.h"

namespace tsdb::tools {
namespace {

constexpr size_t kRefusalsShownMax = 20;

class DatabaseSink : public importer::Sink {
 public:
  explicit DatabaseSink(Database& database)
      : database_(database), appender_(database.NewAppender()) {}

  absl::StatusOr<SeriesId> FindOrCreateSeries(const Labels& labels) override {
    return database_.FindOrCreateSeries(labels);
  }
  absl::Status Append(SeriesId series, Timestamp timestamp, double value) override {
    return appender_.Append(series, timestamp, value) ? absl::OkStatus() : appender_.status();
  }
  absl::Status AppendColumns(SeriesId series, std::span<const Timestamp> timestamps,
                             std::span<const double> values) override {
    return appender_.AppendColumns(series, timestamps, values) ? absl::OkStatus()
                                                               : appender_.status();
  }
  // Waits until what was appended is as durable as the database promises.
  absl::Status Settle() { return appender_.Commit().Await(Milestone::kDurable); }

 private:
  Database& database_;
  Appender appender_;
};

// Tells people how an import goes.
class Reporter {
 public:
  Reporter(const InputOptions& options, Color color)
      : style_(UseColor(color, StderrIsTerminal())), warning_(options.skip_bad_lines) {}

  importer::ImportObserver Observer() {
    importer::ImportObserver observer;
    observer.on_file = [this](const std::string& name, std::optional<uint64_t> bytes) {
      bar_.emplace(name, bytes, StderrIsTerminal());
    };
    observer.on_progress = [this](uint64_t bytes) { bar_->Update(bytes); };
    observer.on_refusal = [this](const importer::ImportObserver::Refusal& refusal) {
      Refuse(refusal);
    };
    return observer;
  }

  void Finish() {
    bar_.reset();
    if (refusals_ > kRefusalsShownMax) {
      std::fprintf(stderr, "... and %s more\n",
                   Counted(refusals_ - kRefusalsShownMax, "line").c_str());
    }
  }

  void Count(const importer::ImportCounts& counts, double seconds) const {
    std::fprintf(stderr, "%stsdb: %s read, %s accepted, %s rejected", style_.dim,
                 Counted(counts.lines, "line").c_str(), Counted(counts.samples, "sample").c_str(),
                 Counted(counts.Rejected(), "line").c_str());
    if (counts.untimed_samples > 0) {
      std::fprintf(stderr, ", %s without a timestamp",
                   Counted(counts.untimed_samples, "sample").c_str());
    }
    std::fprintf(stderr, " (%.2f s)%s\n", seconds, style_.reset);
  }

 private:
  void Refuse(const importer::ImportObserver::Refusal& refusal) {
    bar_->Clear();
    if (++refusals_ > kRefusalsShownMax) return;
    std::fprintf(stderr, "%s%s:%s %s%s:%s %s\n", style_.bold, refusal.place.c_str(), style_.reset,
                 warning_ ? style_.yellow : style_.red, warning_ ? "skipped" : "error",
                 style_.reset, refusal.message.c_str());
    if (refusal.excerpt.empty()) return;
    std::fprintf(stderr, "  %s\n", refusal.excerpt.c_str());
    if (refusal.caret) std::fprintf(stderr, "  %*s^\n", static_cast<int>(*refusal.caret), "");
  }

  const Style style_;
  const bool warning_;
  std::optional<ProgressBar> bar_;
  uint64_t refusals_ = 0;
};

// The time to give samples that have none; nothing when the option makes no sense.
std::optional<Timestamp> DefaultTimestamp(const InputOptions& options) {
  if (options.timestamp.empty()) return SystemClock()->WallMs();
  return ParseTime(options.timestamp);
}

absl::Status ReadAll(const InputOptions& options, const importer::ImportObserver& observer,
                     Database& database, importer::ImportCounts& counts) {
  importer::ImportOptions import_options;
  import_options.format = importer::InputFormatNamed(options.format);
  import_options.strict = options.strict;
  import_options.skip_bad_lines = options.skip_bad_lines;
  import_options.default_timestamp = DefaultTimestamp(options).value_or(0);
  DatabaseSink sink(database);
  importer::Importer reader(import_options, sink, observer, InterruptScope::Flag());
  absl::Status status;
  for (const std::string& file : options.files) {
    status = reader.ImportFile(file);
    if (status.ok()) status = sink.Settle();
    if (!status.ok()) break;
  }
  counts = reader.counts();
  return status;
}

}  // namespace

ExitCode CheckInput(const InputOptions& options, Color color) {
  if (!DefaultTimestamp(options)) {
    PrintError("--timestamp: not a time: " + options.timestamp, color);
    return kUsage;
  }
  for (const std::string& file : options.files) {
    if (file == "-" || access(file.c_str(), R_OK) == 0) continue;
    PrintError(file + ": cannot open the file: " + std::generic_category().message(errno), color);
    return kFailure;
  }
  return kOk;
}

ExitCode LoadFiles(const InputOptions& options, Color color, Database& database,
                   LoadedFiles& loaded) {
  const int64_t start_ns = SystemClock()->MonotonicNs();
  Reporter reporter(options, color);
  absl::Status status = ReadAll(options, reporter.Observer(), database, loaded.counts);
  if (const absl::Status flushed = database.Flush(); status.ok()) status = flushed;
  loaded.seconds = static_cast<double>(SystemClock()->MonotonicNs() - start_ns) * 1e-9;
  reporter.Finish();
  if (!status.ok()) PrintError(MessageOf(status), color);
  reporter.Count(loaded.counts, loaded.seconds);
  if (status.ok()) return kOk;
  return absl::IsCancelled(status) ? kInterrupted : kFailure;
}

void AddCounts(const importer::ImportCounts& counts, Section& section) {
  section.figures.insert(section.figures.end(),
                         {{"files", counts.files, ""},
                          BytesFigure("file_bytes", counts.file_bytes),
                          BytesFigure("text_bytes", counts.text_bytes),
                          {"lines_read", counts.lines, ""},
                          {"samples_accepted", counts.samples, ""},
                          {"samples_without_timestamp", counts.untimed_samples, ""},
                          {"lines_rejected", counts.Rejected(), ""}});
  for (size_t i = 0; i < importer::kReasons; ++i) {
    if (counts.lines_rejected[i] == 0) continue;
    const std::string_view reason = importer::ReasonName(static_cast<importer::Reason>(i));
    section.figures.push_back(
        {"lines_rejected_" + std::string(reason), counts.lines_rejected[i], ""});
  }
}

void AddRate(uint64_t samples, double seconds, Section& section) {
  const double rate = seconds > 0 ? static_cast<double>(samples) / seconds : 0;
  section.figures.push_back({"seconds", seconds, ""});
  section.figures.push_back({"samples_per_second", rate, ReadableValue(std::trunc(rate))});
}

}  // namespace tsdb::tools
