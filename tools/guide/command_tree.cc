#include "tools/guide/command_tree.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "storage/base/string_view_bridge.h"

namespace tsdb::tools {

ValueKind KindOfValue(std::string_view value) {
  if (value == "FILE") return ValueKind::kFile;
  if (value == "DIR" || value == "TARGET") return ValueKind::kDirectory;
  if (value == "EXPR" || value == "SELECTOR") return ValueKind::kMetric;
  return value == "NAME" ? ValueKind::kLabel : ValueKind::kText;
}

FooterParts SplitFooter(std::string_view footer) {
  enum { kText, kExamples, kClosing } part = kText;
  FooterParts parts;
  bool new_paragraph = true;
  for (const auto& each : absl::StrSplit(ToAbsl(footer), '\n')) {
    const std::string line(each);
    if (line == "Examples:") {
      part = kExamples;
    } else if (line.empty()) {
      new_paragraph = true;
    } else if (part == kExamples && line.starts_with("  ")) {
      parts.examples.push_back(line.substr(2));
    } else {
      if (part == kExamples) part = kClosing;
      std::vector<std::string>& texts = part == kText ? parts.paragraphs : parts.closing;
      const bool verbatim = line[0] == ' ';
      if (new_paragraph || texts.empty()) {
        texts.push_back(line);
      } else {
        absl::StrAppend(&texts.back(), verbatim || texts.back()[0] == ' ' ? "\n" : " ", line);
      }
      new_paragraph = false;
    }
  }
  return parts;
}

std::string UsageOf(const CommandTree& tree, const CommandNode& command) {
  std::string usage = absl::StrCat(tree.program.name, " ", command.name);
  bool optional = false;
  for (const Argument& option : command.options) {
    if (option.required) {
      absl::StrAppend(&usage, " ", NameWithValue(option.names.back(), option));
    } else {
      optional = true;
    }
  }
  if (optional) absl::StrAppend(&usage, " [OPTIONS]");
  for (const Argument& positional : command.positionals) {
    const std::string value = absl::StrCat(positional.value, positional.many ? "..." : "");
    absl::StrAppend(
        &usage, positional.required ? absl::StrCat(" ", value) : absl::StrCat(" [", value, "]"));
  }
  return usage;
}

std::string RemarkOf(const Argument& argument) {
  std::vector<std::string> remarks;
  if (argument.required) remarks.push_back("required");
  if (!argument.needs.empty()) {
    remarks.push_back("with " + absl::StrJoin(argument.needs, ", "));
  }
  // Words that the description does not name one by one.
  for (const std::string& word : argument.words) {
    if (argument.description.find(word) != std::string::npos) continue;
    remarks.push_back("one of " + absl::StrJoin(argument.words, ", "));
    break;
  }
  return remarks.empty() ? "" : absl::StrCat("(", absl::StrJoin(remarks, "; "), ")");
}

std::string NameWithValue(const std::string& name, const Argument& argument) {
  if (argument.value.empty()) return name;
  return absl::StrCat(name, " ", argument.value, argument.many ? "..." : "");
}

std::string_view SummaryOf(std::string_view description) {
  const std::string_view line = description.substr(0, description.find('\n'));
  const size_t dash = line.find(" - ");
  return dash == std::string_view::npos ? line : line.substr(dash + 3);
}

}  // namespace tsdb::tools
