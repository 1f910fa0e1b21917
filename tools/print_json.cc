#include "tools/json_text.h"
#include "tools/number_text.h"
#include "tools/series_printer.h"

namespace tsdb::tools {

void PrintJson(const Selection& selection, Output& output) {
  output << R"({"status":"success","data":{"resultType":"matrix","result":[)";
  bool first_series = true;
  for (const SelectedSeries& series : selection.series) {
    output << (first_series ? "\n" : ",\n") << R"({"metric":)" << JsonLabels(series.labels)
           << R"(,"values":[)";
    first_series = false;
    bool first_sample = true;
    Cursor cursor = selection.snapshot.Scan(series.id, selection.range);
    for (ColumnBlock block; cursor.Next(block);) {
      for (size_t i = 0; i < block.size(); ++i) {
        output << (first_sample ? "[" : ",[") << ApiSeconds(block.timestamps[i]) << ",\""
               << ExactValue(block.values[i]) << "\"]";
        first_sample = false;
      }
    }
    output << "]}";
  }
  output << "]}}\n";
}

}  // namespace tsdb::tools
