// Prometheus's language of PromQL tests (promql/promqltest): a file is a list of commands that load
// samples, clear them, or evaluate an expression and say what must come out.
//
// Thread safety: plain values; parsing from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/base/types.h"
#include "test/tsdb/promql/series_notation.h"

namespace re2 {
class RE2;
}

namespace tsdb::conformance {

struct ClearCommand {};

struct LoadCommand {
  int64_t step_ms = 0;
  // Classic histograms also become native ones with custom buckets.
  bool with_nhcb = false;
  std::vector<SeriesDescription> series;
};

enum class Outcome : uint8_t { kOrdered, kFail, kWarn, kNoWarn, kInfo, kNoInfo };

// What a message must be; without text and pattern: any.
struct ExpectedMessage {
  std::string text;
  std::shared_ptr<const re2::RE2> pattern;

  bool Any() const { return text.empty() && pattern == nullptr; }
  std::string ToString() const;
};
// `exactly`: else the text may be a part of the message.
bool Matches(const ExpectedMessage& expected, std::string_view message, bool exactly);

struct Steps {
  Timestamp start = 0;
  Timestamp end = 0;
  int64_t step_ms = 0;
};

struct EvalCommand {
  std::string expression;
  Timestamp time = 0;          // of an instant
  std::optional<Steps> range;  // evaluated over it
  std::map<Outcome, std::vector<ExpectedMessage>> outcomes;

  // What is expected. `scalar` and `text` exclude each other and series.
  std::vector<SeriesDescription> series;
  std::optional<double> scalar;
  std::optional<std::string> text;
  std::optional<Steps> range_vector;  // the times of an instant's range vector

  bool Expects(Outcome outcome) const { return outcomes.contains(outcome); }
  bool ExpectsHistograms() const;
};

// Lines that are none of the above, from the first one at fault to the end of its block.
struct BadCommand {
  std::string message;
};

struct Command {
  size_t line = 0;   // from 1
  std::string text;  // of that line
  std::variant<ClearCommand, LoadCommand, EvalCommand, BadCommand> what;
};

std::vector<Command> ParseTestFile(std::string_view content);

}  // namespace tsdb::conformance
