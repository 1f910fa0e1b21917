// What can stand at the cursor, told from the text before it: the first half of completion, which
// knows no database. It reads as tools/shell/scan.h does, so that expressions that are half typed,
// or wrong elsewhere, are completed, too.
//
// Thread safety: a pure function.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "index/label/matcher.h"

namespace tsdb::tools {

enum class PlaceKind : uint8_t {
  kNothing,     // nothing that could be known: a number, a text, a comment
  kWords,       // one of `words`
  kExpression,  // a metric; if `functions`, also a function or an aggregation; or one of `words`
  kLabelName,
  kLabelValue
};

struct CompletionPlace {
  PlaceKind kind = PlaceKind::kNothing;
  // What of it is typed. For a value without its opening quote, as PromQL writes it.
  std::string prefix;
  std::vector<std::string> words;
  bool functions = true;
  // The series that it is about, as far as they are known: those of the metric in front, with the
  // other labels of its braces.
  std::vector<Matcher> matchers;
  bool in_matcher = false;  // of a label's name: = follows
  std::string label;        // whose value it is
  char quote = 0;           // that is open before the value; 0: none yet
  bool regex = false;       // the value is part of a regular expression
};

// `text`: what was typed of the statement up to the cursor.
CompletionPlace FindCompletionPlace(std::string_view text);

}  // namespace tsdb::tools
