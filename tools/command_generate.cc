#include "tools/command_generate.h"

#include "absl/status/status.h"
#include "tools/guide/documents.h"
#include "tools/message.h"
#include "tools/output_file.h"

namespace tsdb::tools {
namespace {

// An empty path is standard output.
absl::Status Write(const std::string& path, const std::string& content) {
  auto file = OutputFile::Open(path);
  if (!file.ok()) return file.status();
  (*file)->output() << content;
  return (*file)->Finish();
}

ExitCode ExitWith(const absl::Status& status) {
  if (status.ok()) return kOk;
  PrintError(MessageOf(status), Color::kAuto);
  return kFailure;
}

}  // namespace

ExitCode RunGenerateMan(const CommandTree& tree, const std::string& directory) {
  const std::string base = directory + "/" + tree.program.name;
  absl::Status status = Write(base + ".1", ProgramManPage(tree));
  for (const CommandNode& command : tree.commands) {
    if (!status.ok()) break;
    status = Write(base + "-" + command.name + ".1", CommandManPage(tree, command));
  }
  return ExitWith(status);
}

ExitCode RunGenerateReference(const CommandTree& tree) {
  return ExitWith(Write("", MarkdownReference(tree)));
}

}  // namespace tsdb::tools
