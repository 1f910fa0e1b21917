#include "test/tsdb/promql/series_notation.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"

namespace tsdb::conformance {
namespace {

constexpr uint64_t kStaleNanBits = 0x7ff0000000000002;
// Past this a repetition is a slip of the pen, not a test.
constexpr uint64_t kRepetitionsMax = 10'000'000;

bool IsNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool IsNamePart(char c) {
  return IsNameStart(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

void AppendUtf8(uint32_t point, std::string& out) {
  if (point < 0x80) {
    out += static_cast<char>(point);
    return;
  }
  if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      out += static_cast<char>(0xe0 | point >> 12);
    } else {
      out += static_cast<char>(0xf0 | point >> 18);
      out += static_cast<char>(0x80 | (point >> 12 & 0x3f));
    }
    out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
  }
  out += static_cast<char>(0x80 | (point & 0x3f));
}

// The number of digits and the base of the escape that begins with this letter; 0: there is none.
std::pair<size_t, int> NumericEscape(char letter) {
  switch (letter) {
    case 'x':
      return {2, 16};
    case 'u':
      return {4, 16};
    case 'U':
      return {8, 16};
    default:
      return letter >= '0' && letter <= '7' ? std::pair<size_t, int>{3, 8}
                                            : std::pair<size_t, int>{0, 0};
  }
}

absl::Status AppendEscape(std::string_view body, size_t& at, std::string& out) {
  constexpr std::string_view kLetters = "abfnrtv\\'\"";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";
  if (at + 1 >= body.size()) return Bad("a string ends within an escape", body);
  const char letter = body[at + 1];
  if (const size_t known = kLetters.find(letter); known != std::string_view::npos) {
    out += kMeanings[known];
    at += 2;
    return absl::OkStatus();
  }
  const auto [digits, base] = NumericEscape(letter);
  const size_t begin = at + (base == 8 ? 1 : 2);
  if (digits == 0 || begin + digits > body.size()) return Bad("an unknown escape", body);
  uint32_t point = 0;
  for (size_t i = begin; i < begin + digits; ++i) {
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(body[i]));
    const int digit = IsDigit(lower)                 ? lower - '0'
                      : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                                     : base;
    if (digit >= base) return Bad("an escape with a wrong digit", body);
    point = point * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit);
  }
  if (letter == 'u' || letter == 'U') {
    AppendUtf8(point, out);
  } else {
    out += static_cast<char>(point);
  }
  at = begin + digits;
  return absl::OkStatus();
}

// A line that is read from left to right.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool AtEnd() const { return at_ >= text_.size() || text_[at_] == '#'; }
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool Take(char c) {
    if (Peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  bool SkipBlanks() {
    const size_t before = at_;
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
    return at_ > before;
  }
  // The brace that begins labels, with the blanks in front of it; takes nothing if there is none.
  bool TakeBrace() {
    const size_t before = at_;
    SkipBlanks();
    if (Peek() == '{' && Peek(1) != '{') return Take('{');
    at_ = before;
    return false;
  }
  template <typename Predicate>
  std::string_view TakeWhile(Predicate predicate) {
    const size_t begin = at_;
    while (at_ < text_.size() && predicate(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  // The literal with its quotes; empty if it does not end.
  std::string_view TakeQuoted() {
    const char quote = Peek();
    for (size_t end = at_ + 1; end < text_.size(); ++end) {
      if (text_[end] == '\\' && quote != '`') {
        ++end;
      } else if (text_[end] == quote) {
        const std::string_view literal = text_.substr(at_, end + 1 - at_);
        at_ = end + 1;
        return literal;
      }
    }
    return {};
  }
  // {{ ... }}; false if it does not end.
  bool SkipHistogram() {
    const size_t end = text_.find("}}", at_ + 2);
    if (end == std::string_view::npos) return false;
    at_ = end + 2;
    return true;
  }
  std::string_view Rest() const { return text_.substr(std::min(at_, text_.size())); }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

bool AtQuote(const Reader& reader) {
  return reader.Peek() == '"' || reader.Peek() == '\'' || reader.Peek() == '`';
}

absl::StatusOr<std::string> ReadQuoted(Reader& reader) {
  const std::string_view rest = reader.Rest();
  const std::string_view literal = reader.TakeQuoted();
  if (literal.empty()) return Bad("a string that does not end", rest);
  return Unquote(literal);
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

// One label, or in quotes the metric's name, of those in braces.
absl::Status ReadLabel(Reader& reader, Pairs& pairs) {
  std::string name;
  if (AtQuote(reader)) {
    TSDB_ASSIGN_OR_RETURN(name, ReadQuoted(reader));
    reader.SkipBlanks();
    if (reader.Peek() != '=') {
      pairs.emplace_back(kMetricNameLabel, name);
      return absl::OkStatus();
    }
  } else {
    name = reader.TakeWhile(IsNamePart);
  }
  reader.SkipBlanks();
  if (name.empty() || !reader.Take('=')) return Bad("not a label", reader.Rest());
  reader.SkipBlanks();
  if (!AtQuote(reader)) return Bad("a label's value must be in quotes", reader.Rest());
  TSDB_ASSIGN_OR_RETURN(std::string value, ReadQuoted(reader));
  pairs.emplace_back(std::move(name), std::move(value));
  return absl::OkStatus();
}

absl::StatusOr<Labels> ReadLabels(Reader& reader) {
  Pairs pairs;
  const std::string_view name = reader.TakeWhile([](char c) { return IsNamePart(c) || c == ':'; });
  if (!name.empty()) pairs.emplace_back(kMetricNameLabel, name);
  if (reader.TakeBrace()) {
    reader.SkipBlanks();
    while (!reader.Take('}')) {
      TSDB_RETURN_IF_ERROR(ReadLabel(reader, pairs));
      reader.SkipBlanks();
      if (!reader.Take(',') && reader.Peek() != '}') return Bad("not a label", reader.Rest());
      reader.SkipBlanks();
    }
  } else if (name.empty()) {
    return Bad("not a series", reader.Rest());
  }
  std::vector<Label> labels;
  for (const auto& [label, value] : pairs) {
    if (!value.empty()) labels.push_back({label, value});
  }
  if (labels.empty()) return Labels();
  return Labels::Create(std::span<const Label>(labels));
}

// A number without its sign, up to the x of a repetition or the sign of an increment.
std::string_view TakeUnsigned(Reader& reader) {
  if (!IsDigit(reader.Peek()) && reader.Peek() != '.') {
    return reader.TakeWhile([](char c) { return IsNameStart(c) && c != 'x' && c != '_'; });
  }
  char before = '\0';
  return reader.TakeWhile([&before](char c) {
    const bool sign_of_exponent = (c == '+' || c == '-') && (before == 'e' || before == 'E');
    before = c;
    return IsDigit(c) || c == '.' || c == 'e' || c == 'E' || sign_of_exponent;
  });
}

absl::StatusOr<double> ReadSigned(Reader& reader) {
  const std::string_view rest = reader.Rest();
  const bool negative = reader.Peek() == '-';
  if (negative || reader.Peek() == '+') reader.Take(reader.Peek());
  const std::string_view text = TakeUnsigned(reader);
  if (text == "stale") return StaleNan();
  const absl::StatusOr<double> value = ParseNumber(text);
  if (text.empty() || !value.ok()) return Bad("neither a number nor \"stale\"", rest);
  return negative ? -*value : *value;
}

// How often what came before is repeated: xN. Nothing if there is no x.
absl::StatusOr<std::optional<uint64_t>> ReadRepetition(Reader& reader) {
  if (!reader.Take('x')) return std::optional<uint64_t>();
  uint64_t times = 0;
  const std::string_view digits = reader.TakeWhile(IsDigit);
  if (!absl::SimpleAtoi(ToAbsl(digits), &times) || times > kRepetitionsMax) {
    return Bad("not a number of repetitions", digits);
  }
  return std::optional<uint64_t>(times);
}

absl::Status ReadHistograms(Reader& reader, SeriesDescription& series) {
  series.has_histograms = true;
  do {  // {{...}}+{{...}}x5
    if (!reader.SkipHistogram()) return Bad("a histogram that does not end", reader.Rest());
    if (reader.Peek() != '+' && reader.Peek() != '-') break;
    reader.Take(reader.Peek());
  } while (reader.Peek() == '{');
  TSDB_ASSIGN_OR_RETURN(const std::optional<uint64_t> times, ReadRepetition(reader));
  series.values.insert(series.values.end(), times.value_or(0) + 1,
                       {SequenceValue::Kind::kHistogram, 0});
  return absl::OkStatus();
}

absl::Status ReadItem(Reader& reader, SeriesDescription& series) {
  if (reader.Take('_')) {
    TSDB_ASSIGN_OR_RETURN(const std::optional<uint64_t> times, ReadRepetition(reader));
    series.values.insert(series.values.end(), times.value_or(1),
                         {SequenceValue::Kind::kOmitted, 0});
    return absl::OkStatus();
  }
  if (reader.Peek() == '{' && reader.Peek(1) == '{') return ReadHistograms(reader, series);
  TSDB_ASSIGN_OR_RETURN(double value, ReadSigned(reader));
  double increment = 0;
  const bool stepped = reader.Peek() == '+' || reader.Peek() == '-';
  if (stepped) {
    TSDB_ASSIGN_OR_RETURN(increment, ReadSigned(reader));
  }
  TSDB_ASSIGN_OR_RETURN(const std::optional<uint64_t> times, ReadRepetition(reader));
  if (stepped && !times) return Bad("an increment without repetitions", reader.Rest());
  if (!stepped) {  // nothing is added, which would change the bits of a staleness marker
    series.values.insert(series.values.end(), times.value_or(0) + 1,
                         {SequenceValue::Kind::kFloat, value});
    return absl::OkStatus();
  }
  // Added one after the other, as Prometheus does: a product would round differently.
  for (uint64_t i = 0; i <= *times; ++i) {
    series.values.push_back({SequenceValue::Kind::kFloat, value});
    value += increment;
  }
  return absl::OkStatus();
}

// 1h30m as Prometheus's model.ParseDuration has it: units in this order, each at most once.
std::optional<int64_t> DurationMs(std::string_view text) {
  struct Unit {
    std::string_view name;
    int64_t ms;
  };
  constexpr Unit kUnits[] = {
      {"y", 31'536'000'000}, {"w", 604'800'000}, {"d", 86'400'000}, {"h", 3'600'000},
      {"m", 60'000},         {"s", 1000},        {"ms", 1}};
  size_t next = 0;
  int64_t total = 0;
  Reader reader(text);
  while (!reader.AtEnd()) {
    int64_t count = 0;
    if (!absl::SimpleAtoi(ToAbsl(reader.TakeWhile(IsDigit)), &count)) return std::nullopt;
    const std::string_view name = reader.TakeWhile(IsNameStart);
    while (next < std::size(kUnits) && kUnits[next].name != name) ++next;
    if (next == std::size(kUnits)) return std::nullopt;
    if (count > std::numeric_limits<int64_t>::max() / kUnits[next].ms / 8) return std::nullopt;
    total += count * kUnits[next++].ms;
  }
  return text.empty() ? std::nullopt : std::optional<int64_t>(total);
}

// Go's strconv.ParseInt with base 0.
std::optional<double> GoInteger(std::string_view text) {
  const bool negative = absl::StartsWith(ToAbsl(text), "-");
  if (negative || absl::StartsWith(ToAbsl(text), "+")) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char letter = absl::ascii_tolower(static_cast<unsigned char>(text[1]));
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    text.remove_prefix(base == 8 && letter != 'o' ? 1 : 2);
  }
  if (text.empty()) return std::nullopt;
  double value = 0;
  for (const char c : text) {
    if (c == '_') continue;
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
    const int digit = IsDigit(lower)                 ? lower - '0'
                      : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                                     : base;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  if (value >= 0x1p63) return std::nullopt;  // ParseFloat's, which rounds once
  return negative ? -value : value;
}

}  // namespace

absl::Status Bad(std::string_view what, std::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(ToAbsl(what), ": '", ToAbsl(text), "'"));
}

double StaleNan() { return std::bit_cast<double>(kStaleNanBits); }
bool IsStaleNan(double value) { return std::bit_cast<uint64_t>(value) == kStaleNanBits; }

absl::StatusOr<SeriesDescription> ParseSeries(std::string_view line) {
  Reader reader(line);
  reader.SkipBlanks();
  SeriesDescription series;
  TSDB_ASSIGN_OR_RETURN(series.labels, ReadLabels(reader));
  while (true) {
    const bool apart = reader.SkipBlanks();
    if (reader.AtEnd()) break;
    if (!apart) return Bad("values must be apart", reader.Rest());
    TSDB_RETURN_IF_ERROR(ReadItem(reader, series));
  }
  return series;
}

absl::StatusOr<int64_t> ParseTime(std::string_view text) {
  const std::string_view whole = text;
  const bool negative = absl::StartsWith(ToAbsl(text), "-");
  if (negative || absl::StartsWith(ToAbsl(text), "+")) text.remove_prefix(1);
  std::optional<int64_t> ms = DurationMs(text);
  if (!ms) {
    double seconds = 0;
    if (!absl::SimpleAtod(ToAbsl(text), &seconds) || !(std::fabs(seconds) < 1e15)) {
      return Bad("neither a duration nor a number of seconds", whole);
    }
    ms = std::llround(seconds * 1000);
  }
  return negative ? -*ms : *ms;
}

absl::StatusOr<double> ParseNumber(std::string_view text) {
  if (const std::optional<double> integer = GoInteger(text)) return *integer;
  double value = 0;
  if (!absl::SimpleAtod(ToAbsl(text), &value)) return Bad("not a number", text);
  return value;
}

absl::StatusOr<std::string> Unquote(std::string_view literal) {
  const char quote = literal.empty() ? '\0' : literal.front();
  if (literal.size() < 2 || literal.back() != quote ||
      (quote != '"' && quote != '\'' && quote != '`')) {
    return Bad("not a string in quotes", literal);
  }
  const std::string_view body = literal.substr(1, literal.size() - 2);
  if (quote == '`') return std::string(body);
  std::string out;
  for (size_t at = 0; at < body.size();) {
    if (body[at] == '\\') {
      TSDB_RETURN_IF_ERROR(AppendEscape(body, at, out));
    } else {
      out += body[at++];
    }
  }
  return out;
}

}  // namespace tsdb::conformance
