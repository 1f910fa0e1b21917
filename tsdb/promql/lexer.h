// Text to tokens, by Prometheus's promql/parser/lex.go.
//
// Thread safety: plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tsdb::promql {

enum class TokenKind : uint8_t {
  kEnd,
  kError,
  kIdentifier,
  kMetricIdentifier,  // with a colon in it
  kNumber,
  kDuration,
  kString,
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kColon,
  kAssign,
  // Operators.
  kRegexMatch,
  kNotRegexMatch,
  kAt,
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  // Words, in any case: first those that are operators.
  kAtan2,
  kAnd,
  kOr,
  kUnless,
  kAggregation,
  kOffset,
  kBy,
  kWithout,
  kOn,
  kIgnoring,
  kGroupLeft,
  kGroupRight,
  kBool,
  kStart,
  kEndWord,
};

constexpr bool IsOperator(TokenKind kind) {
  return kind >= TokenKind::kRegexMatch && kind <= TokenKind::kUnless;
}
constexpr bool IsWord(TokenKind kind) { return kind >= TokenKind::kAtan2; }

// Bytes [begin, end) of the text.
struct Token {
  TokenKind kind = TokenKind::kEnd;
  uint32_t begin = 0;
  uint32_t end = 0;
};

struct Tokens {
  // The last one, and no other, is kEnd or kError.
  std::vector<Token> list;
  std::string error;  // of kError
  std::string hint;
};

// REQUIRES: the text is UTF-8 of at most 4 GiB.
Tokens SplitIntoTokens(std::string_view text);

// What the word is outside braces: kIdentifier if it is not one of the language's; kNumber: Inf,
// NaN.
TokenKind KindOfWord(std::string_view word);

}  // namespace tsdb::promql
