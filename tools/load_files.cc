#include "tools/load_files.h"

#include <cstdio>
#include <utility>

#include "storage/base/clock.h"
#include "tools/import/sink.h"
#include "tools/interrupt.h"
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

 private:
  Database& database_;
  Appender appender_;
};

// Tells people how an import goes.
class Reporter {
 public:
  explicit Reporter(const FromOptions& options)
      : style_(UseColor(options.color, StderrIsTerminal())), warning_(options.skip_bad_lines) {}

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
};  // namespace

std::string MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

// The time to give samples that have none; nothing when the option makes no sense.
std::optional<Timestamp> DefaultTimestamp(const FromOptions& options) {
  if (options.timestamp.empty()) return SystemClock()->WallMs();
  return ParseTime(options.timestamp);
}

}  // namespace

void PrintError(const std::string& message, Color color) {
  const Style style(UseColor(color, StderrIsTerminal()));
  std::fprintf(stderr, "tsdb: %serror:%s %s\n", style.red, style.reset, message.c_str());
}

ExitCode LoadFiles(const FromOptions& options, LoadedFiles& loaded) {
  const std::optional<Timestamp> default_timestamp = DefaultTimestamp(options);
  if (!default_timestamp) {
    PrintError("--timestamp: not a time: " + options.timestamp, options.color);
    return kUsage;
  }
  Options database_options;
  database_options.memory_budget_bytes = options.memory_budget_bytes;
  auto database = Database::Open(database_options);
  if (!database.ok()) {
    PrintError("cannot open a database in memory: " + MessageOf(database.status()), options.color);
    return kFailure;
  }
  loaded.database = std::move(*database);

  const int64_t start_ns = SystemClock()->MonotonicNs();
  importer::ImportOptions import_options;
  import_options.format = importer::InputFormatNamed(options.input_format);
  import_options.strict = options.strict;
  import_options.skip_bad_lines = options.skip_bad_lines;
  import_options.default_timestamp = *default_timestamp;
  Reporter reporter(options);
  absl::Status status;
  {
    const InterruptScope interruptible;
    const importer::ImportObserver observer = reporter.Observer();
    DatabaseSink sink(*loaded.database);
    importer::Importer reader(import_options, sink, observer, InterruptScope::Flag());
    for (const std::string& file : options.files) {
      status = reader.ImportFile(file);
      if (!status.ok()) break;
    }
    loaded.counts = reader.counts();
  }
  if (status.ok()) status = loaded.database->Flush();
  loaded.seconds = static_cast<double>(SystemClock()->MonotonicNs() - start_ns) * 1e-9;
  reporter.Finish();
  if (!status.ok()) PrintError(MessageOf(status), options.color);
  reporter.Count(loaded.counts, loaded.seconds);
  if (status.ok()) return kOk;
  return absl::IsCancelled(status) ? kInterrupted : kFailure;
}

}  // namespace tsdb::tools
