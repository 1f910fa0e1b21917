#include "tools/selector.h"

#include <re2/re2.h>

#include <cstdint>
#include <utility>

#include "storage/base/labels.h"

namespace tsdb::tools {
namespace {

constexpr int64_t kRegexMemoryMax = int64_t{8} << 20;

bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

void AppendUtf8(std::string& out, uint32_t character) {
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80 | (character >> shift & 0x3F));
  };
  if (character < 0x80) {
    out += static_cast<char>(character);
  } else if (character < 0x800) {
    out += static_cast<char>(0xC0 | character >> 6);
    tail(0);
  } else if (character < 0x10000) {
    out += static_cast<char>(0xE0 | character >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | character >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

class Parser {
 public:
  Parser(std::string_view text, SelectorError& error) : text_(text), error_(error) {}

  bool Run(std::vector<Matcher>& matchers) {
    SkipBlanks();
    const size_t name_at = position_;
    const std::string name = TakeName(true);
    if (!name.empty()) matchers.push_back({std::string(kMetricNameLabel), {}, name});
    SkipBlanks();
    if (At('{')) {
      if (!Braces(matchers)) return false;
    } else if (name.empty()) {
      return Fail(name_at,
                  text_.empty() ? "the selector is empty" : "a metric name or '{' is missing");
    }
    SkipBlanks();
    if (position_ == text_.size()) return true;
    return Fail(position_, "unexpected text after the selector");
  }

 private:
  bool At(char c) const { return position_ < text_.size() && text_[position_] == c; }
  bool Fail(size_t position, std::string message) {
    error_ = {position, std::move(message)};
    return false;
  }
  void SkipBlanks() {
    while (position_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[position_]) != std::string_view::npos) {
      ++position_;
    }
  }
  std::string TakeName(bool colon_allowed) {
    const size_t begin = position_;
    const auto fits = [&](char c) {
      return IsNameStart(c) || (colon_allowed && c == ':') ||
             (position_ > begin && c >= '0' && c <= '9');
    };
    while (position_ < text_.size() && fits(text_[position_])) ++position_;
    return std::string(text_.substr(begin, position_ - begin));
  }

  bool Braces(std::vector<Matcher>& matchers) {
    ++position_;
    SkipBlanks();
    while (!At('}')) {
      if (!OneMatcher(matchers)) return false;
      SkipBlanks();
      if (At(',')) {
        ++position_;
        SkipBlanks();
      } else if (!At('}')) {
        return Fail(position_, position_ == text_.size() ? "a '}' is missing at the end"
                                                         : "a ',' or '}' is missing here");
      }
    }
    ++position_;
    return true;
  }

  bool OneMatcher(std::vector<Matcher>& matchers) {
    Matcher matcher;
    const size_t name_at = position_;
    const bool quoted = AtQuote();
    if (quoted) {
      if (!QuotedText(matcher.name)) return false;
      SkipBlanks();
      if (At(',') || At('}')) return QuotedMetricName(matchers, matcher.name, name_at);
    } else {
      matcher.name = TakeName(false);
    }
    if (matcher.name.empty()) return Fail(name_at, "a label name is missing");
    SkipBlanks();
    if (!Operator(matcher.op)) return false;
    SkipBlanks();
    const size_t value_at = position_;
    if (!AtQuote()) return Fail(value_at, "a value in quotes is missing");
    if (!QuotedText(matcher.value)) return false;
    if (matcher.name == kMetricNameLabel && HasMetricName(matchers)) {
      return Fail(name_at, "the metric name is given twice");
    }
    if (matcher.op == MatchOp::kRegex || matcher.op == MatchOp::kNotRegex) {
      if (!CheckRegex(matcher.value, value_at)) return false;
    }
    matchers.push_back(std::move(matcher));
    return true;
  }

  // Only a name before the braces or in quotes by itself; __name__ matchers may be several.
  static bool HasMetricName(const std::vector<Matcher>& matchers) {
    return !matchers.empty() && matchers[0].name == kMetricNameLabel &&
           matchers[0].op == MatchOp::kEqual;
  }

  bool QuotedMetricName(std::vector<Matcher>& matchers, const std::string& name, size_t name_at) {
    if (HasMetricName(matchers)) return Fail(name_at, "the metric name is given twice");
    matchers.insert(matchers.begin(), {std::string(kMetricNameLabel), MatchOp::kEqual, name});
    return true;
  }

  bool Operator(MatchOp& op) {
    const std::string_view two = text_.substr(position_, 2);
    if (two == "=~" || two == "!~" || two == "!=") {
      op = two == "=~" ? MatchOp::kRegex : two == "!~" ? MatchOp::kNotRegex : MatchOp::kNotEqual;
      position_ += 2;
      return true;
    }
    if (!At('=')) return Fail(position_, "one of = != =~ !~ is missing after the label name");
    op = MatchOp::kEqual;
    ++position_;
    return true;
  }

  bool AtQuote() const { return At('"') || At('\'') || At('`'); }

  bool QuotedText(std::string& out) {
    const size_t opening = position_;
    const char quote = text_[position_++];
    while (position_ < text_.size() && text_[position_] != quote) {
      if (text_[position_] == '\\' && quote != '`') {
        if (!Escape(out)) return false;
      } else {
        out += text_[position_++];
      }
    }
    if (position_ == text_.size()) return Fail(opening, "the quote is not closed");
    ++position_;
    if (!IsValidUtf8(out)) return Fail(opening, "the text is not valid UTF-8");
    return true;
  }

  // Go's escapes, as PromQL has them.
  bool Escape(std::string& out) {
    constexpr std::string_view kLetters = "abfnrtv\\\"'";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\\"'";
    const size_t at = position_++;
    const char letter = position_ < text_.size() ? text_[position_] : '\0';
    if (const size_t i = kLetters.find(letter); letter != '\0' && i != std::string_view::npos) {
      out += kMeanings[i];
      ++position_;
      return true;
    }
    size_t digits = 0;
    unsigned base = 16;
    if (letter == 'x') digits = 2;
    if (letter == 'u') digits = 4;
    if (letter == 'U') digits = 8;
    if (letter >= '0' && letter <= '7') {
      digits = 3;
      base = 8;
    }
    if (digits == 0) return Fail(at, "not an escape sequence");
    if (base == 16) ++position_;
    uint32_t number = 0;
    for (size_t i = 0; i < digits; ++i, ++position_) {
      const unsigned digit = position_ < text_.size() ? DigitOf(text_[position_]) : base;
      if (digit >= base) return Fail(at, "not an escape sequence");
      number = number * base + digit;
    }
    if (digits <= 3) {
      if (number > 0xFF) return Fail(at, "not an escape sequence");
      out += static_cast<char>(number);
    } else if (number > 0x10FFFF || (number >= 0xD800 && number < 0xE000)) {
      return Fail(at, "not a Unicode character");
    } else {
      AppendUtf8(out, number);
    }
    return true;
  }

  static unsigned DigitOf(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? static_cast<unsigned>(lower - 'a') + 10 : 99;
  }

  // The label index compiles it again, with no less memory; here the place of a mistake is known.
  bool CheckRegex(const std::string& value, size_t value_at) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);  // a label value may span lines
    options.set_max_mem(kRegexMemoryMax);
    const RE2 regex(re2::StringPiece(value), options);
    return regex.ok() || Fail(value_at, "the regular expression is wrong: " + regex.error());
  }

  const std::string_view text_;
  SelectorError& error_;
  size_t position_ = 0;
};

}  // namespace

bool Selector::Parse(std::string_view text, Selector& selector, SelectorError& error) {
  selector.matchers_.clear();
  return Parser(text, error).Run(selector.matchers_);
}

}  // namespace tsdb::tools
