#include "tools/command_labels.h"

namespace tsdb::tools {

ExitCode RunLabels(const ListOptions& options) {
  const auto ask = [&options](Database& database, const ListQuestion& question) {
    return ListTexts(LabelNames(database, question.matchers, question.range, question.options),
                     options.json);
  };
  return RunList(options, "there are no series", ask);
}

}  // namespace tsdb::tools
