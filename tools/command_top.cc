#include "tools/command_top.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tools/json_text.h"
#include "tools/message.h"
#include "tools/number_text.h"
#include "tools/output.h"
#include "tools/table.h"
#include "tsdb/query.h"

namespace tsdb::tools {
namespace {

constexpr size_t kTextColumnMin = 8;

// One of the lists: what its columns are called, or empty if they are left out.
struct List {
  const char* key;
  const char* name;
  const char* value;
  const char* count;
  const std::vector<LabelCounts::Count>& counts;
};

std::vector<List> ListsOf(const LabelCounts& counts) {
  return {{"metrics_by_series", "", "metric", "series", counts.metrics_by_series},
          {"names_by_values", "label", "", "values", counts.names_by_values},
          {"pairs_by_series", "label", "value", "series", counts.pairs_by_series}};
}

void PrintJson(const LabelCounts& counts, Output& output) {
  output << "{\n  \"database\": {\"series\": " << std::to_string(counts.series)
         << ", \"names\": " << std::to_string(counts.names)
         << ", \"pairs\": " << std::to_string(counts.pairs) << "}";
  for (const List& list : ListsOf(counts)) {
    output << ",\n  \"" << list.key << "\": [";
    for (const LabelCounts::Count& each : list.counts) {
      output << (&each == &list.counts.front() ? "\n    {" : ",\n    {");
      for (const auto& [key, text] :
           {std::pair{list.name, &each.name}, {list.value, &each.value}}) {
        if (*key != '\0') output << JsonString(key) << ": " << JsonString(*text) << ", ";
      }
      output << JsonString(list.count) << ": " << std::to_string(each.count) << "}";
    }
    output << "]";
  }
  output << "\n}\n";
}

// Texts are cut as far as it takes to be as wide as the output, the last column first.
void FitWidth(Table& table, size_t text_columns, size_t width) {
  for (size_t i = text_columns; i-- > 0 && table.Width() > width;) {
    const size_t excess = table.Width() - width;
    const size_t now = table.ColumnWidth(i);
    table.CutColumn(i, std::max(kTextColumnMin, now - std::min(now, excess)));
  }
}

}  // namespace

void PrintTop(const LabelCounts& counts, const Style& style, size_t width, Output& output) {
  output << Counted(counts.series, "series") << ", " << Counted(counts.names, "label name") << ", "
         << Counted(counts.pairs, "pair") << " of name and value\n";
  for (const List& list : ListsOf(counts)) {
    if (list.counts.empty()) continue;
    std::vector<Table::Column> columns;
    for (const char* title : {list.name, list.value}) {
      if (*title != '\0') columns.push_back({title, Table::Align::kLeft, columns.empty()});
    }
    const size_t text_columns = columns.size();
    columns.push_back({list.count, Table::Align::kRight});
    Table table(std::move(columns));
    for (const LabelCounts::Count& each : list.counts) {
      std::vector<std::string> cells;
      if (*list.name != '\0') cells.push_back(Printable(each.name));
      if (*list.value != '\0') cells.push_back(Printable(each.value));
      cells.push_back(Grouped(each.count));
      table.AddRow(std::move(cells));
    }
    FitWidth(table, text_columns, width);
    table.Print(output, style);
  }
}

ExitCode RunTop(const TopOptions& options) {
  const Color color = options.source.color;
  Source source;
  if (const ExitCode code = OpenSource(options.source, source); code != kOk) return code;
  const size_t limit = options.limit == 0 ? std::numeric_limits<size_t>::max() : options.limit;
  const LabelCounts counts = Cardinality(*source.database, limit);
  Output output;
  if (options.json) {
    PrintJson(counts, output);
  } else {
    PrintTop(counts, Style(UseColor(color, StdoutIsTerminal())), OutputWidth(), output);
  }
  if (const absl::Status status = output.Flush(); !status.ok()) {
    PrintError(MessageOf(status), color);
    return kFailure;
  }
  return kOk;
}

}  // namespace tsdb::tools
