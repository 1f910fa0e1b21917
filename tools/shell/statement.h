// What is typed at the shell's prompt, line by line, put together to statements: an expression of
// PromQL, which may take several lines, or a dot command, which takes one.
//
// An expression goes on in the next line while a bracket or a backtick is open, or after a
// backslash, an operator, a comma, or a word that wants something after it (by, offset, bool).
// Other quotes do not go on: PromQL has them closed on their line, and says so at once.
//
// Thread safety: one thread.
#pragma once

#include <string>
#include <string_view>

namespace tsdb::tools {

inline constexpr std::string_view kBlanks = " \t\r\n";

// Whether the text, of one or more lines, needs no further line.
bool IsWholeStatement(std::string_view text);

class StatementReader {
 public:
  // A line, or several from the history, without the newline at the end. True: there is a
  // statement, for Take. Lines before a statement that are empty or only a comment are dropped.
  bool Add(std::string_view line);
  // What there is, whole or not; the reader is as new.
  std::string Take();
  void Clear() { text_.clear(); }
  // Whether a statement has begun that needs a further line.
  bool pending() const { return !text_.empty(); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace tsdb::tools
