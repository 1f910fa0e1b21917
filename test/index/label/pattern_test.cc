#include "index/label/pattern.h"

#include <catch2/catch.hpp>

namespace tsdb::label {
namespace {

using Kind = Pattern::Kind;
using Literals = std::vector<std::string>;

TEST_CASE("pattern: literals and what they spell", "[label]") {
  const auto literals = [](const char* expression) {
    const Pattern pattern = TakeApart(expression);
    CAPTURE(expression);
    REQUIRE(pattern.kind == Kind::kOneOf);
    return pattern.literals;
  };
  REQUIRE(literals("") == Literals{""});
  REQUIRE(literals("abc") == Literals{"abc"});
  REQUIRE(literals("a\\.b\\|c") == Literals{"a.b|c"});
  REQUIRE(literals("b|a|b") == Literals{"a", "b"});
  REQUIRE(literals("|a") == Literals{"", "a"});
  REQUIRE(literals("a(b|c)d") == Literals{"abd", "acd"});
  REQUIRE(literals("(?:a|b)(c|)") == Literals{"a", "ac", "b", "bc"});
  REQUIRE(literals("^abc$") == Literals{"abc"});
  REQUIRE(literals("größe|日本") == Literals{"größe", "日本"});
}

TEST_CASE("pattern: a literal between what matches anything", "[label]") {
  REQUIRE(TakeApart(".*").kind == Kind::kAny);
  REQUIRE(TakeApart(".*.*").kind == Kind::kAny);
  REQUIRE(TakeApart(".+").kind == Kind::kNonEmpty);
  REQUIRE(TakeApart("^.*$").kind == Kind::kAny);
  REQUIRE(TakeApart("ab.*").kind == Kind::kPrefix);
  REQUIRE(TakeApart("ab.*").text == "ab");
  REQUIRE(TakeApart("ab.*").prefix == "ab");
  REQUIRE(TakeApart(".*ab").kind == Kind::kSuffix);
  REQUIRE(TakeApart(".*a\\.b.*").kind == Kind::kContains);
  REQUIRE(TakeApart(".*a\\.b.*").text == "a.b");
}

TEST_CASE("pattern: the rest is for the regex engine, with a prefix if it has one", "[label]") {
  const auto prefix = [](const char* expression) {
    const Pattern pattern = TakeApart(expression);
    CAPTURE(expression);
    REQUIRE(pattern.kind == Kind::kRegex);
    return pattern.prefix;
  };
  REQUIRE(prefix("ab[0-9]") == "ab");
  REQUIRE(prefix("ab*") == "a");
  REQUIRE(prefix("größ?") == "grö");
  REQUIRE(prefix("ab{2}") == "a");
  REQUIRE(prefix("ab.+") == "ab");
  REQUIRE(prefix("ab.*|c") == "");
  REQUIRE(prefix("ab[|]c") == "");
  REQUIRE(prefix("(?i)ab") == "");
  REQUIRE(prefix("ab.*cd") == "ab");
  REQUIRE(prefix("\\Qa|b\\E") == "");
  REQUIRE(prefix("a(b|c)*") == "a");
  REQUIRE(prefix(".*?") == "");
  REQUIRE(prefix("(a") == "");
  REQUIRE(prefix("^*a") == "");
}

}  // namespace
}  // namespace tsdb::label
