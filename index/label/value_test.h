// One matcher, checked and made ready: what it says of a label value.
//
// Every operator comes down to a pattern and, for != and !~, its negation. Values that the pattern
// takes are found by a look-up (kOneOf), in a range of the sorted values (kPrefix, kRegex with a
// prefix), or by a look at each of them.
//
// Thread safety: const methods from any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "index/label/matcher.h"
#include "index/label/pattern.h"

namespace re2 {
class RE2;
}

namespace tsdb::label {

class ValueTest {
 public:
  // `number`: of the matcher in its list, from 0, for messages. kInvalidArgument when the label
  // name is empty, name or value are not UTF-8, or the regular expression is wrong or would need
  // more than 8 MiB.
  static absl::StatusOr<ValueTest> Create(const Matcher& matcher, size_t number);

  const std::string& name() const { return name_; }
  const Pattern& pattern() const { return pattern_; }
  // Whether the matcher takes what the pattern does not.
  bool negated() const { return negated_; }
  bool PatternTakes(std::string_view value) const;
  bool PatternTakesEmpty() const { return takes_empty_; }

 private:
  std::string name_;
  Pattern pattern_;
  std::shared_ptr<const re2::RE2> regex_;  // of kRegex
  bool negated_ = false;
  bool takes_empty_ = false;
};

}  // namespace tsdb::label
