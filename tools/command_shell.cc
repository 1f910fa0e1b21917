#include "tools/command_shell.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>
#include <utility>

#include "tools/message.h"
#include "tools/shell/history_file.h"
#include "tools/shell/line_editor.h"
#include "tools/shell/statement.h"
#include "tools/shell_completions.h"
#include "tools/shell_session.h"

namespace tsdb::tools {
namespace {

constexpr const char* kPrompt = "tsdb> ";
constexpr const char* kContinuation = "   ...> ";
constexpr size_t kStatementBytesMax = size_t{1} << 20;

// Statements of a pipe or a file, as a script has them.
ExitCode RunPiped(const ShellOptions& options, ShellSession& session) {
  ExitCode code = kOk;
  StatementReader reader;
  std::string line;
  bool more = true;
  while (more) {
    more = static_cast<bool>(std::getline(std::cin, line));
    const bool whole = more && reader.Add(line);
    if (reader.text().size() > kStatementBytesMax) {
      PrintError("a statement is longer than a MiB", options.source.color);
      return kFailure;
    }
    if (!whole && (more || !reader.pending())) continue;
    const Outcome outcome = session.Run(reader.Take());
    if (outcome == Outcome::kQuit) break;
    if (outcome == Outcome::kInterrupted) return kInterrupted;
    if (outcome == Outcome::kDone) continue;
    code = kFailure;
    if (!options.keep_going) break;
  }
  return session.Finish() == Outcome::kDone ? code : kFailure;
}

class Dialogue {
 public:
  Dialogue(const ShellOptions& options, ShellSession& session)
      : options_(options),
        session_(session),
        editor_(StdoutIsTerminal() ? stdout : stderr, UseColor(options.source.color, true),
                [this](std::string_view before) { return CompleteAfter(before); }) {}

  ExitCode Run() {
    // Between lines and questions Ctrl-C is too late for the one and too early for the other.
    std::signal(SIGINT, SIG_IGN);
    Greet();
    if (const auto path = HistoryFile(); !path.empty()) Tell(editor_.KeepHistory(path));
    session_.SetHistory([this](size_t count) { return editor_.History(count); });
    while (ReadStatement()) {
    }
    const Outcome finished = session_.Finish();
    std::signal(SIGINT, SIG_DFL);
    return finished == Outcome::kDone ? kOk : kFailure;
  }

 private:
  void Greet() {
    const Style style(UseColor(options_.source.color, StderrIsTerminal()));
    std::fprintf(stderr, "%stsdb " TSDB_VERSION "%s, %s\n", style.bold, style.reset,
                 session_.Summary().c_str());
    std::fputs("Ask in PromQL; Tab completes, .help lists commands, Ctrl-D leaves.\n", stderr);
  }

  std::string HistoryFile() {
    auto path = HistoryPath();
    if (path.ok()) return *std::move(path);
    Tell(path.status());
    return "";
  }

  // Once: without a history there is still a shell.
  void Tell(const absl::Status& history) {
    if (history.ok() || told_) return;
    told_ = true;
    PrintWarning(MessageOf(history) + "; this shell's is kept in memory only",
                 options_.source.color);
  }

  // False at the end.
  bool ReadStatement() {
    std::string line;
    switch (editor_.Read(reader_.pending() ? kContinuation : kPrompt, line)) {
      case LineEditor::Got::kEnd:
        std::fputs("\n", stderr);
        return false;
      case LineEditor::Got::kInterrupt:
        reader_.Clear();
        return true;
      case LineEditor::Got::kLine:
        break;
    }
    if (!reader_.Add(line)) return true;
    const std::string statement = reader_.Take();
    if (statement.empty()) return true;
    Tell(editor_.Remember(statement));
    return session_.Run(statement) != Outcome::kQuit;
  }

  Completions CompleteAfter(std::string_view before) {
    std::string text = reader_.text();
    if (!text.empty()) text += '\n';
    text += before;
    return CompletionsFor(session_.database(), text);
  }

  const ShellOptions& options_;
  ShellSession& session_;
  StatementReader reader_;
  bool told_ = false;
  LineEditor editor_;
};

}  // namespace

ExitCode RunShell(const ShellOptions& options) {
  const bool reads_input =
      std::ranges::find(options.source.input.files, "-") != options.source.input.files.end();
  if (reads_input) {
    PrintError("--from - takes standard input, which is where the shell reads what is asked",
               options.source.color);
    return kUsage;
  }
  // Limits and the like; the expressions are yet to come.
  AskOptions begin = options;
  begin.expression = std::string(1, '1');  // (GCC 12 takes "1" for an overlapping copy)
  if (const auto checked = CheckQuestion(begin); !checked.ok()) {
    PrintError(MessageOf(checked.status()), options.source.color);
    return kUsage;
  }
  Source source;
  if (const ExitCode code = OpenSource(options.source, source); code != kOk) return code;
  ShellSession session(options, std::move(source));
  const bool people = isatty(STDIN_FILENO) == 1 && (StdoutIsTerminal() || StderrIsTerminal());
  return people ? Dialogue(options, session).Run() : RunPiped(options, session);
}

}  // namespace tsdb::tools
