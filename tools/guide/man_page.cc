// help2man was the alternative: it reads --help as lines, so it cannot tell options from what
// stands in columns by chance, loses which words are values, and knows one page a program.
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tools/guide/documents.h"

namespace tsdb::tools {
namespace {

// Text as roff prints it: a line that begins with a control character would be a request, and a
// bare hyphen, quote or tilde is not the one that can be copied into a shell.
std::string Escaped(const std::string& text) {
  std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\e"},
                                                   {"-", "\\-"},
                                                   {"'", "\\(aq"},
                                                   {"\"", "\\(dq"},
                                                   {"`", "\\(ga"},
                                                   {"^", "\\(ha"},
                                                   {"~", "\\(ti"},
                                                   {"\n.", "\n\\&."}});
  if (escaped.starts_with('.')) escaped.insert(0, "\\&");
  return escaped;
}

std::string Bold(const std::string& text) { return absl::StrCat("\\fB", Escaped(text), "\\fR"); }
std::string Italic(const std::string& text) { return absl::StrCat("\\fI", Escaped(text), "\\fR"); }

void AddHead(const CommandTree& tree, const std::string& page, const std::string& summary,
             std::string& out) {
  // No date: a page is the same whenever it is made.
  absl::StrAppend(&out, ".TH ", absl::AsciiStrToUpper(page), " 1 \"\" \"", tree.program.name, " ",
                  tree.version, "\"\n.SH NAME\n", Escaped(page), " \\- ", Escaped(summary), "\n");
}

// The first word stays as it is where it is a name.
std::string Lowered(std::string text) {
  if (text.size() > 1 && absl::ascii_islower(static_cast<unsigned char>(text[1]))) {
    text[0] = absl::ascii_tolower(static_cast<unsigned char>(text[0]));
  }
  return text;
}

std::string Value(const Argument& argument) {
  return argument.value.empty()
             ? ""
             : absl::StrCat(" ", Italic(argument.value), argument.many ? "..." : "");
}

void AddArgument(const Argument& argument, std::string& out) {
  absl::StrAppend(&out, ".TP\n");
  if (argument.names.empty()) {
    absl::StrAppend(&out, Italic(argument.value), argument.many ? "..." : "");
  }
  for (size_t i = 0; i < argument.names.size(); ++i) {
    absl::StrAppend(&out, i == 0 ? "" : ", ", Bold(argument.names[i]),
                    i + 1 == argument.names.size() ? Value(argument) : "");
  }
  const std::string remark = RemarkOf(argument);
  absl::StrAppend(&out, "\n", Escaped(argument.description), "\n");
  if (!remark.empty()) absl::StrAppend(&out, Escaped(remark), "\n");
}

void AddParagraphs(const std::vector<std::string>& paragraphs, std::string& out) {
  bool first = true;
  for (const std::string& paragraph : paragraphs) {
    if (!first) absl::StrAppend(&out, ".PP\n");
    first = false;
    if (paragraph.starts_with(' ')) {
      absl::StrAppend(&out, ".nf\n", Escaped(paragraph), "\n.fi\n");
    } else {
      absl::StrAppend(&out, Escaped(paragraph), "\n");
    }
  }
}

void AddExamples(const std::vector<std::string>& examples, std::string& out) {
  if (examples.empty()) return;
  absl::StrAppend(&out, ".SH EXAMPLES\n");
  bool first = true;
  for (const std::string& example : examples) {
    absl::StrAppend(&out, first ? "" : ".PP\n", ".nf\n.RS\n", Escaped(example), "\n.RE\n.fi\n");
    first = false;
  }
}

void AddExitStatus(std::string& out) {
  absl::StrAppend(&out, ".SH EXIT STATUS\n");
  for (const auto& [code, meaning] :
       {std::pair("0", "Done."), std::pair("1", "Failed."), std::pair("2", "Wrong usage."),
        std::pair("130", "Interrupted, as by Ctrl\\-C.")}) {
    absl::StrAppend(&out, ".TP\n.B ", code, "\n", meaning, "\n");
  }
}

}  // namespace

std::string CommandManPage(const CommandTree& tree, const CommandNode& command) {
  const std::string& program = tree.program.name;
  const FooterParts footer = SplitFooter(command.footer);
  std::string out;
  AddHead(tree, absl::StrCat(program, "-", command.name), Lowered(command.description), out);
  absl::StrAppend(&out, ".SH SYNOPSIS\n", Bold(absl::StrCat(program, " ", command.name)));
  for (const Argument& option : command.options) {
    if (option.required) absl::StrAppend(&out, " ", Bold(option.names.back()), Value(option));
  }
  absl::StrAppend(&out, " [", Italic("options"), "]");
  for (const Argument& positional : command.positionals) {
    const std::string value = absl::StrCat(Italic(positional.value), positional.many ? "..." : "");
    absl::StrAppend(
        &out, positional.required ? absl::StrCat(" ", value) : absl::StrCat(" [", value, "]"));
  }
  absl::StrAppend(&out, "\n.SH DESCRIPTION\n");
  if (footer.paragraphs.empty()) absl::StrAppend(&out, Escaped(command.description), ".\n");
  AddParagraphs(footer.paragraphs, out);
  if (!command.positionals.empty()) {
    absl::StrAppend(&out, ".SH ARGUMENTS\n");
    for (const Argument& positional : command.positionals) AddArgument(positional, out);
  }
  absl::StrAppend(&out, ".SH OPTIONS\n");
  for (const Argument& option : command.options) AddArgument(option, out);
  AddExitStatus(out);
  AddExamples(footer.examples, out);
  absl::StrAppend(&out, ".SH SEE ALSO\n.BR ", Escaped(program), " (1)\n");
  return out;
}

std::string ProgramManPage(const CommandTree& tree) {
  const std::string& program = tree.program.name;
  // The description's first line is its title, which NAME has already.
  const size_t title_end = tree.program.description.find('\n');
  const FooterParts parts = SplitFooter(
      title_end == std::string::npos ? std::string() : tree.program.description.substr(title_end));
  std::string out;
  AddHead(tree, program, std::string(SummaryOf(tree.program.description)), out);
  absl::StrAppend(&out, ".SH SYNOPSIS\n", Bold(program), " ", Italic("command"), " [",
                  Italic("options"), "] [", Italic("argument"), "...]\n", ".SH DESCRIPTION\n");
  AddParagraphs(parts.paragraphs, out);
  absl::StrAppend(&out, parts.paragraphs.empty() ? "" : ".PP\n",
                  "One program, one command per task. Data goes to standard output, messages and "
                  "progress to standard error.\n.SH COMMANDS\n");
  for (const CommandNode& command : tree.commands) {
    absl::StrAppend(&out, ".TP\n.BR ", Escaped(absl::StrCat(program, "-", command.name)), " (1)\n",
                    Escaped(command.description), "\n");
  }
  absl::StrAppend(&out, ".SH OPTIONS\n");
  for (const Argument& option : tree.program.options) AddArgument(option, out);
  AddExitStatus(out);
  AddExamples(parts.examples, out);
  std::string see_also;
  for (const CommandNode& command : tree.commands) {
    absl::StrAppend(&see_also, see_also.empty() ? "" : " ,\n", ".BR ",
                    Escaped(absl::StrCat(program, "-", command.name)), " (1)");
  }
  absl::StrAppend(&out, ".SH SEE ALSO\n", see_also, "\n");
  return out;
}

}  // namespace tsdb::tools
