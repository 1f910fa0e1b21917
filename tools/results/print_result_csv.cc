// RFC 4180, but that lines end with a newline only, as everywhere in `tsdb query`.
#include <set>
#include <string>

#include "tools/number_text.h"
#include "tools/results/printers.h"
#include "tools/results/result_text.h"

namespace tsdb::tools {
namespace {

std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
  return out;
}

// Rfc3339Time, which computes the date, once a day; within a day only the clock changes.
class TimeTexts {
 public:
  const std::string& Of(Timestamp timestamp) {
    int64_t clock = timestamp % kMsPerDay;
    if (clock < 0) clock += kMsPerDay;
    // A difference of less than a day from a midnight before: the same day.
    const bool same_day = text_.size() == kTextSize && timestamp >= midnight_ &&
                          static_cast<uint64_t>(timestamp) - static_cast<uint64_t>(midnight_) <
                              static_cast<uint64_t>(kMsPerDay);
    if (!same_day) {
      text_ = Rfc3339Time(timestamp);
      if (text_.size() == kTextSize) midnight_ = timestamp - clock;
      return text_;
    }
    Put(11, 2, clock / 3'600'000);
    Put(14, 2, clock / 60'000 % 60);
    Put(17, 2, clock / 1000 % 60);
    Put(20, 3, clock % 1000);
    return text_;
  }

 private:
  static constexpr int64_t kMsPerDay = 86'400'000;
  static constexpr size_t kTextSize = 24;  // of a time with a date

  void Put(size_t at, size_t digits, int64_t number) {
    for (size_t i = digits; i > 0; --i, number /= 10) {
      text_[at + i - 1] = static_cast<char>('0' + number % 10);
    }
  }

  std::string text_;
  Timestamp midnight_ = 0;
};

}  // namespace

void PrintResultCsv(const ResultPage& page, Output& output) {
  const PromqlResult& result = page.result;
  if (result.type == PromqlType::kString) {
    output << "timestamp,value\n"
           << Rfc3339Time(page.question.end) << "," << CsvField(WellFormed(result.text)) << "\n";
    return;
  }
  // Sorted, which puts the metric name ("__name__") before all names of lower-case letters.
  std::set<std::string, std::less<>> names;
  for (const PromqlSeries& series : result.series) {
    for (const Label label : series.labels) {
      if (!names.contains(label.name)) names.emplace(label.name);
    }
  }
  for (const std::string& name : names) output << CsvField(name) << ",";
  output << "timestamp,value\n";
  TimeTexts times;
  for (const PromqlSeries& series : result.series) {
    if (!output.status().ok()) return;
    std::string prefix;
    for (const std::string& name : names) prefix += CsvField(series.labels.Get(name)) + ",";
    for (const Sample& sample : series.samples) {
      output << prefix << times.Of(sample.timestamp) << "," << ExactValue(sample.value) << "\n";
    }
  }
}

}  // namespace tsdb::tools
