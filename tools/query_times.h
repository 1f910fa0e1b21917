// When a PromQL expression is asked, as the command line has it: one time, or steps.
// Thread safety: one thread.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tools/results/result_printer.h"
#include "tsdb/database.h"

namespace tsdb::tools {

// When an expression is asked: at `time`; or at every step from start to end. All empty: at the
// newest sample.
struct WhenOptions {
  std::string time;
  std::string start, end;
  std::string last;  // a duration: the range that ends with the newest sample
  std::string step;  // a duration; empty: some 250 steps
};

// Times that were given, read before anything else. kInvalidArgument names the option.
struct QueryTimes {
  std::optional<Timestamp> time, start, end;
  std::optional<int64_t> last_ms, step_ms;

  bool is_range() const { return start.has_value() || end.has_value() || last_ms.has_value(); }
};
absl::StatusOr<QueryTimes> ParseQueryTimes(const WhenOptions& options);

// The question of an expression that parses, with its times. Those that were not given are made up
// for by the newest sample that it asks about or, if there is none, that is stored.
absl::StatusOr<ResultQuestion> CompleteTimes(const QueryTimes& times, const std::string& expression,
                                             Database& database);

}  // namespace tsdb::tools
