#include "index/label/value_test.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "storage/base/labels.h"
#include "storage/base/string_view_bridge.h"

namespace tsdb::label {
namespace {

constexpr int64_t kRegexBytesMax = int64_t{8} << 20;
constexpr size_t kShownBytesMax = 128;

// As it may appear in a message: short, printable.
std::string Shown(std::string_view text) {
  const bool cut = text.size() > kShownBytesMax;
  const std::string_view shown = text.substr(0, kShownBytesMax);
  const std::string escaped =
      IsValidUtf8(shown) ? absl::Utf8SafeCEscape(ToAbsl(shown)) : absl::CEscape(ToAbsl(shown));
  return "\"" + escaped + (cut ? "\"..." : "\"");
}

absl::Status CheckText(const Matcher& matcher, size_t number) {
  const std::string which = "matcher " + std::to_string(number + 1);
  if (matcher.name.empty()) {
    return absl::InvalidArgumentError(which + " has an empty label name (its value is " +
                                      Shown(matcher.value) + ")");
  }
  if (!IsValidUtf8(matcher.name)) {
    return absl::InvalidArgumentError(which + ": the label name " + Shown(matcher.name) +
                                      " is not valid UTF-8");
  }
  if (!IsValidUtf8(matcher.value)) {
    return absl::InvalidArgumentError(which + ": the value for label " + Shown(matcher.name) +
                                      " is not valid UTF-8: " + Shown(matcher.value));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const RE2>> Compile(const Matcher& matcher) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);  // a label value may span lines
  options.set_max_mem(kRegexBytesMax);
  options.set_never_capture(true);
  auto regex =
      std::make_shared<RE2>(re2::StringPiece(matcher.value.data(), matcher.value.size()), options);
  if (regex->ok()) return regex;
  std::string message = "the regular expression " + Shown(matcher.value) + " for label " +
                        Shown(matcher.name) + " is wrong: " + regex->error();
  const size_t position = matcher.value.find(regex->error_arg());
  if (!regex->error_arg().empty() && position != std::string::npos) {
    message += " (at byte " + std::to_string(position) + ")";
  }
  return absl::InvalidArgumentError(message);
}

}  // namespace

absl::StatusOr<ValueTest> ValueTest::Create(const Matcher& matcher, size_t number) {
  if (absl::Status status = CheckText(matcher, number); !status.ok()) return status;
  ValueTest test;
  test.name_ = matcher.name;
  test.negated_ = matcher.op == MatchOp::kNotEqual || matcher.op == MatchOp::kNotRegex;
  if (matcher.op == MatchOp::kEqual || matcher.op == MatchOp::kNotEqual) {
    test.pattern_.kind = Pattern::Kind::kOneOf;
    test.pattern_.literals = {matcher.value};
  } else {
    test.pattern_ = TakeApart(matcher.value);
    if (test.pattern_.kind == Pattern::Kind::kRegex) {
      auto regex = Compile(matcher);
      if (!regex.ok()) return std::move(regex).status();
      test.regex_ = *std::move(regex);
    }
  }
  test.takes_empty_ = test.PatternTakes("");
  return test;
}

bool ValueTest::PatternTakes(std::string_view value) const {
  switch (pattern_.kind) {
    case Pattern::Kind::kOneOf:
      return std::binary_search(pattern_.literals.begin(), pattern_.literals.end(), value);
    case Pattern::Kind::kAny:
      return true;
    case Pattern::Kind::kNonEmpty:
      return !value.empty();
    case Pattern::Kind::kPrefix:
      return value.starts_with(pattern_.text);
    case Pattern::Kind::kSuffix:
      return value.ends_with(pattern_.text);
    case Pattern::Kind::kContains:
      return value.find(pattern_.text) != std::string_view::npos;
    case Pattern::Kind::kRegex:
      break;
  }
  return RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *regex_);
}

}  // namespace tsdb::label
