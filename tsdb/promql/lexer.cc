#include "tsdb/promql/lexer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/literals.h"
#include "tsdb/promql/parser.h"
#include "tsdb/promql/quoting.h"

namespace tsdb::promql {
namespace {

using Kind = TokenKind;

struct Spelling {
  std::string_view text;
  Kind kind;
};
constexpr Spelling kWords[] = {
    {"and", Kind::kAnd},
    {"or", Kind::kOr},
    {"unless", Kind::kUnless},
    {"atan2", Kind::kAtan2},
    {"sum", Kind::kAggregation},
    {"avg", Kind::kAggregation},
    {"min", Kind::kAggregation},
    {"max", Kind::kAggregation},
    {"count", Kind::kAggregation},
    {"group", Kind::kAggregation},
    {"stddev", Kind::kAggregation},
    {"stdvar", Kind::kAggregation},
    {"topk", Kind::kAggregation},
    {"bottomk", Kind::kAggregation},
    {"quantile", Kind::kAggregation},
    {"count_values", Kind::kAggregation},
    {"limitk", Kind::kAggregation},
    {"limit_ratio", Kind::kAggregation},
    {"offset", Kind::kOffset},
    {"by", Kind::kBy},
    {"without", Kind::kWithout},
    {"on", Kind::kOn},
    {"ignoring", Kind::kIgnoring},
    {"group_left", Kind::kGroupLeft},
    {"group_right", Kind::kGroupRight},
    {"bool", Kind::kBool},
    {"start", Kind::kStart},
    {"end", Kind::kEndWord},
    {"inf", Kind::kNumber},
    {"nan", Kind::kNumber},
};

// The longer of two with the same beginning first.
constexpr Spelling kSigns[] = {
    {"==", Kind::kEqual},        {"!=", Kind::kNotEqual},
    {"<=", Kind::kLessEqual},    {"<", Kind::kLess},
    {">=", Kind::kGreaterEqual}, {">", Kind::kGreater},
    {"=", Kind::kAssign},        {"+", Kind::kAdd},
    {"-", Kind::kSub},           {"*", Kind::kMul},
    {"/", Kind::kDiv},           {"%", Kind::kMod},
    {"^", Kind::kPow},           {"@", Kind::kAt},
    {",", Kind::kComma},         {"{", Kind::kLeftBrace},
    {"(", Kind::kLeftParen},     {")", Kind::kRightParen},
    {"[", Kind::kLeftBracket},   {"]", Kind::kRightBracket},
};
constexpr Spelling kSignsInBraces[] = {
    {"=~", Kind::kRegexMatch}, {"=", Kind::kAssign}, {"!~", Kind::kNotRegexMatch},
    {"!=", Kind::kNotEqual},   {",", Kind::kComma},  {"}", Kind::kRightBrace},
};

constexpr std::string_view kUnitsHint =
    "a duration is whole numbers with the units y, w, d, h, m, s and ms, in this order, each once: "
    "1h30m";

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Tokens Run() && {
    while (Next()) {
    }
    return std::move(tokens_);
  }

 private:
  // False: the last token was made.
  bool Next() {
    SkipBlanks();
    begin_ = position_;
    if (position_ == text_.size()) return End();
    const char c = text_[position_];
    if (c == '"' || c == '\'') return String(c);
    if (c == '`') return RawString();
    if (brace_open_) return NextInBraces(c);
    if (IsDigit(c) || (c == '.' && IsDigit(At(1)))) return Number();
    if (IsAlpha(c) || (c == ':' && !bracket_open_)) return Word();
    return Sign(c);
  }

  char At(size_t ahead) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }

  void SkipBlanks() {
    while (position_ < text_.size()) {
      if (text_[position_] == '#') {
        position_ = std::min(text_.find('\n', position_), text_.size());
      } else if (IsBlank(text_[position_])) {
        ++position_;
      } else {
        return;
      }
    }
  }

  bool Emit(Kind kind, size_t bytes) {
    position_ += bytes;
    tokens_.list.push_back({kind, static_cast<uint32_t>(begin_), static_cast<uint32_t>(position_)});
    return true;
  }

  bool Fail(std::string error, std::string hint = "") {
    position_ = begin_;
    Emit(Kind::kError, 0);
    tokens_.error = std::move(error);
    tokens_.hint = std::move(hint);
    return false;
  }

  std::string OpenedAt(std::string_view what, size_t at) const {
    return absl::StrCat("the ", ToAbsl(what), " was opened at ", PlaceOf(text_, at));
  }

  bool End() {
    if (brace_open_) {
      return Fail("unexpected end of input inside braces", OpenedAt("brace", brace_at_));
    }
    if (!parens_.empty()) {
      return Fail("unclosed left parenthesis", OpenedAt("parenthesis", parens_.back()));
    }
    if (bracket_open_) return Fail("unclosed left bracket", OpenedAt("bracket", bracket_at_));
    Emit(Kind::kEnd, 0);
    return false;
  }

  bool String(char quote) {
    size_t at = position_ + 1;
    while (at < text_.size() && text_[at] != quote && text_[at] != '\n') {
      at += text_[at] == '\\' ? 2 : 1;
    }
    if (at >= text_.size()) return Fail("unterminated quoted string");
    if (text_[at] == '\n') {
      return Fail("unterminated quoted string", "a string of several lines stands in backticks");
    }
    return Emit(Kind::kString, at + 1 - position_);
  }

  bool RawString() {
    const size_t end = text_.find('`', position_ + 1);
    if (end == text_.npos) return Fail("unterminated raw string");
    return Emit(Kind::kString, end + 1 - position_);
  }

  bool NextInBraces(char c) {
    if (IsAlpha(c)) {
      size_t bytes = 1;
      while (IsAlphaNumeric(At(bytes))) ++bytes;
      return Emit(Kind::kIdentifier, bytes);
    }
    if (c == '{') return Fail("unexpected left brace '{'", OpenedAt("brace", brace_at_));
    const std::string_view rest = text_.substr(position_);
    for (const Spelling& sign : kSignsInBraces) {
      if (!rest.starts_with(sign.text)) continue;
      if (sign.kind == Kind::kRightBrace) brace_open_ = false;
      return Emit(sign.kind, sign.text.size());
    }
    if (c == '!') {
      const std::string next =
          position_ + 1 < text_.size() ? QuoteCharacter(text_, position_ + 1) : "end of input";
      return Fail("unexpected character after '!' inside braces: " + next);
    }
    if (IsDigit(c)) {
      return Fail("unexpected character inside braces: " + QuoteCharacter(text_, position_),
                  "label values stand in quotes, and so do names that are not identifiers");
    }
    return Fail("unexpected character inside braces: " + QuoteCharacter(text_, position_),
                HintFor(c));
  }

  // Numbers and durations begin alike: whatever could belong to either is taken together.
  bool Number() {
    const bool hexadecimal = text_[position_] == '0' && (At(1) == 'x' || At(1) == 'X');
    size_t bytes = 0;
    for (;; ++bytes) {
      const char c = At(bytes), before = bytes > 0 ? At(bytes - 1) : '\0';
      const bool exponent =
          hexadecimal ? before == 'p' || before == 'P' : before == 'e' || before == 'E';
      if (IsAlphaNumeric(c) || c == '.') continue;
      if ((c == '+' || c == '-') && exponent && IsDigit(At(bytes + 1))) continue;
      break;
    }
    const std::string_view taken = text_.substr(position_, bytes);
    if (ParseNumber(taken)) return Emit(Kind::kNumber, bytes);
    const DurationError error = ParseDuration(taken).error;
    if (error != DurationError::kSyntax) return Emit(Kind::kDuration, bytes);
    return BadNumber(taken);
  }

  bool BadNumber(std::string_view taken) {
    const bool digits = std::all_of(taken.begin(), taken.end(), [](char c) {
      return IsDigit(c) || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-' || c == '_';
    });
    const bool large = digits && IsDigit(taken.back()) && taken.find_first_of("eE") != taken.npos;
    if (large) {
      return Fail(
          absl::StrCat("error parsing number: ", Quote(taken), " is not a number or out of range"));
    }
    return Fail(absl::StrCat("bad number or duration syntax: ", Quote(taken)),
                digits ? std::string() : std::string(kUnitsHint));
  }

  bool Word() {
    bool colon = false;
    size_t bytes = 0;
    for (; IsAlphaNumeric(At(bytes)) || (At(bytes) == ':' && !bracket_open_); ++bytes) {
      colon |= At(bytes) == ':';
    }
    return Emit(colon ? Kind::kMetricIdentifier : KindOfWord(text_.substr(position_, bytes)),
                bytes);
  }

  bool Sign(char c) {
    if (c == ':') {  // only in brackets: elsewhere it begins a metric's name
      if (std::exchange(colon_seen_, true)) return Fail("unexpected colon ':'");
      return Emit(Kind::kColon, 1);
    }
    const std::string_view rest = text_.substr(position_);
    if (rest.starts_with("=~") || (c == '!' && !rest.starts_with("!="))) {
      const std::string next =
          rest.size() > 1 ? QuoteCharacter(text_, position_ + 1) : "end of input";
      return Fail(
          absl::StrCat("unexpected character after ", QuoteCharacter(text_, position_), ": ", next),
          rest.substr(1, 1) == "~" ? "a regular expression stands in braces: {label=~\"...\"}"
                                   : "");
    }
    for (const Spelling& sign : kSigns) {
      if (rest.starts_with(sign.text)) return Bracket(sign) && Emit(sign.kind, sign.text.size());
    }
    return Fail("unexpected character: " + QuoteCharacter(text_, position_), HintFor(c));
  }

  // Keeps track of what is open.
  bool Bracket(const Spelling& sign) {
    switch (sign.kind) {
      case Kind::kLeftBrace:
        brace_open_ = true;
        brace_at_ = position_;
        return true;
      case Kind::kLeftParen:
        parens_.push_back(position_);
        return true;
      case Kind::kRightParen:
        if (parens_.empty()) return Fail("unexpected right parenthesis ')'");
        parens_.pop_back();
        return true;
      case Kind::kLeftBracket:
        if (bracket_open_) {
          return Fail("unexpected left bracket '['", OpenedAt("bracket", bracket_at_));
        }
        bracket_open_ = true;
        colon_seen_ = false;
        bracket_at_ = position_;
        return true;
      case Kind::kRightBracket:
        if (!bracket_open_) return Fail("unexpected right bracket ']'");
        bracket_open_ = false;
        return true;
      default:
        return true;
    }
  }

  std::string HintFor(char c) const {
    if (c == '&') return "the operator is called and";
    if (c == '|') return "the operator is called or";
    if (c == '.') return "names with dots stand in quotes: {\"http.requests\"}";
    if (c == ';') return "one expression, without anything at its end";
    if (static_cast<unsigned char>(c) >= 0x80) {
      const uint32_t code = CharacterAt(text_, position_).code;
      if (code >= 0x2018 && code <= 0x201F) return "use the plain quotes \" or '";
      return "names that are not ASCII stand in quotes: {\"name\"}";
    }
    return "";
  }

  const std::string_view text_;
  size_t position_ = 0;
  size_t begin_ = 0;  // of the token at hand
  bool brace_open_ = false;
  bool bracket_open_ = false;
  bool colon_seen_ = false;  // in the bracket
  size_t brace_at_ = 0;
  size_t bracket_at_ = 0;
  std::vector<size_t> parens_;  // where they were opened
  Tokens tokens_;
};

}  // namespace

Tokens SplitIntoTokens(std::string_view text) { return Lexer(text).Run(); }

TokenKind KindOfWord(std::string_view word) {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(word));
  for (const Spelling& known : kWords) {
    if (known.text == lower) return known.kind;
  }
  return TokenKind::kIdentifier;
}

}  // namespace tsdb::promql
