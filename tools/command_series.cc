#include "tools/command_series.h"

#include <string>
#include <utility>
#include <vector>

#include "tools/json_text.h"
#include "tools/terminal.h"

namespace tsdb::tools {

ExitCode RunSeries(const ListOptions& options) {
  const auto ask = [&options](Database& database, const ListQuestion& question) -> Listed {
    const auto series = ListSeries(database, question.matchers, question.range, question.options);
    if (!series.ok()) return series.status();
    std::vector<std::string> entries;
    entries.reserve(series->size());
    for (const SeriesEntry& entry : *series) {
      entries.push_back(options.json ? JsonLabels(entry.labels)
                                     : Printable(entry.labels.ToString()));
    }
    return entries;
  };
  return RunList(options, "there are no series", ask);
}

}  // namespace tsdb::tools
