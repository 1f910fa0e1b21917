// A regular expression over whole label values, taken apart as far as it goes without a regex
// engine: most of those that people write are a literal, some literals, a prefix, or a literal
// somewhere in the value.
//
//   "a|b|c", "api-(a|b)", "x\\.y"   kOneOf       ".*"  kAny      ".+"   kNonEmpty
//   "lit.*"                         kPrefix      ".*lit" kSuffix  ".*lit.*" kContains
//   all else                        kRegex, with the literal that every match begins with
//
// Thread safety: a plain value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tsdb::label {

struct Pattern {
  enum class Kind : uint8_t { kOneOf, kAny, kNonEmpty, kPrefix, kSuffix, kContains, kRegex };

  Kind kind = Kind::kRegex;
  std::vector<std::string> literals;  // of kOneOf: sorted, unique, perhaps with an empty one
  std::string text;                   // what kPrefix, kSuffix and kContains look for
  std::string prefix;                 // of kPrefix and kRegex: every match begins with it
};

// Only kRegex may be the outcome of an expression that is wrong.
Pattern TakeApart(std::string_view expression);

}  // namespace tsdb::label
