// What `tsdb shell` does with a statement: an open database, what was set for the questions to
// come, and where answers go.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/command_shell.h"
#include "tools/output_file.h"
#include "tools/shell/dot_commands.h"
#include "tools/source.h"

namespace tsdb::tools {

enum class Outcome : uint8_t { kDone, kFailed, kInterrupted, kQuit };

class ShellSession {
 public:
  // REQUIRES: `source` is what options.source opened.
  ShellSession(const ShellOptions& options, Source source)
      : options_(options), source_(std::move(source)) {}

  // A whole statement. What is wrong was told on stderr. Ctrl-C ends a question.
  Outcome Run(const std::string& statement);
  // "metrics.db: 1,028 series, newest sample 2026-11-21 03:17:36.079 UTC".
  std::string Summary();
  // Puts the file of `.output` in place.
  Outcome Finish();

  Database& database() { return *source_.database; }
  // The newest entries of the history; an empty function: none is kept.
  void SetHistory(std::function<std::vector<std::string>(size_t)> history) {
    history_ = std::move(history);
  }

 private:
  Outcome RunQuestion(const std::string& expression);
  Outcome RunCommand(const DotLine& line);
  Outcome Set(const DotLine& line);
  Outcome SetWhen(const DotLine& line);
  Outcome SetOutput(const std::string& path);
  Outcome SetSwitch(const std::string& word, bool& value);
  Outcome ListMetrics(const std::string& pattern);
  Outcome List(const DotLine& line);
  Outcome Top();
  Outcome Refresh();
  Outcome PrintHistory(const std::string& count);
  Outcome PrintHelp();
  // Runs what fills an output, and flushes it: the file of `.output`, or stdout.
  Outcome Write(const std::function<absl::Status(Output&)>& write);
  Outcome WriteWords(std::vector<std::string> words, const std::string& nothing);
  Outcome Fail(const std::string& message) const;
  Outcome FailBy(const absl::Status& status) const;
  bool ToPeople() const;
  Color color() const { return options_.source.color; }

  ShellOptions options_;  // as changed by commands
  Source source_;
  std::unique_ptr<OutputFile> file_;  // of `.output`; null: stdout
  bool timer_ = false;
  std::function<std::vector<std::string>(size_t)> history_;
};

}  // namespace tsdb::tools
