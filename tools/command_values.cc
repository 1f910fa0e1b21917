#include "tools/command_values.h"

namespace tsdb::tools {

ExitCode RunValues(const ValuesOptions& options) {
  const auto ask = [&options](Database& database, const ListQuestion& question) {
    return ListTexts(
        LabelValues(database, options.name, question.matchers, question.range, question.options),
        options.json);
  };
  return RunList(options, "there is no label " + options.name + " in series", ask);
}

}  // namespace tsdb::tools
