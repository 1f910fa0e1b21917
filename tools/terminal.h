// What is known about where output goes: whether people look at it, how wide it is, whether colours
// are wanted; and how wide text is there. Thread safety: pure functions of the environment.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tsdb::tools {

bool StdoutIsTerminal();
bool StderrIsTerminal();

enum class Color { kAuto, kAlways, kNever };
// kAuto: on a terminal that is not "dumb", unless NO_COLOR is set (no-color.org).
bool UseColor(Color wish, bool is_terminal);

// Columns of the terminal on stdout; else of $COLUMNS; else 120.
size_t OutputWidth();

// Columns that text takes on a terminal. REQUIRES: UTF-8 without control characters.
size_t DisplayWidth(std::string_view text);
// Text cut to at most `width` columns, with an ellipsis if something was cut.
std::string CutToWidth(std::string_view text, size_t width);
// As CutToWidth, but from the middle: names that start alike stay apart by their ends.
std::string CutMiddle(std::string_view text, size_t width);
// Text that cannot steer a terminal: control characters (of both ranges) written as \n, \t or \x1b.
std::string Printable(std::string_view text);

// Escape sequences, or nothing at all.
struct Style {
  explicit Style(bool color)
      : bold(color ? "\x1b[1m" : ""),
        dim(color ? "\x1b[2m" : ""),
        red(color ? "\x1b[31m" : ""),
        yellow(color ? "\x1b[33m" : ""),
        cyan(color ? "\x1b[36m" : ""),
        reset(color ? "\x1b[0m" : "") {}
  const char* bold;
  const char* dim;
  const char* red;
  const char* yellow;
  const char* cyan;
  const char* reset;
};

}  // namespace tsdb::tools
