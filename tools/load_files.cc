#include "tools/load_files.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "storage/base/clock.h"
#include "tools/database_sink.h"
#include "tools/import/text_time.h"
#include "tools/interrupt.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/progress_bar.h"

namespace tsdb::tools {
namespace {

constexpr size_t kRefusalsShownMax = 20;

// Tells people how an import goes.
class Reporter {
 public:
  Reporter(const InputOptions& options, Color color)
      : color_(color),
        style_(UseColor(color, StderrIsTerminal())),
        warning_(options.skip_bad_lines) {}

  importer::ImportObserver Observer() {
    importer::ImportObserver observer;
    observer.on_file = [this](const std::string& name, std::optional<uint64_t> bytes) {
      bar_.emplace(name, bytes, StderrIsTerminal());
    };
    observer.on_progress = [this](uint64_t bytes) { bar_->Update(bytes); };
    observer.on_refusal = [this](const importer::ImportObserver::Refusal& refusal) {
      Refuse(refusal);
    };
    observer.on_note = [this](const std::string& note) {
      bar_->Clear();
      PrintWarning(note, color_);
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

  const Color color_;
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

// A word for a delimiter that is awkward to type; nothing when it cannot be one.
std::optional<char> ParseDelimiter(const std::string& text) {
  if (text == "tab" || text == "\\t") return '\t';
  if (text.size() != 1 || text[0] == '"' || text[0] == '\n' || text[0] == '\r') return std::nullopt;
  return text[0];
}

// A list with one empty name is how an empty list is written.
std::optional<std::vector<std::string>> Columns(const std::vector<std::string>& names) {
  if (names.empty()) return std::nullopt;
  if (names.size() == 1 && names[0].empty()) return std::vector<std::string>();
  return names;
}

importer::TimeUnit Precision(const std::string& name) {
  if (name == "s") return importer::TimeUnit::kSeconds;
  if (name == "ms") return importer::TimeUnit::kMilliseconds;
  return name == "us" ? importer::TimeUnit::kMicroseconds : importer::TimeUnit::kNanoseconds;
}

// What is wrong with the options of CSV; empty: nothing.
std::string ReadCsvOptions(const InputOptions& options, importer::CsvOptions& csv) {
  if (!options.delimiter.empty()) {
    csv.delimiter = ParseDelimiter(options.delimiter);
    if (!csv.delimiter) {
      return "--delimiter: not one character, or the word tab: " + options.delimiter;
    }
  }
  const auto format = importer::TimeFormat::Create(options.time_format);
  if (!format.ok()) return "--time-format: " + MessageOf(format.status());
  csv.time_format = options.time_format;
  csv.time_column = options.time_column;
  csv.metric_column = options.metric_column;
  csv.metric = options.metric;
  csv.value_columns = Columns(options.value_columns);
  csv.label_columns = Columns(options.label_columns);
  if (csv.value_columns && csv.value_columns->empty()) return "--value-columns names no column";
  for (const std::string& label : options.labels) {
    const size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      return "--label: not as name=value: " + label;
    }
    csv.labels.emplace_back(label.substr(0, equals), label.substr(equals + 1));
  }
  return "";
}

importer::ImportOptions OptionsOf(const InputOptions& options) {
  importer::ImportOptions import_options;
  import_options.format = importer::InputFormatNamed(options.format);
  import_options.strict = options.strict;
  import_options.skip_bad_lines = options.skip_bad_lines;
  import_options.default_timestamp = DefaultTimestamp(options).value_or(0);
  import_options.precision = Precision(options.precision);
  (void)ReadCsvOptions(options, import_options.csv);  // CheckInput has looked at the result
  return import_options;
}

// `settle` after each file.
absl::Status ReadAll(const InputOptions& options, const importer::ImportObserver& observer,
                     TimedSink& sink, const std::function<absl::Status()>& settle,
                     LoadedFiles& loaded) {
  const importer::ImportOptions import_options = OptionsOf(options);
  importer::Importer reader(import_options, sink, observer, InterruptScope::Flag());
  absl::Status status;
  for (const std::string& file : options.files) {
    status = reader.ImportFile(file);
    if (status.ok()) status = settle();
    if (!status.ok()) break;
  }
  loaded.counts = reader.counts();
  loaded.position = reader.position();
  loaded.first_time = sink.first_time();
  loaded.last_time = sink.last_time();
  return status;
}

ExitCode Tell(const absl::Status& status, Color color, CountsFor counts, const LoadedFiles& loaded,
              Reporter& reporter) {
  reporter.Finish();
  if (!status.ok()) PrintError(MessageOf(status), color);
  if (counts == CountsFor::kAll || !status.ok() || loaded.counts.Rejected() > 0 ||
      StderrIsTerminal()) {
    reporter.Count(loaded.counts, loaded.seconds);
  }
  if (status.ok()) return kOk;
  return absl::IsCancelled(status) ? kInterrupted : kFailure;
}

double SecondsSince(int64_t start_ns) {
  return static_cast<double>(SystemClock()->MonotonicNs() - start_ns) * 1e-9;
}

}  // namespace

ExitCode CheckInput(const InputOptions& options, Color color) {
  if (!DefaultTimestamp(options)) {
    PrintError("--timestamp: not a time: " + options.timestamp, color);
    return kUsage;
  }
  importer::CsvOptions csv;
  if (const std::string mistake = ReadCsvOptions(options, csv); !mistake.empty()) {
    PrintError(mistake, color);
    return kUsage;
  }
  for (const std::string& file : options.files) {
    if (file == "-" || access(file.c_str(), R_OK) == 0) continue;
    PrintError(file + ": cannot open the file: " + std::generic_category().message(errno), color);
    return kFailure;
  }
  return kOk;
}

ExitCode LoadFiles(const InputOptions& options, Color color, CountsFor counts, Database& database,
                   LoadedFiles& loaded) {
  const int64_t start_ns = SystemClock()->MonotonicNs();
  Reporter reporter(options, color);
  absl::Status status;
  {
    DatabaseSink sink(database);
    status = ReadAll(
        options, reporter.Observer(), sink, [&] { return sink.Settle(); }, loaded);
  }
  if (const absl::Status flushed = database.Flush(); status.ok()) status = flushed;
  loaded.seconds = SecondsSince(start_ns);
  return Tell(status, color, counts, loaded, reporter);
}

ExitCode CheckFiles(const InputOptions& options, Color color, const Database* known,
                    LoadedFiles& loaded) {
  const int64_t start_ns = SystemClock()->MonotonicNs();
  Reporter reporter(options, color);
  CountingSink sink(known);
  const absl::Status status = ReadAll(
      options, reporter.Observer(), sink, [] { return absl::OkStatus(); }, loaded);
  loaded.series = sink.series();
  loaded.new_series = sink.new_series();
  loaded.seconds = SecondsSince(start_ns);
  return Tell(status, color, CountsFor::kAll, loaded, reporter);
}

void SayHowFar(const LoadedFiles& loaded) {
  const importer::ImportPosition& position = loaded.position;
  if (position.name.empty()) return;
  const std::string before = loaded.counts.files == 0
                                 ? std::string()
                                 : Counted(loaded.counts.files, "whole file") + ", then ";
  std::string part = "lines 1 to " + Grouped(position.line);
  if (position.line == 0) part = "nothing";
  if (position.at_end) part = "all";
  std::fprintf(stderr, "tsdb: read were %s%s of '%s'; %s\n", before.c_str(), part.c_str(),
               position.name.c_str(),
               "to read them again does no harm, equal samples replace each other");
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
