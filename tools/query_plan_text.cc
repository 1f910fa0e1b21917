#include "tools/query_plan_text.h"

#include <cstdint>
#include <string_view>

#include "tools/number_text.h"

namespace tsdb::tools {
namespace {

void Line(Output& output, std::string_view name, const std::string& text) {
  output << name << std::string(12 - name.size(), ' ') << text << "\n";
}

std::string Milliseconds(uint64_t nanoseconds) {
  return ReadableValue(static_cast<double>(nanoseconds) / 1e6) + " ms";
}

}  // namespace

void PrintQueryPlan(const ResultQuestion& question, const std::string& tree,
                    const PromqlResult& result, Output& output) {
  output << tree << "\n";
  if (question.is_range()) {
    Line(output, "range",
         ReadableTime(question.start) + " to " + ReadableTime(question.end) + ", a step each " +
             ReadableDuration(question.step_ms));
  } else {
    Line(output, "time", ReadableTime(question.end));
  }
  const QueryCost& cost = result.cost;
  uint64_t samples = 0;
  for (const PromqlSeries& series : result.series) samples += series.samples.size();
  Line(output, "answer",
       Counted(result.series.size(), "series") + ", " + Counted(samples, "sample"));
  Line(output, "read",
       Counted(cost.series, "series") + ", " + Grouped(cost.leaves) + " leaves, " +
           Grouped(cost.statistics) + " of them by their statistics");
  Line(output, "decoded",
       Counted(cost.samples_decoded, "sample") + " of " + ReadableBytes(cost.bytes_decoded));
  Line(output, "time taken",
       Milliseconds(cost.wall_ns) + ", " + Milliseconds(cost.select_ns) +
           " of it to find the series");
  if (!result.completeness.Complete()) Line(output, "complete", "no: tsdb verify says more");
}

}  // namespace tsdb::tools
