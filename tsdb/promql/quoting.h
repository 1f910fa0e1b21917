// Characters of UTF-8 and text in quotes, as Go's strconv has them: what PromQL's strings are and
// what Prometheus's messages look like.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tsdb::promql {

struct Character {
  uint32_t code = 0xFFFD;
  size_t bytes = 1;  // 1 also where the text is not UTF-8
  bool valid = false;
};

// The character that starts at byte `at`. REQUIRES: at < text.size().
Character CharacterAt(std::string_view text, size_t at);
// REQUIRES: code <= 0x10FFFF, not a surrogate.
void AppendUtf8(uint32_t code, std::string& out);

// In double quotes, escaped such that Unquote() gives the text back, whatever its bytes.
std::string Quote(std::string_view text);
// In single quotes.
std::string QuoteCharacter(std::string_view text, size_t at);

struct Unquoted {
  std::string text;
  // Else what is wrong with an escape sequence, and at which byte of the quoted text it begins.
  std::string error;
  size_t error_at = 0;
};
// REQUIRES: `quoted` begins and ends with the same of " ' and `.
Unquoted Unquote(std::string_view quoted);

// [a-zA-Z_][a-zA-Z0-9_]*
bool IsIdentifier(std::string_view text);

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsAlpha(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool IsAlphaNumeric(char c) { return IsAlpha(c) || IsDigit(c); }
constexpr bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace tsdb::promql
