#include "tools/shell_session.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "storage/base/string_view_bridge.h"
#include "tools/interrupt.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/select_series.h"
#include "tsdb/query.h"

namespace tsdb::tools {
namespace {}  // namespace

Outcome ShellSession::Fail(const std::string& message) const {
  PrintError(message, color());
  return Outcome::kFailed;
}

Outcome ShellSession::FailBy(const absl::Status& status) const {
  if (status.code() == absl::StatusCode::kCancelled) {
    std::fputs("tsdb: interrupted\n", stderr);
    return Outcome::kInterrupted;
  }
  return Fail(MessageOf(status));
}

bool ShellSession::ToPeople() const { return file_ == nullptr && StdoutIsTerminal(); }

Outcome ShellSession::Run(const std::string& statement) {
  if (!IsDotCommand(statement)) return RunQuestion(statement);
  DotLine line;
  std::string error;
  if (!ReadDotLine(statement, line, error)) return Fail(error);
  return RunCommand(line);
}

Outcome ShellSession::RunQuestion(const std::string& expression) {
  options_.expression = expression;
  const InterruptStop interrupt(InterruptStop::Again::kNothing);
  auto checked = CheckQuestion(options_);
  if (!checked.ok()) return FailBy(checked.status());
  const auto begin = std::chrono::steady_clock::now();
  const auto answer = Ask(database(), options_, *std::move(checked), interrupt.token());
  if (!answer.ok()) return FailBy(answer.status());
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  const Outcome written = Write([&](Output& output) {
    output.StopBy(interrupt.token());
    PrintAnswer(*answer, options_, color(), {output, file_ == nullptr, ".limit 0"});
    return absl::OkStatus();
  });
  if (written != Outcome::kDone) return written;
  TellNotes(*answer, color(), database());
  if (timer_) {
    const Style style(UseColor(color(), StderrIsTerminal()));
    const QueryCost& cost = answer->result.cost;
    std::fprintf(stderr, "%s%.3f s, %s, %s read%s\n", style.dim, taken.count(),
                 Counted(cost.series, "series").c_str(),
                 Counted(cost.samples_decoded, "sample").c_str(), style.reset);
  }
  return Outcome::kDone;
}

Outcome ShellSession::RunCommand(const DotLine& line) {
  switch (line.entry->command) {
    case DotCommand::kInstant:
    case DotCommand::kTime:
    case DotCommand::kLast:
    case DotCommand::kRange:
      return SetWhen(line);
    case DotCommand::kLookback:
    case DotCommand::kMode:
    case DotCommand::kLimit:
    case DotCommand::kOutput:
    case DotCommand::kTimer:
    case DotCommand::kExplain:
      return Set(line);
    case DotCommand::kMetrics:
      return ListMetrics(line.Argument(0));
    case DotCommand::kLabels:
    case DotCommand::kValues:
    case DotCommand::kSeries:
      return List(line);
    case DotCommand::kTop:
      return Top();
    case DotCommand::kRefresh:
      return Refresh();
    case DotCommand::kHistory:
      return PrintHistory(line.Argument(0));
    case DotCommand::kHelp:
      return PrintHelp();
    case DotCommand::kQuit:
      return Outcome::kQuit;
  }
  return Outcome::kFailed;
}

Outcome ShellSession::SetWhen(const DotLine& line) {
  WhenOptions when;
  switch (line.entry->command) {
    case DotCommand::kTime:
      when.time = line.Argument(0);
      break;
    case DotCommand::kLast:
      when.last = line.Argument(0);
      when.step = line.Argument(1);
      break;
    case DotCommand::kRange:
      when.start = line.Argument(0);
      when.end = line.Argument(1);
      when.step = line.Argument(2);
      break;
    default:
      break;
  }
  const auto times = ParseQueryTimes(when);
  if (!times.ok()) {
    // It names the option of `tsdb query`, which says as much as the argument it stands for.
    std::string message = MessageOf(times.status());
    if (message.starts_with("--")) message.erase(0, 2);
    return Fail(std::string(line.entry->name) + ": " + message);
  }
  options_.when = std::move(when);
  return Outcome::kDone;
}

Outcome ShellSession::Set(const DotLine& line) {
  const std::string word = line.Argument(0);
  switch (line.entry->command) {
    case DotCommand::kLookback:
      if (!word.empty() && !ParseDuration(word).has_value()) {
        return Fail(".lookback: not a duration: " + Printable(word) +
                    " (such as 30s, 1h30m, 7d, or seconds)");
      }
      options_.lookback = word;
      return Outcome::kDone;
    case DotCommand::kMode:
      if (const auto format = ParseResultFormat(word)) {
        options_.format = *format;
        return Outcome::kDone;
      }
      return Fail(".mode: there is no format " + Printable(word) + "; there are " +
                  std::string(kResultFormatNames));
    case DotCommand::kLimit: {
      uint64_t limit = 0;
      if (!absl::SimpleAtoi(word, &limit)) {
        return Fail(".limit: not a number: " + Printable(word) + " (0 is all)");
      }
      options_.limit = limit;
      return Outcome::kDone;
    }
    case DotCommand::kOutput:
      return SetOutput(word);
    case DotCommand::kTimer:
      return SetSwitch(word, timer_);
    default:
      return SetSwitch(word, options_.explain);
  }
}

Outcome ShellSession::SetSwitch(const std::string& word, bool& value) {
  if (word != "on" && word != "off") return Fail("on or off, not " + Printable(word));
  value = word == "on";
  return Outcome::kDone;
}

Outcome ShellSession::SetOutput(const std::string& path) {
  if (const Outcome finished = Finish(); finished != Outcome::kDone) return finished;
  if (path.empty() || path == "-") return Outcome::kDone;
  auto file = OutputFile::Open(path);
  if (!file.ok()) return FailBy(file.status());
  file_ = *std::move(file);
  return Outcome::kDone;
}

Outcome ShellSession::Finish() {
  if (file_ == nullptr) return Outcome::kDone;
  const absl::Status status = file_->Finish();
  file_.reset();
  return status.ok() ? Outcome::kDone : FailBy(status);
}

Outcome ShellSession::Write(const std::function<absl::Status(Output&)>& write) {
  Output standard;
  Output& output = file_ == nullptr ? standard : file_->output();
  const absl::Status written = write(output);
  const absl::Status flushed = output.Flush();
  output.StopBy({});
  if (!written.ok()) return FailBy(written);
  return flushed.ok() ? Outcome::kDone : FailBy(flushed);
}

std::string ShellSession::Summary() {
  const SourceOptions& source = options_.source;
  std::string text = source.directory;
  if (text.empty()) {
    text = source.input.files.size() == 1 ? source.input.files[0]
                                          : Counted(source.input.files.size(), "file");
  }
  text = Printable(text);
  const auto series = CountSeries(database(), {}, WithoutMemoryLimit());
  if (series.ok()) text += ": " + Counted(*series, "series");
  const auto newest = NewestTime(database(), {}, WithoutMemoryLimit());
  if (!newest.ok() || !newest->has_value()) return text + ", no samples";
  return text + ", newest sample " + ReadableTime(**newest) + " UTC";
}

Outcome ShellSession::Refresh() {
  if (options_.source.directory.empty()) {
    return Fail(
        "files were read into memory when the shell began; leave and come back to have "
        "them read again");
  }
  Source source;
  // What was open stays so if this fails, which was told.
  if (OpenSource(options_.source, source) != kOk) return Outcome::kFailed;
  source_ = std::move(source);
  if (ToPeople()) std::fprintf(stderr, "%s\n", Summary().c_str());
  return Outcome::kDone;
}

Outcome ShellSession::PrintHistory(const std::string& count) {
  uint64_t wanted = std::numeric_limits<uint64_t>::max();
  if (!count.empty() && !absl::SimpleAtoi(count, &wanted)) {
    return Fail(".history: not a number: " + Printable(count));
  }
  if (!history_) return Fail("there is no history where no line is typed");
  return Write([&](Output& output) {
    for (const std::string& entry : history_(wanted)) output << entry << "\n";
    return absl::OkStatus();
  });
}

Outcome ShellSession::PrintHelp() {
  return Write([&](Output& output) {
    const Style style(UseColor(color(), ToPeople()));
    output << "A question is PromQL, such as rate(http_requests_total[5m]). It goes on in the next "
              "line while\na bracket is open or an operator ends the line.\n\n";
    size_t width = 0;
    for (const DotCommandEntry& entry : AllDotCommands()) {
      width = std::max(width, entry.name.size() + 1 + entry.arguments.size());
    }
    for (const DotCommandEntry& entry : AllDotCommands()) {
      const size_t used = entry.name.size() + 1 + entry.arguments.size();
      output << style.bold << entry.name << style.reset << " " << entry.arguments
             << std::string(width + 2 - used, ' ') << entry.help << "\n";
    }
    output << "\nTab completes, Ctrl-R searches what was asked before, Ctrl-C drops a line or ends "
              "a question.\n";
    return absl::OkStatus();
  });
}

}  // namespace tsdb::tools
