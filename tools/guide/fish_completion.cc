// fish has what is needed: `complete` with conditions, a line for each option.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "tools/guide/completion.h"

namespace tsdb::tools {
namespace {

constexpr const char* kStored =
    R"fish(# Names that are stored in the database given with --db, which must be one.
function __PROGRAM_stored
    set -l words (commandline -opc)
    set -l at (contains -i -- --db $words); or return
    set -l database $words[(math $at + 1)]
    test -f "$database/FORMAT"; or return
    if test $argv[1] = labels
        timeout 2 PROGRAM labels --db $database 2>/dev/null
    else
        timeout 2 PROGRAM values --db $database __name__ 2>/dev/null
    end
end

complete -c PROGRAM -f
)fish";

std::string Quoted(std::string_view text) {
  return absl::StrCat(
      "'", absl::StrReplaceAll({text.data(), text.size()}, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

// -r: a value must follow; -x: that is no file; -F: files although they are off for the program.
std::string Values(const Argument& argument, bool positional) {
  const std::string exclusive = positional ? "" : " -x";
  switch (argument.kind) {
    case ValueKind::kNone:
      return "";
    case ValueKind::kText:
      return exclusive;
    case ValueKind::kWord:
      return absl::StrCat(exclusive, " -a ", Quoted(absl::StrJoin(argument.words, " ")));
    case ValueKind::kFile:
      return positional ? " -F" : " -r -F";
    case ValueKind::kDirectory:
      return absl::StrCat(exclusive, " -a '(__fish_complete_directories)'");
    case ValueKind::kMetric:
      return absl::StrCat(exclusive, " -a '(__PROGRAM_stored metrics)'");
    case ValueKind::kLabel:
      return absl::StrCat(exclusive, " -a '(__PROGRAM_stored labels)'");
  }
  return "";
}

void AddOption(const std::string& begin, const Argument& option, std::string& script) {
  absl::StrAppend(&script, begin);
  for (const std::string& name : option.names) {
    if (name.starts_with("--")) {
      absl::StrAppend(&script, " -l ", name.substr(2));
    } else {
      absl::StrAppend(&script, " -s ", name.substr(1));
    }
  }
  absl::StrAppend(&script, Values(option, /*positional=*/false), " -d ", Quoted(option.description),
                  "\n");
}

}  // namespace

std::string FishCompletion(const CommandTree& tree) {
  const std::string& program = tree.program.name;
  std::string script = absl::StrCat("# Completion of ", program, " for fish, as '", program,
                                    " completion fish' prints it.\n\n", kStored);
  const std::string first = "complete -c PROGRAM -n __fish_use_subcommand";
  for (const Argument& option : tree.program.options) AddOption(first, option, script);
  for (const CommandNode& command : tree.commands) {
    absl::StrAppend(&script, first, " -a ", command.name, " -d ", Quoted(command.description),
                    "\n");
  }
  for (const CommandNode& command : tree.commands) {
    const std::string begin =
        absl::StrCat("complete -c PROGRAM -n '__fish_seen_subcommand_from ", command.name, "'");
    absl::StrAppend(&script, "\n");
    for (const Argument& option : command.options) AddOption(begin, option, script);
    for (const Argument& positional : command.positionals) {
      const std::string values = Values(positional, /*positional=*/true);
      if (!values.empty()) absl::StrAppend(&script, begin, values, "\n");
      // After `--from a b` more files can stand, where fish sees positionals.
    }
    for (const Argument& option : command.options) {
      if (!option.many || option.kind != ValueKind::kFile) continue;
      absl::StrAppend(&script, "complete -c PROGRAM -n '__fish_seen_subcommand_from ", command.name,
                      "; and __fish_contains_opt ", option.names.back().substr(2), "' -F\n");
    }
  }
  return absl::StrReplaceAll(script, {{"PROGRAM", program}});
}

}  // namespace tsdb::tools
