// The commands and options of the program as plain data: main.cc makes it of what it parses with,
// so that completion, manual pages and the reference say what the program does and nothing else.
// Thread safety: plain data; pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tsdb::tools {

// What stands after an option, or in a positional's place.
enum class ValueKind { kNone, kText, kWord, kFile, kDirectory, kMetric, kLabel };

// An option or a positional.
struct Argument {
  std::vector<std::string> names;  // "-o", "--output"; of a positional none
  std::string value;               // what the help calls the value: FILE; empty for a flag
  std::string description;
  ValueKind kind = ValueKind::kNone;
  std::vector<std::string> words;  // kWord: what it can be
  std::vector<std::string> needs;  // options without which it makes no sense
  bool required = false;
  bool many = false;  // takes all words that follow
};

struct CommandNode {
  std::string name;
  std::string description;
  std::vector<Argument> options;
  std::vector<Argument> positionals;
  std::string footer;
};

struct CommandTree {
  std::string version;
  CommandNode program;  // its options stand before the command
  std::vector<CommandNode> commands;
};

// What is taken by what calls its value so: files by FILE.
ValueKind KindOfValue(std::string_view value);

// The parts of what --help says below the options. The text is Markdown's idea of paragraphs:
// parted by an empty line; lines that begin with a blank stay as they are.
struct FooterParts {
  std::vector<std::string> paragraphs;
  std::vector<std::string> examples;  // a command line each
  std::vector<std::string> closing;   // what stands after the examples
};
FooterParts SplitFooter(std::string_view footer);

// "tsdb import [OPTIONS] FILE...": how a command is called, with the options that it cannot do
// without.
std::string UsageOf(const CommandTree& tree, const CommandNode& command);

// "(with --from)" and such: what is to be known of an option beside its description. May be empty.
std::string RemarkOf(const Argument& argument);

// "-o FILE", "--from FILE...".
std::string NameWithValue(const std::string& name, const Argument& argument);

// "tsdb - a database engine\n\nMore": the part after the dash in the first line.
std::string_view SummaryOf(std::string_view description);

}  // namespace tsdb::tools
