// Lines typed at a terminal, with editing, history and completion, by libedit: its keys are Emacs'
// unless ~/.editrc says otherwise.
//
// While a line is read the terminal gives Ctrl-C as a key, not as a signal. Between lines the
// terminal is as it was.
//
// Thread safety: one thread, and one editor at a time.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace tsdb::tools {

struct Candidate {
  std::string text;  // the whole word; it begins with what is typed of it
  std::string tail;  // put behind it once it is the only one
};

struct Completions {
  std::vector<Candidate> candidates;  // sorted
  size_t typed = 0;                   // bytes before the cursor that each begins with
};

class LineEditor {
 public:
  // What fits at the end of this text, the part of the line before the cursor.
  using Complete = std::function<Completions(std::string_view before_cursor)>;
  enum class Got { kLine, kEnd, kInterrupt };

  // Draws on `terminal`. REQUIRES: standard input is a terminal.
  LineEditor(FILE* terminal, bool color, Complete complete);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // A line, or several from the history, without the newline at the end.
  Got Read(const std::string& prompt, std::string& line);

  // Entries of a file that is there, and a file for those to come. On an error history is kept in
  // memory alone.
  absl::Status KeepHistory(const std::string& path);
  // Puts a statement, of one line or more, at the end of the history.
  absl::Status Remember(const std::string& statement);
  // The newest `count`, the newest last.
  std::vector<std::string> History(size_t count) const;

 private:
  struct State;  // libedit's
  const std::unique_ptr<State> state_;
};

// Words in as many columns as fit `width`, read downwards.
std::string InColumns(const std::vector<std::string>& words, size_t width);

}  // namespace tsdb::tools
