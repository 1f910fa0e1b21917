#include "tools/shell/dot_commands.h"

#include <algorithm>

#include "storage/base/nearest_names.h"
#include "tools/shell/statement.h"
#include "tools/terminal.h"

namespace tsdb::tools {
namespace {

using Kind = ArgumentKind;

// Words set apart by blanks; the last of `count` is the rest of the text.
std::vector<std::string> SplitArguments(std::string_view text, size_t count, bool rest_is_one) {
  std::vector<std::string> arguments;
  for (size_t begin = text.find_first_not_of(kBlanks); begin != std::string_view::npos;
       begin = text.find_first_not_of(kBlanks)) {
    text.remove_prefix(begin);
    size_t end = std::min(text.find_first_of(kBlanks), text.size());
    if (rest_is_one && arguments.size() + 1 == count) end = text.find_last_not_of(kBlanks) + 1;
    arguments.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return arguments;
}

// In the order in which help lists them.
const std::vector<DotCommandEntry> kCommands = {
    {DotCommand::kInstant, ".instant", "", "ask at the newest sample (how it begins)", {}},
    {DotCommand::kTime,
     ".time",
     "T",
     "ask at a time: seconds, 2026-11-21T03:33:55Z, now, -1h",
     {Kind::kText},
     1},
    {DotCommand::kLast,
     ".last",
     "D [STEP]",
     "ask over the last D of what is stored, such as 1h",
     {Kind::kText, Kind::kText},
     1},
    {DotCommand::kRange,
     ".range",
     "START END [STEP]",
     "ask over a range of time",
     {Kind::kText, Kind::kText, Kind::kText},
     2},
    {DotCommand::kLookback,
     ".lookback",
     "[D]",
     "how old a series' latest sample may be (5m)",
     {Kind::kText}},
    {DotCommand::kMode,
     ".mode",
     "FORMAT",
     "how answers are printed: auto, table, chart, csv, ...",
     {Kind::kFormat},
     1},
    {DotCommand::kLimit, ".limit", "N", "series shown to people; 0 is all (40)", {Kind::kText}, 1},
    {DotCommand::kOutput,
     ".output",
     "[FILE|-]",
     "write answers to a file, or here again",
     {Kind::kText}},
    {DotCommand::kTimer, ".timer", "on|off", "tell what each answer took", {Kind::kSwitch}, 1},
    {DotCommand::kExplain,
     ".explain",
     "on|off",
     "tell how questions are understood instead",
     {Kind::kSwitch},
     1},
    {DotCommand::kMetrics,
     ".metrics",
     "[PATTERN]",
     "list metrics: those with a text, or as *cpu*",
     {Kind::kMetric}},
    {DotCommand::kLabels, ".labels", "[SELECTOR]", "list the names of labels", {Kind::kSelector}},
    {DotCommand::kValues,
     ".values",
     "NAME [SELECTOR]",
     "list the values of a label",
     {Kind::kLabelName, Kind::kSelector},
     1},
    {DotCommand::kSeries, ".series", "[SELECTOR]", "list series", {Kind::kSelector}},
    {DotCommand::kTop, ".top", "", "what most series and label values belong to", {}},
    {DotCommand::kRefresh, ".refresh", "", "read what was written since", {}},
    {DotCommand::kHistory, ".history", "[N]", "what was asked, the newest last", {Kind::kText}},
    {DotCommand::kHelp, ".help", "", "this list", {}},
    {DotCommand::kQuit, ".quit", "", "leave; also .exit and Ctrl-D", {}},
};

}  // namespace

std::span<const DotCommandEntry> AllDotCommands() { return kCommands; }

const DotCommandEntry* FindDotCommand(std::string_view name) {
  if (name == ".exit") name = ".quit";
  for (const DotCommandEntry& entry : AllDotCommands()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::string NoSuchCommand(std::string_view name) {
  std::vector<std::string_view> names;
  for (const DotCommandEntry& entry : AllDotCommands()) names.push_back(entry.name);
  const std::vector<std::string_view> near = NearestNames(name, names);
  std::string text = "there is no command " + Printable(name);
  if (near.empty()) return text + "; .help lists them";
  return text + "; did you mean " + JoinWithOr(near) + "?";
}

bool ReadDotLine(std::string_view statement, DotLine& line, std::string& error) {
  const size_t end = std::min(statement.find_first_of(kBlanks), statement.size());
  const std::string_view name = statement.substr(0, end);
  line.entry = FindDotCommand(name);
  if (line.entry == nullptr) {
    error = NoSuchCommand(name);
    return false;
  }
  const std::vector<ArgumentKind>& kinds = line.entry->kinds;
  const bool rest_is_one = !kinds.empty() && kinds.back() == ArgumentKind::kSelector;
  line.arguments = SplitArguments(statement.substr(end), kinds.size(), rest_is_one);
  if (line.arguments.size() >= line.entry->arguments_min && line.arguments.size() <= kinds.size()) {
    return true;
  }
  error = std::string(line.entry->name);
  error += kinds.empty() ? " takes no argument" : " takes " + std::string(line.entry->arguments);
  return false;
}

bool IsDotCommand(std::string_view statement) {
  // A number may begin with a dot, too.
  return statement.starts_with('.') &&
         !(statement.size() > 1 && statement[1] >= '0' && statement[1] <= '9');
}

}  // namespace tsdb::tools
