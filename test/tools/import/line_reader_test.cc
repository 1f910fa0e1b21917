#include "tools/import/line_reader.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

namespace tsdb::importer {
namespace {

// Hands out a text in pieces of at most `piece` bytes.
class TextSource : public ByteSource {
 public:
  TextSource(std::string text, size_t piece) : text_(std::move(text)), piece_(piece) {}
  absl::StatusOr<size_t> Read(char* buffer, size_t bytes) override {
    const size_t count = std::min({bytes, piece_, text_.size() - position_});
    std::memcpy(buffer, text_.data() + position_, count);
    position_ += count;
    return count;
  }

 private:
  const std::string text_;
  const size_t piece_;
  size_t position_ = 0;
};

std::vector<std::string> Lines(const std::string& text, size_t piece, size_t limit = 1 << 30) {
  TextSource source(text, piece);
  LineReader reader(source, limit);
  std::vector<std::string> lines;
  Line line;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(line);
    REQUIRE(more.ok());
    if (!*more) return lines;
    REQUIRE(line.number == lines.size() + 1);
    lines.push_back(line.too_long ? "(too long)" : std::string(line.text));
  }
}

using Texts = std::vector<std::string>;

TEST_CASE("line reader: lines with and without a last newline", "[import]") {
  for (const size_t piece : {1, 2, 3, 100}) {
    REQUIRE(Lines("", piece).empty());
    REQUIRE(Lines("a", piece) == Texts{"a"});
    REQUIRE(Lines("a\n", piece) == Texts{"a"});
    REQUIRE(Lines("\n", piece) == Texts{""});
    REQUIRE(Lines("a\n\nbc", piece) == Texts{"a", "", "bc"});
  }
}

TEST_CASE("line reader: lines longer than the buffer", "[import]") {
  const std::string big(3'000'000, 'x');
  REQUIRE(Lines("a\n" + big + "\nb\n", 1 << 20) == Texts{"a", big, "b"});
  REQUIRE(Lines(big, 100'000) == Texts{big});
}

TEST_CASE("line reader: the limit is reached and not passed", "[import]") {
  for (const size_t piece : {1, 2, 3, 100}) {
    REQUIRE(Lines("12345\n123456\n1\n", piece, 5) == Texts{"12345", "(too long)", "1"});
    REQUIRE(Lines("123456", piece, 5) == Texts{"(too long)"});
    REQUIRE(Lines("12345", piece, 5) == Texts{"12345"});
  }
}

TEST_CASE("line reader: a line over the limit costs no memory for its rest", "[import]") {
  const std::string big(20'000'000, 'x');
  REQUIRE(Lines(big + "\nlast", 1 << 20, 1000) == Texts{"(too long)", "last"});
}

TEST_CASE("line reader: what was peeked at is read all the same", "[import]") {
  TextSource source("abc\ndef\n", 2);
  LineReader reader(source, 100);
  REQUIRE(*reader.Peek(5) == "abc\nd");
  REQUIRE(*reader.Peek(100) == "abc\ndef\n");
  Line line;
  REQUIRE(*reader.Next(line));
  REQUIRE(line.text == "abc");
  REQUIRE(*reader.Next(line));
  REQUIRE(line.text == "def");
  REQUIRE_FALSE(*reader.Next(line));
}

// "number+lines:text" of CSV records.
Texts Records(const std::string& text, size_t piece, size_t limit = 1 << 30) {
  TextSource source(text, piece);
  LineReader reader(source, limit);
  reader.SetCsv(',');
  Texts records;
  Line line;
  while (*reader.Next(line)) {
    records.push_back(std::to_string(line.number) + "+" + std::to_string(line.lines) + ":" +
                      (line.too_long ? "(too long)" : std::string(line.text)));
  }
  return records;
}

TEST_CASE("line reader: newlines in quoted fields of CSV do not end a record", "[import]") {
  for (const size_t piece : {1, 2, 3, 100}) {
    REQUIRE(Records("", piece).empty());
    REQUIRE(Records("a,\"b\nc\"\"\n\",d\ne", piece) == Texts{"1+3:a,\"b\nc\"\"\n\",d", "4+1:e"});
    REQUIRE(Records("\"\n\"", piece) == Texts{"1+2:\"\n\""});
    REQUIRE(Records("a\"\nb\"", piece) == Texts{"1+1:a\"", "2+1:b\""});
    REQUIRE(Records("\"a\"b\"\nc", piece) == Texts{"1+1:\"a\"b\"", "2+1:c"});
  }
}

TEST_CASE("line reader: a quote that is not closed costs its own line only", "[import]") {
  for (const size_t piece : {1, 2, 3, 100}) {
    REQUIRE(Records("x,\"a\nb\nc\n", piece) == Texts{"1+1:x,\"a", "2+1:b", "3+1:c"});
    REQUIRE(Records("\"12345\n\"\nb", piece, 6) == Texts{"1+1:\"12345", "2+1:\"", "3+1:b"});
    REQUIRE(Records("\"123456789\n1", piece, 6) == Texts{"1+1:(too long)", "2+1:1"});
  }
}

}  // namespace
}  // namespace tsdb::importer
