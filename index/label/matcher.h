// What a query asks of one label of a series.
//
// Thread safety: a plain value.
#pragma once

#include <cstdint>
#include <string>

namespace tsdb {

enum class MatchOp : uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };

// A label that a series does not have counts as empty. Regular expressions are RE2's and match the
// whole value.
struct Matcher {
  std::string name;
  MatchOp op = MatchOp::kEqual;
  std::string value;
};

}  // namespace tsdb
