#include "tools/shell_completions.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tools/shell/completion_place.h"
#include "tools/terminal.h"
#include "tsdb/promql/functions.h"
#include "tsdb/promql/quoting.h"
#include "tsdb/query.h"

namespace tsdb::tools {
namespace {

constexpr size_t kCandidatesMax = 5000;
constexpr std::string_view kAggregations[] = {
    "avg", "bottomk", "count",    "count_values", "group",  "limit_ratio", "limitk",
    "max", "min",     "quantile", "stddev",       "stdvar", "sum",         "topk"};

tsdb::QueryOptions Bounds() {
  tsdb::QueryOptions options;
  options.limits.time_ms = 1000;
  return options;
}

class Collector {
 public:
  explicit Collector(const CompletionPlace& place) : place_(place) {}

  void Add(std::string text, std::string tail = "") {
    if (candidates_.size() >= kCandidatesMax || !text.starts_with(place_.prefix)) return;
    candidates_.push_back({std::move(text), std::move(tail)});
  }
  std::vector<Candidate> Take() {
    const auto before = [](const Candidate& a, const Candidate& b) { return a.text < b.text; };
    const auto same = [](const Candidate& a, const Candidate& b) { return a.text == b.text; };
    std::ranges::stable_sort(candidates_, before);
    // (Clang 14 has no std::ranges::unique of GCC 12's library.)
    candidates_.erase(std::unique(candidates_.begin(), candidates_.end(), same), candidates_.end());
    return std::move(candidates_);
  }

 private:
  const CompletionPlace& place_;
  std::vector<Candidate> candidates_;
};

// Letters, digits and _, for metrics also colons: names that need no quotes.
bool IsPlainName(std::string_view name, bool colons) {
  if (!colons) return promql::IsIdentifier(name);
  return !name.empty() && !promql::IsDigit(name[0]) &&
         std::ranges::all_of(name, [](char c) { return promql::IsAlphaNumeric(c) || c == ':'; });
}

void AddExpressions(Database& database, const CompletionPlace& place, Collector& collector) {
  for (const std::string& word : place.words) collector.Add(word, " ");
  if (place.functions) {
    for (const promql::Function& function : promql::AllFunctions()) {
      collector.Add(std::string(function.name), function.arguments.empty() ? "()" : "(");
    }
    // Without a bracket: by or without may follow.
    for (const std::string_view name : kAggregations) collector.Add(std::string(name));
  }
  const auto metrics = LabelValues(database, kMetricNameLabel, {}, TimeRange::All(), Bounds());
  if (!metrics.ok()) return;
  for (const std::string& metric : *metrics) {
    if (IsPlainName(metric, true)) collector.Add(metric);
  }
}

void AddLabelNames(Database& database, const CompletionPlace& place, Collector& collector) {
  const auto names = LabelNames(database, place.matchers, TimeRange::All(), Bounds());
  if (!names.ok()) return;
  const std::string tail = place.in_matcher ? "=" : "";
  for (const std::string& name : *names) {
    const bool said = std::ranges::any_of(
        place.matchers, [&name](const Matcher& matcher) { return matcher.name == name; });
    if (!(place.in_matcher && said) && IsPlainName(name, false)) collector.Add(name, tail);
  }
}

// A value as PromQL writes it between quotes of this kind; empty if they cannot have it.
std::string Quoted(std::string_view value, char quote, bool regex) {
  std::string text;
  for (const char c : value) {
    // A dot matches itself, and reads better bare.
    if (regex && std::string_view("\\+*?()[]{}|^$").find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
  if (quote == '`') return text.find('`') == std::string::npos ? text : "";
  std::string escaped = promql::Quote(text);
  escaped = escaped.substr(1, escaped.size() - 2);
  if (quote == '"') return escaped;
  std::string single;  // what needs an escape in the other quotes
  for (size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] == '\'') single += '\\';
    if (escaped[i] == '\\' && escaped[i + 1] == '"') ++i;
    single += escaped[i];
    if (escaped[i] == '\\') single += escaped[++i];
  }
  return single;
}

void AddLabelValues(Database& database, const CompletionPlace& place, Collector& collector) {
  auto values = LabelValues(database, place.label, place.matchers, TimeRange::All(), Bounds());
  if (!values.ok()) values = LabelValues(database, place.label, {}, TimeRange::All(), Bounds());
  if (!values.ok()) return;
  const bool open = place.quote != 0;
  const char quote = open ? place.quote : '"';
  for (const std::string& value : *values) {
    const std::string text = Quoted(value, quote, place.regex);
    if (text.empty()) continue;
    const std::string end = place.regex && open ? "" : std::string(1, quote);
    collector.Add(open ? text : quote + text, end);
  }
}

}  // namespace

Completions CompletionsFor(Database& database, std::string_view before_cursor) {
  const CompletionPlace place = FindCompletionPlace(before_cursor);
  Collector collector(place);
  switch (place.kind) {
    case PlaceKind::kNothing:
      break;
    case PlaceKind::kWords:
      for (const std::string& word : place.words) collector.Add(word, " ");
      break;
    case PlaceKind::kExpression:
      AddExpressions(database, place, collector);
      break;
    case PlaceKind::kLabelName:
      AddLabelNames(database, place, collector);
      break;
    case PlaceKind::kLabelValue:
      AddLabelValues(database, place, collector);
      break;
  }
  return {collector.Take(), place.prefix.size()};
}

}  // namespace tsdb::tools
