// PromQL's vector selector, the language in which series are picked:
//
//   name{label="value", label!="value", label=~"regex", label!~"regex"}
//
// also {"any name", "any label"="value"} with quoted names. A label a series does not have counts
// as empty. Regular expressions are RE2's, match the whole value, and have bounded memory. `{}`
// picks every series: unlike a server's, a query of files has nothing to protect.
//
// A selector only says what is asked for; tsdb/query.h finds the series.
//
// Thread safety: const methods from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "index/label/matcher.h"

namespace tsdb::tools {

struct SelectorError {
  size_t position = 0;  // of the offending byte in the selector
  std::string message;
};

class Selector {
 public:
  // True and sets `selector`, to matchers that every question takes; or false and sets `error`.
  static bool Parse(std::string_view text, Selector& selector, SelectorError& error);

  const std::vector<Matcher>& matchers() const { return matchers_; }

 private:
  std::vector<Matcher> matchers_;
};

}  // namespace tsdb::tools
