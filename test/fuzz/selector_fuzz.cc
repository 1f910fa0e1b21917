// Series selectors as typed at the command line, regular expressions included.
#include <algorithm>
#include <iterator>
#include <numeric>

#include "storage/base/labels.h"
#include "test/fuzz/fuzz_target.h"
#include "test/tools/few_series.h"
#include "tools/selector.h"

namespace tsdb::fuzz {
namespace {

using tools::FewSeries;
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

const char* Operator(MatchOp op) {
  switch (op) {
    case MatchOp::kEqual:
      return "=";
    case MatchOp::kNotEqual:
      return "!=";
    case MatchOp::kRegex:
      return "=~";
    case MatchOp::kNotRegex:
      break;
  }
  return "!~";
}

MatchOp Opposite(MatchOp op) {
  switch (op) {
    case MatchOp::kEqual:
      return MatchOp::kNotEqual;
    case MatchOp::kNotEqual:
      return MatchOp::kEqual;
    case MatchOp::kRegex:
      return MatchOp::kNotRegex;
    case MatchOp::kNotRegex:
      break;
  }
  return MatchOp::kRegex;
}

using Ids = std::vector<SeriesId>;

Ids Pick(const FewSeries& series, std::span<const Matcher> matchers) {
  const auto picked = series.Pick(matchers);
  TSDB_CHECK(picked.ok());
  return *picked;
}

void AddIfValid(std::string_view name, std::string_view value, FewSeries& series) {
  const auto labels = Labels::Create({{name, value}});
  if (labels.ok()) (void)series.Add(*labels);
}

// The selector picks what each of its matchers does, and of these each series or its opposite.
void CheckPicked(const Selector& selector, std::string_view text) {
  FewSeries series(static_cast<uint32_t>(2 * selector.matchers().size() + 1));
  const auto other =
      Labels::Create({{kMetricNameLabel, "up"}, {"a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}});
  TSDB_CHECK(series.Add(*other));
  for (const Matcher& matcher : selector.matchers()) {
    TSDB_CHECK(!matcher.name.empty() && IsValidUtf8(matcher.name) && IsValidUtf8(matcher.value));
    AddIfValid(matcher.name, matcher.value, series);
    AddIfValid(matcher.name, text, series);
  }
  Ids every(series.Count());
  std::iota(every.begin(), every.end(), SeriesId{0});
  Ids expected = every;
  for (const Matcher& matcher : selector.matchers()) {
    Matcher opposite = matcher;
    opposite.op = Opposite(matcher.op);
    const Ids taken = Pick(series, {&matcher, 1}), left = Pick(series, {&opposite, 1});
    Ids both, kept;
    std::merge(taken.begin(), taken.end(), left.begin(), left.end(), std::back_inserter(both));
    TSDB_CHECK(both == every);
    std::set_intersection(expected.begin(), expected.end(), taken.begin(), taken.end(),
                          std::back_inserter(kept));
    expected = std::move(kept);
  }
  TSDB_CHECK(Pick(series, selector.matchers()) == expected);
}

// Written out with every name and value in quotes it must say the same.
void RoundTrip(const Selector& selector) {
  size_t metric_names = 0;
  std::string text = "{";
  for (const Matcher& matcher : selector.matchers()) {
    metric_names += matcher.name == kMetricNameLabel;
    if (text.size() > 1) text += ',';
    AppendQuoted(matcher.name, text);
    text += Operator(matcher.op);
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
    TSDB_CHECK(a.name == b.name && a.op == b.op && a.value == b.value);
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
  CheckPicked(selector, text);
  RoundTrip(selector);
}

}  // namespace
}  // namespace tsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const tsdb::fuzz::ExactBytes exact({data, std::min(size, tsdb::fuzz::kSelectorBytesMax)});
  tsdb::fuzz::Fuzz(tsdb::fuzz::AsText(exact.bytes()));
  return 0;
}
