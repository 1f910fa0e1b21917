#include "test/tsdb/promql/comparison.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/string_view_bridge.h"

namespace tsdb::conformance {
namespace {

constexpr double kTolerance = 1e-6;

std::string TextOf(double value) {
  if (IsStaleNan(value)) return "stale";
  if (std::isnan(value)) return "NaN";
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

std::string NameOf(const Labels& labels) { return labels.empty() ? "{}" : labels.ToString(); }

std::string TextOf(const std::vector<Sample>& samples, bool with_times) {
  std::string text;
  for (const Sample& sample : samples) {
    absl::StrAppend(&text, " ", TextOf(sample.value));
    if (with_times) absl::StrAppend(&text, "@", sample.timestamp, "ms");
  }
  return text.empty() ? " no samples" : text;
}

std::string_view NameOf(PromqlType type) {
  switch (type) {
    case PromqlType::kScalar:
      return "a scalar";
    case PromqlType::kString:
      return "a string";
    case PromqlType::kVector:
      return "an instant vector";
    case PromqlType::kMatrix:
      return "a range vector";
  }
  return "an unknown type";
}

std::string Unexpected(std::string_view expected, const PromqlResult& got) {
  return absl::StrCat("expected ", ToAbsl(expected), ", got ", ToAbsl(NameOf(got.type)), "\n");
}

bool Less(const Labels& a, const Labels& b) {
  auto x = a.begin();
  auto y = b.begin();
  for (; x != a.end() && y != b.end(); ++x, ++y) {
    if (x->name != y->name) return x->name < y->name;
    if (x->value != y->value) return x->value < y->value;
  }
  return x == a.end() && y != b.end();
}

struct ExpectedSeries {
  std::vector<Sample> samples;
  size_t position = 0;
};

class Comparison {
 public:
  Comparison(const EvalCommand& expected, const PromqlResult& got)
      : got_(got), timed_(got.type == PromqlType::kMatrix) {
    if (expected.range) steps_ = *expected.range;
    if (expected.range_vector) steps_ = *expected.range_vector;
    for (size_t i = 0; i < expected.series.size(); ++i) {
      const SeriesDescription& series = expected.series[i];
      expected_[std::string(series.labels.bytes())] = {SamplesOf(series), i};
    }
  }

  std::string Run(bool ordered) {
    for (size_t i = 0; i < got_.series.size(); ++i) CompareSeries(i, ordered);
    for (const auto& [bytes, series] : expected_) {
      if (seen_.contains(bytes)) continue;
      absl::StrAppend(&text_, "missing: ", NameOf(Labels::FromCanonicalBytes(bytes)),
                      TextOf(series.samples, timed_), "\n");
    }
    if (timed_) CheckSorted();
    return std::move(text_);
  }

 private:
  std::vector<Sample> SamplesOf(const SeriesDescription& series) const {
    std::vector<Sample> samples;
    Timestamp time = steps_.start;
    for (const SequenceValue& value : series.values) {
      if (value.kind == SequenceValue::Kind::kFloat) samples.push_back({time, value.value});
      time += steps_.step_ms;
    }
    return samples;
  }

  void CompareSeries(size_t position, bool ordered) {
    const PromqlSeries& series = got_.series[position];
    const std::string name = NameOf(series.labels);
    const std::string values = TextOf(series.samples, timed_);
    const auto found = expected_.find(std::string(series.labels.bytes()));
    if (found == expected_.end()) {
      absl::StrAppend(&text_, "extra:   ", name, values, "\n");
      return;
    }
    if (!seen_.insert(found->first).second) {
      absl::StrAppend(&text_, "twice:   ", name, values, "\n");
      return;
    }
    if (!Equal(found->second.samples, series.samples)) {
      absl::StrAppend(&text_, "expected: ", name, TextOf(found->second.samples, timed_),
                      "\n     got: ", name, values, "\n");
    }
    if (ordered && found->second.position != position) {
      absl::StrAppend(&text_, "order:   ", name, " expected at place ", found->second.position + 1,
                      ", got at ", position + 1, "\n");
    }
  }

  bool Equal(const std::vector<Sample>& expected, const std::vector<Sample>& got) const {
    const auto equal = [this](const Sample& a, const Sample& b) {
      return (!timed_ || a.timestamp == b.timestamp) && AlmostEqual(a.value, b.value);
    };
    return std::equal(expected.begin(), expected.end(), got.begin(), got.end(), equal);
  }

  void CheckSorted() {
    for (size_t i = 1; i < got_.series.size(); ++i) {
      if (!Less(got_.series[i - 1].labels, got_.series[i].labels)) {
        absl::StrAppend(&text_, "order:   ", NameOf(got_.series[i].labels), " behind ",
                        NameOf(got_.series[i - 1].labels), "\n");
      }
    }
  }

  const PromqlResult& got_;
  const bool timed_;
  Steps steps_;
  std::map<std::string, ExpectedSeries> expected_;  // by canonical bytes
  std::set<std::string> seen_;
  std::string text_;
};

std::string ScalarDifference(double expected, const PromqlResult& got) {
  if (got.type != PromqlType::kScalar) return Unexpected("a scalar", got);
  if (got.series.size() != 1 || got.series[0].samples.size() != 1) {
    return "expected a scalar of one value, got none or more\n";
  }
  const double value = got.series[0].samples[0].value;
  if (AlmostEqual(expected, value)) return "";
  return absl::StrCat("expected: ", TextOf(expected), "\n     got: ", TextOf(value), "\n");
}

// `messages` against those expected of one kind.
std::string MessageDifference(const EvalCommand& eval, Outcome expected, Outcome unwanted,
                              std::string_view kind, const std::vector<std::string>& messages) {
  std::string text;
  if (eval.Expects(unwanted)) {
    for (const std::string& message : messages) {
      absl::StrAppend(&text, "unwanted ", ToAbsl(kind), ": ", message, "\n");
    }
  }
  if (!eval.Expects(expected)) return text;
  const std::vector<ExpectedMessage>& wanted = eval.outcomes.at(expected);
  for (const ExpectedMessage& each : wanted) {
    const auto matches = [&each](const std::string& message) {
      return Matches(each, message, true);
    };
    if (std::none_of(messages.begin(), messages.end(), matches)) {
      absl::StrAppend(&text, "missing ", ToAbsl(kind), ": ", each.ToString(), "\n");
    }
  }
  for (const std::string& message : messages) {
    const auto matches = [&message](const ExpectedMessage& each) {
      return Matches(each, message, true);
    };
    if (std::none_of(wanted.begin(), wanted.end(), matches)) {
      absl::StrAppend(&text, "extra ", ToAbsl(kind), ": ", message, "\n");
    }
  }
  return text;
}

}  // namespace

bool AlmostEqual(double a, double b) {
  if (IsStaleNan(a) || IsStaleNan(b)) return IsStaleNan(a) && IsStaleNan(b);
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  const double sum = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  constexpr double kNormalMin = std::numeric_limits<double>::min();
  if (a == 0 || b == 0 || sum < kNormalMin) return difference < kTolerance * kNormalMin;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kTolerance;
}

std::string DifferenceOf(const EvalCommand& expected, const PromqlResult& got) {
  if (expected.text) {
    if (got.type != PromqlType::kString) return Unexpected("a string", got);
    if (got.text == *expected.text) return "";
    return absl::StrCat("expected: '", *expected.text, "'\n     got: '", got.text, "'\n");
  }
  if (expected.scalar) return ScalarDifference(*expected.scalar, got);
  const PromqlType type =
      expected.range || expected.range_vector ? PromqlType::kMatrix : PromqlType::kVector;
  if (got.type != type) return Unexpected(NameOf(type), got);
  return Comparison(expected, got).Run(expected.Expects(Outcome::kOrdered));
}

std::string AnnotationDifference(const EvalCommand& expected, const PromqlResult& got) {
  return MessageDifference(expected, Outcome::kWarn, Outcome::kNoWarn, "warning", got.warnings) +
         MessageDifference(expected, Outcome::kInfo, Outcome::kNoInfo, "info", got.infos);
}

}  // namespace tsdb::conformance
