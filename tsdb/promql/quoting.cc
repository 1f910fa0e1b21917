#include "tsdb/promql/quoting.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tsdb::promql {
namespace {

constexpr std::string_view kLetters = "abfnrtv\\";
constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\";

bool IsCodePoint(uint32_t code) { return code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF); }

// No digit of any base: 36.
uint32_t DigitOf(char c) {
  if (IsDigit(c)) return static_cast<uint32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint32_t>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<uint32_t>(c - 'A') + 10;
  return 36;
}

// Appends what stands for the character between quotes of this kind.
void AppendEscaped(const Character& character, std::string_view bytes, char quote,
                   std::string& out) {
  if (!character.valid) {
    absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned char>(bytes[0]));
    return;
  }
  const uint32_t code = character.code;
  const size_t letter = code < 0x80 ? kMeanings.find(static_cast<char>(code)) : kMeanings.npos;
  if (letter != kMeanings.npos) {
    out += '\\';
    out += kLetters[letter];
  } else if (code == static_cast<unsigned char>(quote)) {
    out += '\\';
    out += quote;
  } else if (code < 0x20 || code == 0x7F) {
    absl::StrAppendFormat(&out, "\\x%02x", code);
  } else if ((code >= 0x80 && code < 0xA0) || code == 0x2028 || code == 0x2029 || code == 0xFEFF) {
    absl::StrAppendFormat(&out, "\\u%04x", code);
  } else {
    out += bytes;
  }
}

// Takes one escape sequence, whose letter is at `at`, and moves `at` beyond it. Says what is wrong.
std::string TakeEscape(std::string_view quoted, char quote, size_t& at, std::string& out) {
  const size_t end = quoted.size() - 1;
  if (at >= end) return "escape sequence not terminated";
  const char letter = quoted[at];
  if (letter == quote) {
    out += quote;
    ++at;
    return "";
  }
  if (const size_t i = kLetters.find(letter); i != kLetters.npos) {
    out += kMeanings[i];
    ++at;
    return "";
  }
  const bool octal = letter >= '0' && letter <= '7';
  const size_t digits = octal ? 3 : letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
  if (digits == 0) {
    const Character character = CharacterAt(quoted, at);
    return absl::StrFormat("unknown escape sequence U+%04X %s", character.code,
                           QuoteCharacter(quoted, at));
  }
  const uint32_t base = octal ? 8 : 16;
  if (!octal) ++at;
  uint32_t code = 0;
  for (size_t i = 0; i < digits; ++i, ++at) {
    if (at >= end) return "escape sequence not terminated";
    const uint32_t digit = DigitOf(quoted[at]);
    if (digit >= base) {
      return absl::StrFormat("illegal character U+%04X %s in escape sequence",
                             CharacterAt(quoted, at).code, QuoteCharacter(quoted, at));
    }
    code = code * base + digit;
  }
  const bool byte = digits <= 3;
  if (byte ? code > 0xFF : !IsCodePoint(code)) {
    return "escape sequence is an invalid Unicode code point";
  }
  if (byte) {
    out += static_cast<char>(code);
  } else {
    AppendUtf8(code, out);
  }
  return "";
}

}  // namespace

Character CharacterAt(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) -> uint32_t { return static_cast<unsigned char>(text[at + i]); };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() - at < bytes) return {};
  uint32_t code = first & (0x7F >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3F);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[bytes] || !IsCodePoint(code)) return {};
  return {code, bytes, true};
}

void AppendUtf8(uint32_t code, std::string& out) {
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80 | (code >> shift & 0x3F));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (size_t at = 0; at < text.size();) {
    const Character character = CharacterAt(text, at);
    AppendEscaped(character, text.substr(at, character.bytes), '"', out);
    at += character.bytes;
  }
  out += '"';
  return out;
}

std::string QuoteCharacter(std::string_view text, size_t at) {
  const Character character = CharacterAt(text, at);
  std::string out = "'";
  AppendEscaped(character, text.substr(at, character.bytes), '\'', out);
  out += '\'';
  return out;
}

Unquoted Unquote(std::string_view quoted) {
  Unquoted result;
  const char quote = quoted.front();
  if (quote == '`') {
    result.text = quoted.substr(1, quoted.size() - 2);
    return result;
  }
  for (size_t at = 1; at + 1 < quoted.size();) {
    if (quoted[at] != '\\') {
      result.text += quoted[at++];
      continue;
    }
    const size_t begin = at++;
    result.error = TakeEscape(quoted, quote, at, result.text);
    if (!result.error.empty()) {
      result.error_at = begin;
      return result;
    }
  }
  return result;
}

bool IsIdentifier(std::string_view text) {
  return !text.empty() && IsAlpha(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsAlphaNumeric(c); });
}

}  // namespace tsdb::promql
