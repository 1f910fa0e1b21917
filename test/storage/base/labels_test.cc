#include "storage/base/labels.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tsdb {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

Labels Make(std::initializer_list<Label> labels) {
  const absl::StatusOr<Labels> result = Labels::Create(labels);
  REQUIRE(result.ok());
  return *result;
}

// The message of the refusal; fails when the labels are taken.
std::string Refusal(std::initializer_list<Label> labels) {
  const absl::StatusOr<Labels> result = Labels::Create(labels);
  REQUIRE_FALSE(result.ok());
  REQUIRE(result.status().code() == absl::StatusCode::kInvalidArgument);
  return std::string(result.status().message());
}

TEST_CASE("labels: canonical bytes are sorted by name, whatever the order given", "[labels]") {
  const Labels labels = Make({{"b", "2"}, {"a", "1"}});
  REQUIRE(labels.bytes() ==
          "\1a\1"
          "1\1b\1"
          "2"sv);
  REQUIRE(labels == Make({{"a", "1"}, {"b", "2"}}));
  REQUIRE_FALSE(labels == Make({{"a", "1"}, {"b", "3"}}));
}

TEST_CASE("labels: names sort by their bytes, unsigned", "[labels]") {
  const Labels labels = Make({{"\xC3\xA9", "1"}, {"z", "2"}, {"Z", "3"}});
  auto it = labels.begin();
  REQUIRE(it->name == "Z");
  REQUIRE((++it)->name == "z");
  REQUIRE((++it)->name == "\xC3\xA9");
  REQUIRE(++it == labels.end());
}

TEST_CASE("labels: iteration yields every label", "[labels]") {
  const Labels labels = Make({{"__name__", "up"}, {"job", "node"}, {"instance", "h:9100"}});
  std::vector<std::pair<std::string, std::string>> seen;
  for (const Label label : labels) seen.emplace_back(label.name, label.value);
  REQUIRE(seen == std::vector<std::pair<std::string, std::string>>{
                      {"__name__", "up"}, {"instance", "h:9100"}, {"job", "node"}});
  const Labels none;
  REQUIRE(none.begin() == none.end());
}

TEST_CASE("labels: Get finds each value and nothing else", "[labels]") {
  const Labels labels = Make({{"__name__", "up"}, {"job", "node"}});
  REQUIRE(labels.MetricName() == "up");
  REQUIRE(labels.Get("job") == "node");
  REQUIRE(labels.Get("jo").empty());
  REQUIRE(labels.Get("jobs").empty());
  REQUIRE(labels.Get("").empty());
  REQUIRE(Labels().Get("a").empty());
}

TEST_CASE("labels: a label with an empty value is no label", "[labels]") {
  REQUIRE(Make({{"a", "1"}, {"b", ""}}) == Make({{"a", "1"}}));
  REQUIRE(Refusal({{"a", ""}}) == "a series needs at least one label whose value is not empty");
}

TEST_CASE("labels: refusals name the label at fault", "[labels]") {
  REQUIRE(Refusal({}) == "a series needs at least one label");
  REQUIRE(Refusal({{"a", "1"}, {"", "x"}}) == R"(a label has an empty name (its value is "x"))");
  REQUIRE(Refusal({{"a", "1"}, {"b", "2"}, {"a", "3"}}) ==
          R"(the label name "a" appears more than once)");
  REQUIRE(Refusal({{"a", "1"}, {"a", ""}}) == R"(the label name "a" appears more than once)");
  REQUIRE(Refusal({{"a\xFF", "1"}}) == R"(the label name "a\xff" is not valid UTF-8)");
  REQUIRE(Refusal({{"a", "x\xC0\x80"}}) ==
          R"(the value of label "a" is not valid UTF-8: "x\xc0\x80")");
}

TEST_CASE("labels: each limit is reached and not passed", "[labels]") {
  const std::string name(kLabelNameBytesMax, 'n');
  const std::string value(kLabelValueBytesMax, 'v');
  const Labels longest = Make({{name, value}});
  REQUIRE(longest.Get(name) == value);
  REQUIRE(Refusal({{name + "n", "1"}}) ==
          "the label name \"" + std::string(64, 'n') + "\"... has 1025 bytes; the limit is 1024");
  REQUIRE(Refusal({{"a", value + "v"}}) ==
          "the value of label \"a\" has 65537 bytes; the limit is 65536");

  std::vector<std::string> names;
  for (size_t i = 0; i <= kLabelsMax; ++i) names.push_back("label_" + std::to_string(i));
  std::vector<Label> labels;
  for (const std::string& each : names) labels.push_back({each, "x"});
  REQUIRE(Labels::Create(std::span<const Label>(labels).first(kLabelsMax)).ok());
  const auto refused = Labels::Create(labels);
  REQUIRE(std::string(refused.status().message()) == "a series has 257 labels; the limit is 256");
}

TEST_CASE("labels: a message cuts a long name between characters", "[labels]") {
  std::string name = "x";
  while (name.size() <= kLabelNameBytesMax) name += "\xC3\xA9";
  const std::string message = Refusal({{name, "1"}});
  REQUIRE(IsValidUtf8(message));
}

TEST_CASE("labels: lengths around each varint size survive", "[labels]") {
  for (const size_t length : {size_t{1}, size_t{127}, size_t{128}, size_t{129}, size_t{16383},
                              size_t{16384}, size_t{16385}, kLabelValueBytesMax}) {
    const std::string value(length, 'v');
    const Labels labels = Make({{"a", value}, {"b", "end"}});
    REQUIRE(labels.Get("a") == value);
    REQUIRE(labels.Get("b") == "end");
    REQUIRE(Labels::FromCanonicalBytes(labels.bytes()) == labels);
  }
}

TEST_CASE("labels: an embedded zero byte is kept", "[labels]") {
  const Labels labels = Make({{"a\0b"sv, "c\0d"sv}});
  REQUIRE(labels.Get("a\0b"sv) == "c\0d"sv);
}

TEST_CASE("labels: printed as Prometheus prints them", "[labels]") {
  REQUIRE(Labels().ToString() == "{}");
  REQUIRE(Make({{"__name__", "up"}}).ToString() == "up");
  REQUIRE(Make({{"job", "a"}}).ToString() == R"({job="a"})");
  REQUIRE(Make({{"_Z9", "a"}}).ToString() == R"({_Z9="a"})");
  // What is no identifier is quoted: a digit in front, a colon in a label's name, anything else.
  for (const char* name : {"9a", "a:b", "a-b", "a{", "a[", "a`", "a/"}) {
    REQUIRE(Make({{name, "a"}}).ToString() == "{\"" + std::string(name) + "\"=\"a\"}");
  }
  REQUIRE(Make({{"__name__", "a:b"}, {"A", "1"}, {"c", "2"}}).ToString() == R"(a:b{A="1",c="2"})");
  REQUIRE(Make({{"__name__", "up"}, {"p", "a\"b\\c\nd"}}).ToString() == R"(up{p="a\"b\\c\nd"})");
  // Before labels that sort before it, too: readers take no name after a label.
  REQUIRE(Make({{"__name__", "my metric"}, {"A", "1"}}).ToString() == R"({"my metric",A="1"})");
  REQUIRE(Make({{"__name__", "my metric"}, {"a.b", "1"}}).ToString() ==
          R"({"my metric","a.b"="1"})");
}

TEST_CASE("utf-8: well-formed text is taken", "[labels]") {
  for (const std::string_view text :
       {""sv, "a"sv, "\0"sv, "\x7F"sv, "\xC2\x80"sv, "\xDF\xBF"sv, "\xE0\xA0\x80"sv,
        "\xED\x9F\xBF"sv, "\xEE\x80\x80"sv, "\xEF\xBF\xBF"sv, "\xF0\x90\x80\x80"sv,
        "\xF4\x8F\xBF\xBF"sv, "12345678"sv, "1234567\xC3\xA9"sv,
        "12345678\xE2\x82\xAC"
        "90"sv}) {
    REQUIRE(IsValidUtf8(text));
  }
}

TEST_CASE("utf-8: over-long, surrogate, cut and stray bytes are refused", "[labels]") {
  for (const std::string_view text :
       {"\x80"sv, "\xBF"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xC2"sv, "\xC2\x41"sv, "\xE0\x9F\xBF"sv,
        "\xE0\xA0"sv, "\xED\xA0\x80"sv, "\xED\xBF\xBF"sv, "\xF0\x8F\xBF\xBF"sv, "\xF0\x90\x80"sv,
        "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv, "\xFF"sv, "12345678\xFF"sv, "\xE2\x82\x41"sv}) {
    REQUIRE_FALSE(IsValidUtf8(text));
    // Wherever the fast path for eight ASCII bytes starts.
    for (size_t before = 0; before < 9; ++before) {
      REQUIRE_FALSE(IsValidUtf8(std::string(before, 'a') + std::string(text) + "aaaaaaaaa"));
    }
  }
}

TEST_CASE("utf-8: every code point round its edges", "[labels]") {
  const auto encode = [](uint32_t c) {
    if (c < 0x80) return std::string{static_cast<char>(c)};
    if (c < 0x800)
      return std::string{static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
    if (c < 0x10000) {
      return std::string{static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)),
                         static_cast<char>(0x80 | (c & 63))};
    }
    return std::string{static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 63)),
                       static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
  };
  size_t wrong = 0;
  for (uint32_t c = 0; c < 0x110800; ++c) {
    const bool surrogate = c >= 0xD800 && c < 0xE000;
    wrong += IsValidUtf8(encode(c)) != (!surrogate && c < 0x110000);
  }
  REQUIRE(wrong == 0);
}

TEST_CASE("labels: reading bytes whose last length is too long ends at their end", "[labels]") {
  for (const std::string_view bytes : {"\x01"
                                       "a"
                                       "\x05"
                                       "b",
                                       "\x03"
                                       "a",
                                       "\x01"
                                       "a"
                                       "\x01",
                                       "\x7F"}) {
    const std::string exact(bytes);  // so that a sanitizer sees what is read beyond
    const Labels labels = Labels::FromCanonicalBytes(exact);
    size_t count = 0, text = 0;
    for (const Label label : labels) {
      REQUIRE(++count <= 1);
      text += label.name.size() + label.value.size();
    }
    REQUIRE(text < bytes.size());
  }
}

}  // namespace
}  // namespace tsdb
