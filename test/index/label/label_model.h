// Labels and matchers evaluated the plain way, to compare the index with.
#pragma once

#include <re2/re2.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "index/label/matcher.h"
#include "index/label/series_table.h"
#include "storage/base/labels.h"

namespace tsdb::label {

// A matcher with its regular expression, if it has one.
class PlainMatcher {
 public:
  explicit PlainMatcher(const Matcher& matcher) : matcher_(matcher) {
    if (matcher.op == MatchOp::kEqual || matcher.op == MatchOp::kNotEqual) return;
    RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    regex_ = std::make_unique<RE2>(matcher.value, options);
    REQUIRE(regex_->ok());
  }

  bool Matches(const Labels& labels) const {
    const std::string_view value = labels.Get(matcher_.name);
    const bool taken = regex_ == nullptr
                           ? value == matcher_.value
                           : RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *regex_);
    return taken == (matcher_.op == MatchOp::kEqual || matcher_.op == MatchOp::kRegex);
  }

 private:
  const Matcher matcher_;
  std::unique_ptr<RE2> regex_;
};

inline std::vector<SeriesId> SelectPlainly(std::span<const Matcher> matchers,
                                           const std::vector<Labels>& all) {
  std::vector<PlainMatcher> plain;
  for (const Matcher& matcher : matchers) plain.emplace_back(matcher);
  std::vector<SeriesId> ids;
  for (SeriesId id = 0; id < all.size(); ++id) {
    const auto matches = [&](const PlainMatcher& matcher) { return matcher.Matches(all[id]); };
    if (std::all_of(plain.begin(), plain.end(), matches)) ids.push_back(id);
  }
  return ids;
}

inline std::string Describe(std::span<const Matcher> matchers) {
  constexpr const char* kOps[] = {"=", "!=", "=~", "!~"};
  std::string text;
  for (const Matcher& matcher : matchers) {
    text += matcher.name + kOps[static_cast<size_t>(matcher.op)] + "'" + matcher.value + "' ";
  }
  return text;
}

// "host-", 7, ":9100" -> "host-7:9100"
inline std::string Numbered(const char* before, uint64_t number, const char* after = "") {
  std::string text = before;
  return text.append(std::to_string(number)).append(after);
}

inline Labels MakeLabels(const std::vector<std::pair<std::string, std::string>>& labels) {
  std::vector<Label> views;
  for (const auto& [name, value] : labels) views.push_back({name, value});
  const auto made = Labels::Create(views);
  REQUIRE(made.ok());
  return *made;
}

}  // namespace tsdb::label
