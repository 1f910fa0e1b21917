// A PromQL expression asked and its answer printed: what `tsdb query` and `tsdb shell` share.
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "tools/output.h"
#include "tools/query_times.h"
#include "tools/results/result_printer.h"
#include "tools/terminal.h"
#include "tsdb/database.h"
#include "tsdb/promql.h"

namespace tsdb::tools {

struct AskOptions {
  std::string expression;
  WhenOptions when;
  ResultFormat format = ResultFormat::kAuto;
  std::optional<uint64_t> limit;  // of series shown to people; 0: none
  std::string lookback;           // a duration; empty: 5 minutes
  uint64_t steps_max = 11'000;
  uint64_t memory_max = 0;  // bytes; 0: a GiB
  bool closed_ranges = false;
  bool explain = false;
};

// Options that make sense, and an expression that parses.
struct CheckedQuestion {
  QueryTimes times;
  PromqlOptions promql;
  std::string tree;  // DescribePromql's
};
// Reads nothing, so that mistakes are told at once. kInvalidArgument says what is wrong.
absl::StatusOr<CheckedQuestion> CheckQuestion(const AskOptions& options);

struct Answer {
  ResultQuestion question;
  int64_t lookback_ms = 0;
  std::string tree;
  PromqlResult result;
};
// A stop ends it with kCancelled. REQUIRES: `checked` is of these options.
absl::StatusOr<Answer> Ask(Database& database, const AskOptions& options, CheckedQuestion checked,
                           std::stop_token stop);

// Where an answer goes, and how people there are told of the limit.
struct Destination {
  Output& output;
  bool is_stdout = true;
  std::string_view show_all = "--limit 0";
};
// The answer, or with options.explain how it came about.
void PrintAnswer(const Answer& answer, const AskOptions& options, Color color,
                 const Destination& destination);

// What is said beside the answer, on stderr: what the language warns of, always; the rest where a
// person looks.
void TellNotes(const Answer& answer, Color color, Database& database);

}  // namespace tsdb::tools
