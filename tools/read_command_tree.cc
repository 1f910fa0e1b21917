#include "tools/read_command_tree.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_split.h"
#include "tools/add_input_options.h"

namespace tsdb::tools {
namespace {

// What an option or positional takes is told by its words, or by what it calls its value.
Argument ArgumentOf(CLI::Option& option) {
  Argument argument;
  for (const std::string& name : option.get_snames()) argument.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) argument.names.push_back("--" + name);
  argument.description = option.get_description();
  argument.required = option.get_required();
  argument.many = option.get_expected_max() > 1;
  for (const CLI::Option* needed : option.get_needs()) {
    if (!needed->get_positional()) argument.needs.push_back(needed->get_name());
  }
  std::sort(argument.needs.begin(), argument.needs.end());  // they came in order of addresses
  if (argument.names.empty()) {
    argument.value = option.get_name(/*positional=*/true);
  } else if (option.get_items_expected_max() > 0) {
    argument.value = option.get_type_name();
  } else {
    return argument;
  }
  argument.kind = KindOfValue(argument.value);
  try {
    for (int i = 0;; ++i) {
      const std::string name = option.get_validator(i)->get_name();
      if (!name.starts_with(kWordsPrefix)) continue;
      argument.kind = ValueKind::kWord;
      argument.words = absl::StrSplit(name.substr(std::string(kWordsPrefix).size()), '|');
    }
  } catch (const CLI::OptionNotFound&) {  // that was the last
  }
  return argument;
}

CommandNode NodeOf(CLI::App& app) {
  CommandNode node{app.get_name(), app.get_description(), {}, {}, app.get_footer()};
  for (CLI::Option* option : app.get_options([](CLI::Option*) { return true; })) {
    Argument argument = ArgumentOf(*option);
    (argument.names.empty() ? node.positionals : node.options).push_back(std::move(argument));
  }
  return node;
}

}  // namespace

CommandTree ReadCommandTree(CLI::App& app, const std::string& version) {
  CommandTree tree{version, NodeOf(app), {}};
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    if (!command->get_group().empty()) tree.commands.push_back(NodeOf(*command));
  }
  return tree;
}

}  // namespace tsdb::tools
