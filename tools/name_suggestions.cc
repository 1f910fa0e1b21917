#include "tools/name_suggestions.h"

#include <algorithm>
#include <vector>

#include "storage/base/nearest_names.h"
#include "tools/expression_selectors.h"
#include "tools/select_series.h"
#include "tools/terminal.h"
#include "tsdb/promql/parser.h"
#include "tsdb/query.h"

namespace tsdb::tools {
std::string ExplainNothing(Database& database, std::string_view expression) {
  const auto expr = promql::Parse(expression);
  const auto metrics =
      LabelValues(database, kMetricNameLabel, {}, TimeRange::All(), WithoutMemoryLimit());
  if (!expr.ok() || !metrics.ok()) return "";
  const std::vector<std::string_view> known(metrics->begin(), metrics->end());
  for (const promql::VectorSelector* selector : SelectorsOf(**expr)) {
    const std::string& name = selector->name;
    if (name.empty() || std::ranges::find(known, name) != known.end()) continue;
    const std::vector<std::string_view> near = NearestNames(name, known);
    std::string text = "there is no metric " + Printable(name);
    if (!near.empty()) text += "; did you mean " + Printable(JoinWithOr(near)) + "?";
    return text;
  }
  return "";
}

}  // namespace tsdb::tools
