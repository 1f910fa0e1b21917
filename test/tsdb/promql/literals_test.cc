#include "tsdb/promql/literals.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "tsdb/promql/quoting.h"

namespace tsdb::promql {
namespace {

TEST_CASE("promql numbers: what Go's literals are", "[promql]") {
  const std::pair<const char*, double> cases[] = {
      {"0", 0},
      {"1", 1},
      {".5", 0.5},
      {"5.", 5},
      {"123.4567", 123.4567},
      {"5e-3", 5e-3},
      {"5E3", 5e3},
      {"0xc", 12},
      {"0XFf", 255},
      {"0755", 493},
      {"0.755", 0.755},
      {"099", 99},
      {"00755.5", 755.5},
      {"1_000", 1000},
      {"1_2e3_4", 12e34},
      {"0x_1F", 31},
      {"0x1.8p3", 12},
      {"0X_1FFFP-16", 0.1249847412109375},
      {"1e-999", 0},
      {"18446744073709551616", 18446744073709551616.0},
      {"1.7976931348623157e308", std::numeric_limits<double>::max()},
  };
  for (const auto& [text, value] : cases) {
    INFO(text);
    const auto parsed = ParseNumber(text);
    REQUIRE(parsed);
    CHECK(*parsed == value);
  }
  for (const char* text : {"inf", "Inf", "INF"}) CHECK(std::isinf(ParseNumber(text).value_or(0)));
  for (const char* text : {"nan", "NaN", "NAN"}) CHECK(std::isnan(ParseNumber(text).value_or(0)));
}

TEST_CASE("promql numbers: what they are not", "[promql]") {
  for (const char* text : {"",      ".",    "_",  "_1", "1_",       "1__0", "1_.5", "1._5", "1e",
                           "1e+",   "1e_3", "e3", "0x", "0x1.8",    "0x-1", "0-1",  "0xg",  "1.2.3",
                           "1e999", "-1",   "+1", " 1", "infinity", "in",   "5m"}) {
    INFO(text);
    CHECK_FALSE(ParseNumber(text));
  }
}

TEST_CASE("promql numbers: printed in decimal, and back", "[promql]") {
  CHECK(FormatNumber(1e21) == "1000000000000000000000");
  CHECK(FormatNumber(1e-7) == "0.0000001");
  CHECK(FormatNumber(-0.0) == "-0");
  CHECK(FormatNumber(HUGE_VAL) == "+Inf");
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const double value = std::abs(std::bit_cast<double>(random()));
    if (!std::isfinite(value)) continue;
    REQUIRE(ParseNumber(FormatNumber(value)) == value);
  }
}

TEST_CASE("promql durations: units in order, each once", "[promql]") {
  const std::pair<const char*, int64_t> cases[] = {
      {"0s", 0},
      {"5ms", 5},
      {"90s", 90'000},
      {"5m", 300'000},
      {"1h30m", 5'400'000},
      {"1d", 86'400'000},
      {"1w", 604'800'000},
      {"1y", 31'536'000'000},
      {"1m5ms", 60'005},
      {"1y1w1d1h1m1s1ms", 31'536'000'000 + 604'800'000 + 86'400'000 + 3'661'001},
      {"9223372036854ms", kDurationMax},
  };
  for (const auto& [text, ms] : cases) {
    INFO(text);
    const ParsedDuration parsed = ParseDuration(text);
    CHECK(parsed.error == DurationError::kNone);
    CHECK(parsed.ms == ms);
  }
  for (const char* text : {"", "5", "m", "5mm", "5x", "5m1", "1m1h", "1s1s", "1ms1s", "-5m", "5 m",
                           "1.5h", "5M", "5hs", "1ym"}) {
    INFO(text);
    CHECK(ParseDuration(text).error == DurationError::kSyntax);
  }
  for (const char* text : {"293y", "9223372036855ms", "99999999999999999999999y", "292y99w"}) {
    INFO(text);
    CHECK(ParseDuration(text).error == DurationError::kOutOfRange);
  }
}

TEST_CASE("promql durations: printed as Prometheus does", "[promql]") {
  const std::pair<int64_t, const char*> cases[] = {
      {0, "0s"},
      {300'000, "5m"},
      {-300'000, "-5m"},
      {5'400'000, "1h30m"},
      {90ll * 86'400'000, "90d"},
      {14ll * 86'400'000, "2w"},
      {365ll * 86'400'000, "1y"},
      {366ll * 86'400'000, "366d"},
      {1'500, "1s500ms"},
  };
  for (const auto& [ms, text] : cases) {
    CHECK(FormatDuration(ms) == text);
    if (ms > 0) CHECK(ParseDuration(text).ms == ms);
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const auto ms = static_cast<int64_t>(random() % static_cast<uint64_t>(kDurationMax));
    REQUIRE(ParseDuration(FormatDuration(ms)).ms == ms);
  }
}

TEST_CASE("promql strings: Go's escapes", "[promql]") {
  const std::pair<const char*, std::string> cases[] = {
      {R"("double-quoted string \" with escaped quote")",
       "double-quoted string \" with escaped quote"},
      {R"('single-quoted string \' with escaped quote')",
       "single-quoted string ' with escaped quote"},
      {"`backtick-quoted string \\n`", "backtick-quoted string \\n"},
      {R"("\a\b\f\n\r\t\v\\\" - \xFF\377\u1234\U00010111\U0001011111☺")",
       "\a\b\f\n\r\t\v\\\" - \xFF\377\xe1\x88\xb4\xf0\x90\x84\x91\xf0\x90\x84\x91"
       "11☺"},
      {"''", ""},
      {R"('a"b')", "a\"b"},
      {R"("\000")", std::string(1, '\0')},
  };
  for (const auto& [quoted, text] : cases) {
    INFO(quoted);
    const Unquoted unquoted = Unquote(quoted);
    CHECK(unquoted.error.empty());
    CHECK(unquoted.text == text);
  }
}

TEST_CASE("promql strings: wrong escapes are named, with their place", "[promql]") {
  const std::tuple<const char*, const char*, size_t> cases[] = {
      {R"("a\c")", "unknown escape sequence U+0063 'c'", 2},
      {R"("\'")", R"(unknown escape sequence U+0027 '\'')", 1},
      {R"('\"')", R"(unknown escape sequence U+0022 '"')", 1},
      {R"("\é")", "unknown escape sequence U+00E9 'é'", 1},
      {R"("\xg0")", "illegal character U+0067 'g' in escape sequence", 1},
      {R"("\x1")", "escape sequence not terminated", 1},
      {R"("\u12")", "escape sequence not terminated", 1},
      {R"("\08")", "illegal character U+0038 '8' in escape sequence", 1},
      {R"("\400")", "escape sequence is an invalid Unicode code point", 1},
      {R"("\uD800")", "escape sequence is an invalid Unicode code point", 1},
      {R"("\U00110000")", "escape sequence is an invalid Unicode code point", 1},
  };
  for (const auto& [quoted, error, at] : cases) {
    INFO(quoted);
    const Unquoted unquoted = Unquote(quoted);
    CHECK(unquoted.error == error);
    CHECK(unquoted.error_at == at);
  }
}

TEST_CASE("promql strings: any bytes survive quoting", "[promql]") {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  CHECK(Unquote(Quote(every)).text == every);
  CHECK(Quote("a\"b\\\n\x01\xff☺\u0085") == R"("a\"b\\\n\x01\xff☺\u0085")");
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    std::string bytes;
    for (size_t n = random() % 20; n > 0; --n) bytes += static_cast<char>(random());
    REQUIRE(Unquote(Quote(bytes)).text == bytes);
  }
}

}  // namespace
}  // namespace tsdb::promql
