#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "tools/guide/documents.h"

namespace tsdb::tools {
namespace {

// Text in a paragraph or a cell: what Markdown would take for markup stays as it is.
std::string InTable(const std::string& text) {
  return absl::StrReplaceAll(text, {{"\\", "\\\\"},
                                    {"|", "\\|"},
                                    {"*", "\\*"},
                                    {"_", "\\_"},
                                    {"<", "\\<"},
                                    {"[", "\\["},
                                    {"]", "\\]"},
                                    {"`", "\\`"}});
}

std::string Code(const std::string& text) {
  return absl::StrCat("`", absl::StrReplaceAll(text, {{"|", "\\|"}}), "`");
}

void AddRow(const Argument& argument, std::string& out) {
  std::vector<std::string> names;
  for (const std::string& name : argument.names) names.push_back(NameWithValue(name, argument));
  if (names.empty()) names.push_back(absl::StrCat(argument.value, argument.many ? "..." : ""));
  for (std::string& name : names) name = Code(name);
  const std::string remark = RemarkOf(argument);
  absl::StrAppend(&out, "| ", absl::StrJoin(names, ", "), " | ", InTable(argument.description),
                  remark.empty() ? "" : " ", InTable(remark), " |\n");
}

void AddCommand(const CommandTree& tree, const CommandNode& command, std::string& out) {
  const FooterParts footer = SplitFooter(command.footer);
  absl::StrAppend(&out, "\n## ", tree.program.name, " ", command.name, "\n\n",
                  InTable(command.description), ".\n\n    ", UsageOf(tree, command), "\n\n");
  for (const std::string& paragraph : footer.paragraphs) {
    if (paragraph.starts_with(' ')) {
      absl::StrAppend(&out, "```\n", paragraph, "\n```\n\n");
    } else {
      absl::StrAppend(&out, InTable(paragraph), "\n\n");
    }
  }
  absl::StrAppend(&out, "| | |\n|---|---|\n");
  for (const Argument& positional : command.positionals) AddRow(positional, out);
  for (const Argument& option : command.options) AddRow(option, out);
  if (footer.examples.empty()) return;
  absl::StrAppend(&out, "\n```sh\n", absl::StrJoin(footer.examples, "\n"), "\n```\n");
}

}  // namespace

std::string MarkdownReference(const CommandTree& tree) {
  const std::string& program = tree.program.name;
  std::string out = absl::StrCat(
      "# Commands and options of ", program, "\n\nWritten by `", program,
      " generate-reference` from what the program parses; [cli.md](../cli.md) explains and shows "
      "output. Exit codes of every command: 0 done, 1 failed, 2 wrong usage, 130 interrupted.\n\n"
      "| command | |\n|---|---|\n");
  for (const CommandNode& command : tree.commands) {
    absl::StrAppend(&out, "| [`", program, " ", command.name, "`](#", program, "-", command.name,
                    ") | ", InTable(command.description), " |\n");
  }
  absl::StrAppend(&out, "\nBefore a command:\n\n| | |\n|---|---|\n");
  for (const Argument& option : tree.program.options) AddRow(option, out);
  for (const CommandNode& command : tree.commands) AddCommand(tree, command, out);
  return out;
}

}  // namespace tsdb::tools
