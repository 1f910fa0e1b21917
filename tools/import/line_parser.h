// What every line-based input format has in common: lines go in, samples go to a Sink, and a line
// that cannot be taken is refused whole, with a reason, a column and a sentence.
//
// Thread safety: none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace tsdb::importer {

enum class Reason : uint8_t {
  kMalformed,       // the line breaks the format's syntax
  kLabels,          // labels the database does not take: repeated, not UTF-8, too long
  kTimestampRange,  // a timestamp beyond 64 bits of milliseconds
  kRule,            // syntactically fine, but against a rule of OpenMetrics (strict reading only)
  kTooLong,         // the line is longer than the limit
};
inline constexpr size_t kReasons = 5;

// As counted in reports: "malformed", "invalid_labels", ...
std::string_view ReasonName(Reason reason);

// For messages: the text in single quotes, cut when it is long, with nothing in it that could steer
// a terminal.
std::string InQuotes(std::string_view text);

struct LineError {
  Reason reason = Reason::kMalformed;
  size_t column = 0;  // of the offending byte, the first is 1; 0: the line as a whole
  std::string message;
  // Set when it is not the line that is at fault: the sink can take no more, the import ends.
  absl::Status sink_status;
  // Nothing after the line can be read either (a table's header, say): not to be skipped.
  bool ends_input = false;

  // For `return error.Set(...)`: always false.
  bool Set(Reason new_reason, size_t new_column, std::string new_message) {
    reason = new_reason;
    column = new_column;
    message = std::move(new_message);
    return false;
  }
  bool SetSink(absl::Status status) {
    sink_status = std::move(status);
    return false;
  }
};

// For `return Fail(...)` where the line is malformed: always false. The position counts from 0.
inline bool Fail(LineError& error, size_t position, std::string message) {
  return error.Set(Reason::kMalformed, position + 1, std::move(message));
}

struct LineParserCounts {
  uint64_t samples = 0;  // handed to the sink and taken
  uint64_t untimed = 0;  // of which had no timestamp of their own
};

class LineParser {
 public:
  virtual ~LineParser() = default;
  // True when the line was taken (comments and empty lines are). False, with `error` set and
  // nothing of the line handed to the sink, when it was refused; the next line can be given all the
  // same.
  virtual bool Parse(std::string_view line, LineError& error) = 0;
  // After the last line: false when something is missing or wrong about the input as a whole.
  virtual bool Finish(LineError& error) = 0;
  // What people should know of an input that was taken, a sentence each: what was left out of it.
  virtual std::vector<std::string> Notes() const { return {}; }

  const LineParserCounts& counts() const { return counts_; }

 protected:
  LineParserCounts counts_;
};

}  // namespace tsdb::importer
