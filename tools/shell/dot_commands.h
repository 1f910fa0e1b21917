// The commands of `tsdb shell` besides questions: names, arguments and what .help tells of them.
// Thread safety: the table is constant.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tsdb::tools {

enum class DotCommand : uint8_t {
  kExplain,
  kHelp,
  kHistory,
  kInstant,
  kLabels,
  kLast,
  kLimit,
  kLookback,
  kMetrics,
  kMode,
  kOutput,
  kQuit,
  kRange,
  kRefresh,
  kSeries,
  kTime,
  kTimer,
  kTop,
  kValues
};

// What an argument is, for completion.
enum class ArgumentKind : uint8_t { kText, kFormat, kSwitch, kMetric, kLabelName, kSelector };

struct DotCommandEntry {
  DotCommand command;
  std::string_view name;       // with its dot
  std::string_view arguments;  // as help writes them
  std::string_view help;
  std::vector<ArgumentKind> kinds;  // the last one may have blanks in it if it is a selector
  size_t arguments_min = 0;
};

// In the order in which help lists them.
std::span<const DotCommandEntry> AllDotCommands();
// Also `.exit`. Null if there is none.
const DotCommandEntry* FindDotCommand(std::string_view name);

// "there is no command .mod; did you mean .mode?".
std::string NoSuchCommand(std::string_view name);

// A line of a command: its name, and as many arguments as the entry has kinds at most, the last
// one with all the rest if that is a selector. False, with what is wrong in `error`: there is no
// such command, or arguments are too few or too many.
struct DotLine {
  const DotCommandEntry* entry = nullptr;
  std::vector<std::string> arguments;

  // Empty if it is not given.
  std::string Argument(size_t i) const { return i < arguments.size() ? arguments[i] : ""; }
};
bool ReadDotLine(std::string_view statement, DotLine& line, std::string& error);

// Whether a statement is a command, not PromQL.
bool IsDotCommand(std::string_view statement);

}  // namespace tsdb::tools
