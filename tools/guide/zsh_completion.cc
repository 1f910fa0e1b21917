// zsh's _arguments takes a table of options; this writes one for each command.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "tools/guide/completion.h"

namespace tsdb::tools {
namespace {

constexpr const char* kBegin = R"zsh(
# Names that are stored in the database given with --db, which must be one.
_PROGRAM_stored() {  # labels | metrics
  local database=${(Q)opt_args[--db]} what=$1
  shift
  [[ -n $database ]] || return 1
  database=${~database}
  [[ -f $database/FORMAT ]] || return 1
  local -a names
  if [[ $what == labels ]]; then
    names=(${(f)"$(timeout 2 PROGRAM labels --db $database 2>/dev/null)"})
  else
    names=(${(f)"$(timeout 2 PROGRAM values --db $database __name__ 2>/dev/null)"})
  fi
  compadd "$@" -a names
}

_PROGRAM() {
  local curcontext=$curcontext state line
  local -a commands
  typeset -A opt_args
)zsh";

constexpr const char* kEnd = R"zsh(
# Loaded as a function of that name it is called; sourced, it is registered.
if [[ $funcstack[1] == _PROGRAM ]]; then
  _PROGRAM "$@"
else
  compdef _PROGRAM PROGRAM
fi
)zsh";

// Text inside a specification of _arguments, in single quotes.
std::string Text(const std::string& text) {
  return absl::StrReplaceAll(
      text, {{"\\", "\\\\"}, {"[", "\\["}, {"]", "\\]"}, {":", "\\:"}, {"'", "'\\''"}});
}

std::string Action(const Argument& argument) {
  switch (argument.kind) {
    case ValueKind::kNone:
      return "";
    case ValueKind::kText:
      return " ";
    case ValueKind::kWord:
      return absl::StrCat("(", absl::StrJoin(argument.words, " "), ")");
    case ValueKind::kFile:
      return "_files";
    case ValueKind::kDirectory:
      return "_files -/";
    case ValueKind::kMetric:
      return "_PROGRAM_stored metrics";
    case ValueKind::kLabel:
      return "_PROGRAM_stored labels";
  }
  return "";
}

void AddOption(const Argument& option, std::string& script) {
  std::string names = option.names.front();
  std::string excluded;
  if (option.names.size() > 1) {
    excluded = absl::StrCat("'(", absl::StrJoin(option.names, " "), ")'");
    names = absl::StrCat("{", absl::StrJoin(option.names, ","), "}");
  }
  absl::StrAppend(&script, " \\\n        ", excluded, names, "'[", Text(option.description), "]");
  if (option.kind != ValueKind::kNone) {
    absl::StrAppend(&script, option.many ? ":*-*:" : ":", Text(option.value), ":", Action(option));
  }
  absl::StrAppend(&script, "'");
}

}  // namespace

std::string ZshCompletion(const CommandTree& tree) {
  const std::string& program = tree.program.name;
  std::string script =
      absl::StrCat("#compdef ", program, "\n# Completion of ", program, " for zsh, as '", program,
                   " completion zsh' prints it.\n", kBegin, "  commands=(\n");
  for (const CommandNode& command : tree.commands) {
    absl::StrAppend(&script, "    '", command.name, ":", Text(command.description), "'\n");
  }
  absl::StrAppend(&script, "  )\n  _arguments -C");
  for (const Argument& option : tree.program.options) AddOption(option, script);
  absl::StrAppend(&script,
                  " \\\n        '1:command:->command' '*::argument:->argument' && return\n"
                  "  if [[ $state == command ]]; then\n    _describe -t commands command commands\n"
                  "    return\n  fi\n  case $words[1] in\n");
  for (const CommandNode& command : tree.commands) {
    absl::StrAppend(&script, "    ", command.name, ")\n      _arguments");
    for (const Argument& option : command.options) AddOption(option, script);
    for (size_t i = 0; i < command.positionals.size(); ++i) {
      const Argument& positional = command.positionals[i];
      absl::StrAppend(&script, " \\\n        '", positional.many ? "*" : absl::StrCat(i + 1), ":",
                      Text(positional.value), ":", Action(positional), "'");
    }
    absl::StrAppend(&script, "\n      ;;\n");
  }
  absl::StrAppend(&script, "  esac\n}\n", kEnd);
  return absl::StrReplaceAll(script, {{"PROGRAM", program}});
}

}  // namespace tsdb::tools
