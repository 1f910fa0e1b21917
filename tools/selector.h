// PromQL's vector selector, the language in which series are picked:
//
//   name{label="value", label!="value", label=~"regex", label!~"regex"}
//
// also {"any name", "any label"="value"} with quoted names. A label a series does not have counts
// as empty. Regular expressions are RE2's, match the whole value, and have bounded memory. `{}`
// picks every series: unlike a server's, a query of files has nothing to protect.
//
// Thread safety: const methods from any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/labels.h"

namespace re2 {
class RE2;
}

namespace tsdb::tools {

enum class MatchKind { kEqual, kNotEqual, kRegex, kNotRegex };

struct Matcher {
  std::string name;
  MatchKind kind = MatchKind::kEqual;
  std::string value;
  std::shared_ptr<const re2::RE2> regex;  // of the two regex kinds

  bool Matches(std::string_view text) const;
};

struct SelectorError {
  size_t position = 0;  // of the offending byte in the selector
  std::string message;
};

class Selector {
 public:
  // True and sets `selector`, or false and sets `error`.
  static bool Parse(std::string_view text, Selector& selector, SelectorError& error);

  bool Matches(const Labels& labels) const;
  const std::vector<Matcher>& matchers() const { return matchers_; }

 private:
  std::vector<Matcher> matchers_;
};

}  // namespace tsdb::tools
