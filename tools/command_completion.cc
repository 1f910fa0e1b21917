#include "tools/command_completion.h"

#include "tools/guide/completion.h"
#include "tools/message.h"
#include "tools/output.h"

namespace tsdb::tools {

ExitCode RunCompletion(const CommandTree& tree, const std::string& shell) {
  Output output;
  output << (shell == "bash"  ? BashCompletion(tree)
             : shell == "zsh" ? ZshCompletion(tree)
                              : FishCompletion(tree));
  const absl::Status status = output.Flush();
  if (status.ok()) return kOk;
  PrintError(MessageOf(status), Color::kAuto);
  return kFailure;
}

}  // namespace tsdb::tools
