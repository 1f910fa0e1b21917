// Random answers with random labels in all formats: nothing crashes (the sanitizers look), nothing
// is ill-formed, steers the terminal or is wider than it.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "test/tools/import/memory_sink.h"
#include "test/tools/results/printed.h"
#include "tools/import/json_lines_parser.h"
#include "tools/import/line_reader.h"

namespace tsdb::tools {
namespace {

constexpr ResultFormat kFormats[] = {
    ResultFormat::kTable, ResultFormat::kCsv,   ResultFormat::kJson,
    ResultFormat::kJsonl, ResultFormat::kSpark, ResultFormat::kMarkdown,
    ResultFormat::kChart, ResultFormat::kSvg,   ResultFormat::kHtml};

class RandomResults {
 public:
  explicit RandomResults(uint64_t seed) : random_(seed) {}

  uint64_t Below(uint64_t limit) { return random_() % limit; }

  std::string Text() {
    static const char* const kPieces[] = {"a",
                                          "B",
                                          "7",
                                          "_",
                                          "-",
                                          " ",
                                          "\"",
                                          "'",
                                          "`",
                                          "\\",
                                          "|",
                                          ",",
                                          ";",
                                          "<",
                                          ">",
                                          "&",
                                          "</script>",
                                          "<!--",
                                          "-->",
                                          "]]>",
                                          "\n",
                                          "\r",
                                          "\t",
                                          "\x1b[31m",
                                          "\x07",
                                          "\x7f",
                                          "\xC2\x9B",
                                          "é",
                                          "日本",
                                          "e\xCC\x81",
                                          "\xE2\x80\xAE",
                                          "\xE2\x80\xA8",
                                          "\xEF\xBB\xBF",
                                          "\xEF\xBF\xBF",
                                          "😀",
                                          "שלום"};
    std::string text;
    const uint64_t pieces = Below(4) == 0 ? Below(40) : Below(4);
    for (uint64_t i = 0; i < pieces; ++i) text += kPieces[Below(std::size(kPieces))];
    if (Below(100) == 0) text += std::string(kLabelValueBytesMax - text.size(), 'x');
    return text;
  }

  // Of an expression or a text: not even UTF-8.
  std::string Bytes() {
    std::string text = Text();
    for (uint64_t i = Below(3); i > 0; --i) {
      text.insert(Below(text.size() + 1), 1, static_cast<char>(Below(256)));
    }
    return text;
  }

  double Value() {
    constexpr double kOdd[] = {
        0.0, -0.0, 5e-324, 1.7976931348623157e308, -1.7976931348623157e308, INFINITY, -INFINITY};
    switch (Below(6)) {
      case 0:
        return kOdd[Below(std::size(kOdd))];
      case 1:
        return std::numeric_limits<double>::quiet_NaN();
      case 2: {
        const uint64_t bits = random_();
        double value = 0;
        std::memcpy(&value, &bits, sizeof(value));
        return value;
      }
      default:
        return static_cast<double>(Below(2000)) / 8 - 50;
    }
  }

  Labels RandomLabels() {
    std::vector<std::pair<std::string, std::string>> texts;
    for (uint64_t i = Below(4); i > 0; --i) {
      static const char* const kNames[] = {"__name__", "job", "instance"};
      std::string name = Below(4) > 0 ? kNames[Below(3)] : Text().substr(0, 3);
      texts.emplace_back(std::move(name), Below(3) > 0 ? "x" + std::to_string(Below(4)) : Text());
    }
    std::vector<Label> labels;
    for (const auto& [name, value] : texts) labels.push_back({name, value});
    // Some are refused: twice the same name, half a character.
    return Labels::Create(labels).value_or(Labels());
  }

  std::vector<Sample> Samples(const ResultQuestion& question, bool many) {
    std::vector<Sample> samples;
    const bool wild = Below(10) == 0;
    Timestamp time = wild ? kTimestampMin + static_cast<Timestamp>(Below(1000)) : question.start;
    for (uint64_t i = many ? Below(120) : 1; i > 0; --i) {
      samples.push_back({time, Value()});
      const uint64_t step = wild ? random_() >> 5
                            : question.is_range()
                                ? static_cast<uint64_t>(question.step_ms) * (1 + Below(8) / 7)
                                : 1 + Below(100'000);
      if (static_cast<uint64_t>(kTimestampMax) - static_cast<uint64_t>(time) <= step) break;
      time = static_cast<Timestamp>(static_cast<uint64_t>(time) + step);
    }
    return samples;
  }

  PromqlResult Result(ResultQuestion& question) {
    question.expression = Bytes();
    question.start = static_cast<Timestamp>(random_() >> (1 + Below(40)));
    if (Below(8) == 0) question.start = -question.start;
    question.end = question.start;
    PromqlResult result;
    result.type = static_cast<PromqlType>(Below(4));
    if (result.type == PromqlType::kMatrix && Below(3) > 0) {
      question.step_ms = static_cast<int64_t>(1 + Below(100'000));
      question.end += question.step_ms * static_cast<int64_t>(Below(100));
    }
    if (result.type == PromqlType::kString) result.text = Bytes();
    const uint64_t series = result.type == PromqlType::kScalar   ? 1
                            : result.type == PromqlType::kString ? 0
                                                                 : Below(14);
    for (uint64_t i = 0; i < series; ++i) {
      PromqlSeries each;
      if (result.type != PromqlType::kScalar) each.labels = RandomLabels();
      each.samples = Samples(question, result.type == PromqlType::kMatrix);
      result.series.push_back(std::move(each));
    }
    for (uint64_t i = Below(3); i > 0; --i) result.warnings.push_back(Bytes());
    return result;
  }

  ResultStyle Style() {
    ResultStyle style;
    style.color = Below(2) == 0;
    style.utf8 = Below(3) > 0;
    style.width = Below(4) == 0 ? Below(24) : Below(160);
    style.height = Below(40);
    style.limit = Below(3) == 0 ? Below(5) : 0;
    return style;
  }

 private:
  std::mt19937_64 random_;
};

std::string WithoutColors(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = text.find('m', i);
    } else {
      plain += text[i];
    }
  }
  return plain;
}

void CheckForPeople(const std::string& text, const ResultStyle& style, ResultFormat format) {
  const std::string plain = style.color ? WithoutColors(text) : text;
  for (const char c : plain) {
    if (c != '\n') REQUIRE((static_cast<uint8_t>(c) >= 0x20 && c != 0x7f));
  }
  REQUIRE(plain.find("\xE2\x80\xAE") == std::string::npos);
  if (format != ResultFormat::kChart || style.width < 40) return;
  for (size_t begin = 0; begin < plain.size();) {
    const size_t end = plain.find('\n', begin);
    REQUIRE(end != std::string::npos);
    INFO(plain.substr(begin, end - begin));
    // What is not cut: a string, and the line that tells the number of series and the range.
    const std::string line = plain.substr(begin, end - begin);
    if (line.find(" series") == std::string::npos) REQUIRE(DisplayWidth(line) <= style.width);
    begin = end + 1;
  }
}

void CheckJsonLines(const std::string& text, const PromqlResult& result) {
  size_t samples = 0;
  for (const PromqlSeries& series : result.series) {
    if (!series.labels.empty()) samples += series.samples.size();
  }
  importer::MemorySink sink;
  importer::JsonLinesParser parser(sink);
  importer::LineError error;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.starts_with("{\"metric\":{}")) continue;
    const size_t bytes = line.size();
    line.resize(bytes + importer::LineReader::kPadding);
    const bool taken = parser.Parse(std::string_view(line).substr(0, bytes), error);
    INFO(error.message);
    REQUIRE(taken);
  }
  REQUIRE(sink.entries.size() == samples);
}

TEST_CASE("results: random answers are printed well-formed in every format", "[results]") {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    RandomResults random(seed);
    ResultQuestion question;
    const PromqlResult result = random.Result(question);
    const ResultStyle style = random.Style();
    for (const ResultFormat format : kFormats) {
      INFO("seed " << seed << ", format " << static_cast<int>(format));
      const std::string text = Printed(result, question, style, format);
      INFO(text.substr(0, 300));
      REQUIRE(IsValidUtf8(text));
      const bool no_line = format == ResultFormat::kJsonl;  // nothing for no series
      REQUIRE((no_line || text.ends_with('\n')));
      const bool for_people = format == ResultFormat::kTable || format == ResultFormat::kSpark ||
                              format == ResultFormat::kChart || format == ResultFormat::kMarkdown;
      if (for_people && result.type != PromqlType::kString) CheckForPeople(text, style, format);
      if (format == ResultFormat::kJsonl && result.type != PromqlType::kString) {
        CheckJsonLines(text, result);
      }
      if (format == ResultFormat::kHtml) REQUIRE(text.find("https://") == std::string::npos);
    }
  }
}

TEST_CASE("results: a full disk stays an error", "[results]") {
  RandomResults random(3);
  ResultQuestion question;
  const PromqlResult result = random.Result(question);
  std::FILE* full = std::fopen("/dev/full", "w");
  REQUIRE(full != nullptr);
  for (const ResultFormat format : kFormats) {
    Output output(fileno(full), "/dev/full");
    PrintResult(result, question, {}, format, output);
    output << " ";
    REQUIRE_FALSE(output.Flush().ok());
  }
  std::fclose(full);
}

}  // namespace
}  // namespace tsdb::tools
