// The script is a table, what each option and positional takes, and a walk over the words before
// the cursor that looks things up in it. It needs no package of completions.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "tools/guide/completion.h"

namespace tsdb::tools {
namespace {

constexpr const char* kWalk = R"bash(
# Names that are stored in the database given with --db, which must be one: asking makes nothing.
_PROGRAM_stored() {  # labels | metrics
  local i database=
  for ((i = 1; i < COMP_CWORD; ++i)); do
    [[ ${COMP_WORDS[i]} == --db ]] || continue
    database=${COMP_WORDS[i + 1]}
    [[ $database == '=' ]] && database=${COMP_WORDS[i + 2]}
  done
  database=${database/#\~\//$HOME/}
  [[ -n $database && -f $database/FORMAT ]] || return
  if [[ $1 == labels ]]; then
    timeout 2 PROGRAM labels --db "$database" 2>/dev/null
  else
    timeout 2 PROGRAM values --db "$database" __name__ 2>/dev/null
  fi
}

_PROGRAM() {
  local word=${COMP_WORDS[COMP_CWORD]} command= option= takes many options i
  local -i positional=0
  COMPREPLY=()
  [[ $word == '=' ]] && word=
  for ((i = 1; i < COMP_CWORD; ++i)); do  # what stands before the cursor
    local each=${COMP_WORDS[i]}
    if [[ -z $command ]]; then
      [[ $each == -* ]] || command=$each
    elif [[ $each == -?* ]]; then
      option=$each
    elif [[ $each != '=' ]]; then
      _PROGRAM_takes "$command" "$option"
      if [[ -z $takes ]]; then
        positional+=1
        option=
      elif [[ -z $many ]]; then
        option=
      fi
    fi
  done
  _PROGRAM_options "$command"
  if [[ -z $command ]]; then
    takes="words $commands"
  else
    _PROGRAM_takes "$command" "$option"
    [[ -n $takes ]] || _PROGRAM_takes "$command" "$((positional + 1))"
  fi
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    return
  fi
  case $takes in
    directory)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
    file)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    labels | metrics)
      mapfile -t COMPREPLY < <(compgen -W "$(_PROGRAM_stored "$takes")" -- "$word") ;;
    words\ *)
      mapfile -t COMPREPLY < <(compgen -W "${takes#words }" -- "$word") ;;
    '')
      mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
  esac
}
complete -F _PROGRAM PROGRAM
)bash";

constexpr const char* kAnyNumber = "[0-9]*";

std::string Takes(const Argument& argument) {
  switch (argument.kind) {
    case ValueKind::kNone:
      return "";
    case ValueKind::kText:
      return "text";
    case ValueKind::kWord:
      return "words " + absl::StrJoin(argument.words, " ");
    case ValueKind::kFile:
      return "file";
    case ValueKind::kDirectory:
      return "directory";
    case ValueKind::kMetric:
      return "metrics";
    case ValueKind::kLabel:
      return "labels";
  }
  return "";
}

void AddCase(const CommandNode& command, const Argument& argument, std::vector<std::string> keys,
             std::string& script) {
  if (argument.kind == ValueKind::kNone) return;
  for (std::string& key : keys) {
    const bool pattern = key == kAnyNumber;
    key = pattern ? absl::StrCat("'", command.name, " '", key)
                  : absl::StrCat("'", command.name, " ", key, "'");
  }
  absl::StrAppend(&script, "    ", absl::StrJoin(keys, " | "), ") takes='", Takes(argument), "'",
                  argument.many ? " many=1" : "", " ;;\n");
}

std::string OptionNames(const CommandNode& command) {
  std::vector<std::string> names;
  for (const Argument& option : command.options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return absl::StrJoin(names, " ");
}

}  // namespace

std::string BashCompletion(const CommandTree& tree) {
  const std::string& program = tree.program.name;
  std::vector<std::string> names;
  for (const CommandNode& command : tree.commands) names.push_back(command.name);
  std::string script = absl::StrCat(
      "# Completion of ", program, " for bash, as '", program, " completion bash' prints it.\n\n",
      "# <command> <option, or the number of a positional>: sets takes, and many if it takes more "
      "than one.\n_PROGRAM_takes() {\n  takes= many=\n  case \"$1 $2\" in\n");
  for (const CommandNode& command : tree.commands) {
    for (const Argument& option : command.options) AddCase(command, option, option.names, script);
    for (size_t i = 0; i < command.positionals.size(); ++i) {
      const Argument& positional = command.positionals[i];
      // What takes all that follows takes it whatever its number.
      const std::string number = positional.many ? kAnyNumber : absl::StrCat(i + 1);
      AddCase(command, positional, {number}, script);
    }
  }
  absl::StrAppend(&script,
                  "  esac\n}\n\n# <command>: sets options and commands.\n_PROGRAM_options() {\n"
                  "  commands='",
                  absl::StrJoin(names, " "), "'\n  case $1 in\n");
  for (const CommandNode& command : tree.commands) {
    absl::StrAppend(&script, "    ", command.name, ") options='", OptionNames(command), "' ;;\n");
  }
  absl::StrAppend(&script, "    *) options='", OptionNames(tree.program), "' ;;\n  esac\n}\n",
                  kWalk);
  return absl::StrReplaceAll(script, {{"PROGRAM", program}});
}

}  // namespace tsdb::tools
