// Series selectors as typed at the command line, regular expressions included.
#include "storage/base/labels.h"
#include "test/fuzz/fuzz_target.h"
#include "tools/selector.h"

namespace tsdb::fuzz {
namespace {

using tools::Matcher;
using tools::MatchKind;
using tools::Selector;
using tools::SelectorError;

constexpr size_t kSelectorBytesMax = 4096;

void AppendQuoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

const char* Operator(MatchKind kind) {
  switch (kind) {
    case MatchKind::kEqual:
      return "=";
    case MatchKind::kNotEqual:
      return "!=";
    case MatchKind::kRegex:
      return "=~";
    case MatchKind::kNotRegex:
      break;
  }
  return "!~";
}

MatchKind Opposite(MatchKind kind) {
  switch (kind) {
    case MatchKind::kEqual:
      return MatchKind::kNotEqual;
    case MatchKind::kNotEqual:
      return MatchKind::kEqual;
    case MatchKind::kRegex:
      return MatchKind::kNotRegex;
    case MatchKind::kNotRegex:
      break;
  }
  return MatchKind::kRegex;
}

void CheckMatcher(const Matcher& matcher, std::string_view text) {
  TSDB_CHECK(!matcher.name.empty() && IsValidUtf8(matcher.name) && IsValidUtf8(matcher.value));
  Matcher opposite = matcher;
  opposite.kind = Opposite(matcher.kind);
  for (const std::string_view value : {std::string_view(), std::string_view(matcher.value), text}) {
    TSDB_CHECK(matcher.Matches(value) != opposite.Matches(value));
  }
}

// Written out with every name and value in quotes it must say the same.
void RoundTrip(const Selector& selector) {
  size_t metric_names = 0;
  std::string text = "{";
  for (const Matcher& matcher : selector.matchers()) {
    metric_names += matcher.name == kMetricNameLabel;
    if (text.size() > 1) text += ',';
    AppendQuoted(matcher.name, text);
    text += Operator(matcher.kind);
    AppendQuoted(matcher.value, text);
  }
  text += '}';
  // Whether the metric name may be matched twice depends on the order; no order is kept here.
  if (metric_names > 1) return;
  Selector again;
  SelectorError error;
  TSDB_CHECK(Selector::Parse(text, again, error));
  TSDB_CHECK(again.matchers().size() == selector.matchers().size());
  for (size_t i = 0; i < again.matchers().size(); ++i) {
    const Matcher &a = again.matchers()[i], &b = selector.matchers()[i];
    TSDB_CHECK(a.name == b.name && a.kind == b.kind && a.value == b.value);
  }
}

void Fuzz(std::string_view text) {
  Selector selector;
  SelectorError error;
  if (!Selector::Parse(text, selector, error)) {
    TSDB_CHECK(error.position <= text.size() && !error.message.empty());
    return;
  }
  TSDB_CHECK(selector.matchers().size() <= text.size());
  for (const Matcher& matcher : selector.matchers()) CheckMatcher(matcher, text);
  const auto labels =
      Labels::Create({{kMetricNameLabel, "up"}, {"a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}});
  bool all = true;
  for (const Matcher& matcher : selector.matchers()) {
    all = all && matcher.Matches(labels->Get(matcher.name));
  }
  TSDB_CHECK(selector.Matches(*labels) == all);
  RoundTrip(selector);
}

}  // namespace
}  // namespace tsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const tsdb::fuzz::ExactBytes exact({data, std::min(size, tsdb::fuzz::kSelectorBytesMax)});
  tsdb::fuzz::Fuzz(tsdb::fuzz::AsText(exact.bytes()));
  return 0;
}
