#include "tools/command_watch.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string_view>

#include "storage/base/clock.h"
#include "tools/health/file_wait.h"
#include "tools/health/interval.h"
#include "tools/health/live_view.h"
#include "tools/interrupt.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/open_directory.h"
#include "tools/output.h"
#include "tsdb/published_stats.h"

namespace tsdb::tools {
namespace {

// A publication that comes a little early still ends the interval.
constexpr double kIntervalPart = 0.9;
// How long a writer that no process is found for may have been silent before it counts as gone: it
// may live where its number means nothing, in another container.
constexpr int64_t kSilentMs = 1000;
constexpr int64_t kSilentIntervals = 2;
// At least so often the age of what is shown, and the writer, are looked at again.
constexpr std::chrono::milliseconds kLook{1000};

Timestamp Present() { return SystemClock()->WallMs(); }

bool ProcessExists(uint64_t id) {
  if (id == 0 || id > static_cast<uint64_t>(std::numeric_limits<pid_t>::max())) return false;
  return kill(static_cast<pid_t>(id), 0) == 0 || errno != ESRCH;
}

bool IsGone(const PublishedStats& now) {
  return now.state != DatabaseState::kClosed && !ProcessExists(now.process_id) &&
         Present() - now.written >
             kSilentIntervals * static_cast<int64_t>(now.options.stats_interval_ms) + kSilentMs;
}

// Prints intervals, one by one.
class Printer {
 public:
  explicit Printer(const WatchOptions& options)
      : format_(options.format),
        view_(options.directory, Style(UseColor(options.color, StdoutIsTerminal()))) {
    const char* term = std::getenv("TERM");
    in_place_ = StdoutIsTerminal() && (term == nullptr || std::string_view(term) != "dumb");
    if (format_ == WatchFormat::kAuto) {
      format_ = StdoutIsTerminal() ? WatchFormat::kTable : WatchFormat::kCsv;
    }
  }

  void Print(const Interval& interval, const PublishedStats& now) {
    if (format_ == WatchFormat::kTable) {
      view_.Note(interval, now);
      shown_ = interval;
      Draw(now);
    } else {
      PrintCells(CellsOf(interval, now, Present()));
    }
    ++printed_;
  }

  // What is seen meanwhile, where it is drawn in place: the last interval with what is there now.
  void Refresh(const PublishedStats& now) {
    if (format_ != WatchFormat::kTable || !in_place_) return;
    if (!shown_.has_value()) shown_ = IntervalOfRun(now);
    Draw(now);
  }

  absl::Status Finish() {
    if (format_ == WatchFormat::kJson) output_ << (printed_ == 0 ? "[]\n" : "\n]\n");
    return output_.Finish();
  }

  const absl::Status& status() const { return output_.status(); }
  uint64_t printed() const { return printed_; }

 private:
  void Draw(const PublishedStats& now) {
    // A column is left free: some terminals go to the next line when the last one is written.
    const size_t width = std::max<size_t>(OutputWidth(), 2) - 1;
    view_.Draw(view_.Lines(*shown_, now, Present(), width), in_place_, output_);
    (void)output_.Flush();  // its error is kept
  }

  void PrintCells(const std::vector<Cell>& cells) {
    const bool json = format_ != WatchFormat::kCsv;
    if (!json && printed_ == 0) PrintRow(cells, &Cell::name);
    if (!json) {
      PrintRow(cells, &Cell::csv);
    } else {
      if (format_ == WatchFormat::kJson) output_ << (printed_ == 0 ? "[\n" : ",\n");
      const char* separator = "{";
      for (const Cell& cell : cells) {
        output_ << separator << "\"" << cell.name << "\": " << cell.json;
        separator = ", ";
      }
      output_ << (format_ == WatchFormat::kJson ? "}" : "}\n");
    }
    (void)output_.Flush();  // whoever reads a pipe is to see it now; an error is kept
  }

  void PrintRow(const std::vector<Cell>& cells, std::string Cell::*field) {
    const char* separator = "";
    for (const Cell& cell : cells) {
      output_ << separator << cell.*field;
      separator = ",";
    }
    output_ << "\n";
  }

  WatchFormat format_;
  bool in_place_ = false;
  LiveView view_;
  Output output_;
  std::optional<Interval> shown_;
  uint64_t printed_ = 0;
};

// How watching ended; nothing: it goes on.
using End = std::optional<ExitCode>;

class Watch {
 public:
  Watch(const WatchOptions& options, std::chrono::milliseconds interval)
      : options_(options), interval_(interval), printer_(options), wait_(options.directory) {}

  ExitCode Run() {
    const InterruptScope interruptible;
    End end;
    while (!end) {
      end = Look();
      if (end) break;
      if (!printer_.status().ok()) end = kFailure;
      if (InterruptScope::Flag().load(std::memory_order_relaxed)) end = kInterrupted;
      if (!end) wait_.Wait(std::min(interval_, kLook));
    }
    const absl::Status finished = printer_.Finish();
    if (!message_.empty()) PrintError(message_, options_.color);
    if (finished.ok()) return *end;
    PrintError(MessageOf(finished), options_.color);
    return kFailure;
  }

 private:
  End Look() {
    const auto read = ReadPublishedStats(options_.directory);
    if (absl::IsNotFound(read.status())) {
      return Fail("'" + options_.directory +
                  "' has no file STATS: no process has written it with figures published "
                  "(Options::stats_interval_ms)");
    }
    if (!read.ok()) return Fail(MessageOf(read.status()));
    const PublishedStats& now = *read;
    const bool later = before_.has_value() && IsLater(*before_, now);
    if (now.state == DatabaseState::kClosed) {
      // The end of what was seen, or, if that was nothing, the whole run.
      printer_.Print(later ? IntervalBetween(*before_, now) : IntervalOfRun(now), now);
      if (StderrIsTerminal()) {
        std::fprintf(stderr, "tsdb: process %s closed the database on %s UTC\n",
                     std::to_string(now.process_id).c_str(), ReadableTime(now.written).c_str());
      }
      return kOk;
    }
    if (IsGone(now)) {
      printer_.Print(later ? IntervalBetween(*before_, now) : IntervalOfRun(now), now);
      return Fail("no process writes '" + options_.directory + "': process " +
                  std::to_string(now.process_id) + " is gone and has not closed it; its figures " +
                  "are of " + ReadableTime(now.written) + " UTC");
    }
    if (!later) {
      // The first of a process: what comes is compared with it.
      if (!before_.has_value() || before_->written != now.written) before_ = now;
    } else if (static_cast<double>(now.written - before_->written) >=
               kIntervalPart * static_cast<double>(interval_.count())) {
      printer_.Print(IntervalBetween(*before_, now), now);
      before_ = now;
      if (options_.count > 0 && printer_.printed() >= options_.count) return kOk;
      return std::nullopt;
    }
    printer_.Refresh(now);
    return std::nullopt;
  }

  End Fail(std::string message) {
    message_ = std::move(message);
    return kFailure;
  }

  const WatchOptions& options_;
  const std::chrono::milliseconds interval_;
  Printer printer_;
  FileWait wait_;
  std::optional<PublishedStats> before_;
  std::string message_;
};

}  // namespace

ExitCode RunWatch(const WatchOptions& options) {
  const std::optional<int64_t> interval = ParseDuration(options.interval);
  if (!interval.has_value()) {
    PrintError("--interval: not a time above 0, such as 1s or 500ms: " + options.interval,
               options.color);
    return kUsage;
  }
  if (const absl::Status status = CheckIsDatabase(options.directory); !status.ok()) {
    PrintError(MessageOf(status), options.color);
    return kFailure;
  }
  return Watch(options, std::chrono::milliseconds(*interval)).Run();
}

}  // namespace tsdb::tools
