// `tsdb query --db DIR|--from FILE... EXPR`: what a PromQL expression comes to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/exit_code.h"
#include "tools/results/result_printer.h"
#include "tools/source.h"

namespace tsdb::tools {

// When an expression is asked: at `time`; or at every step from start to end. All empty: at the
// newest sample.
struct WhenOptions {
  std::string time;
  std::string start, end;
  std::string last;  // a duration: the range that ends with the newest sample
  std::string step;  // a duration; empty: some 250 steps
};

struct QueryOptions {
  SourceOptions source;
  std::string expression;
  WhenOptions when;
  ResultFormat format = ResultFormat::kAuto;
  std::optional<uint64_t> limit;  // of series shown to people; 0: none
  std::string output;             // a file; empty: stdout
  std::string lookback;           // a duration; empty: 5 minutes
  uint64_t steps_max = 11'000;
  uint64_t memory_max = 0;  // bytes; 0: a GiB
  bool closed_ranges = false;
  bool explain = false;
};

ExitCode RunQuery(const QueryOptions& options);

}  // namespace tsdb::tools
