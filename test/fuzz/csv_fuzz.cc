// CSV.
//
// Mode: bits 0 and 1 which options are given, bit 2 by way of a LineReader, which sees newlines in
// quotes and leaves out long records, the rest how many bytes it reads at a time.
#include "test/fuzz/import_lines.h"
#include "tools/import/csv_parser.h"
#include "tools/number_text.h"

namespace tsdb::fuzz {
namespace {

using importer::CsvOptions;
using importer::CsvParser;

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  return out += '"';
}

CsvOptions OptionsOf(uint8_t mode) {
  CsvOptions options;
  if ((mode & 1) != 0) {
    options.time_column = std::string("t");
    options.time_format = "%d.%m.%Y %H:%M:%S";
    options.labels = {{"dc", "x"}};
  }
  if ((mode & 2) != 0) {
    options.value_columns = {"v", "w"};
    options.label_columns = {"a"};
    options.metric = std::string("m");
  }
  return options;
}

// As tsdb export writes one sample.
void FeedWritten(const Labels& labels, const ImportedSample& sample, RecordingSink& sink) {
  std::string header = Quoted(kMetricNameLabel);
  std::string record = Quoted(labels.MetricName());
  for (const Label label : labels) {
    if (label.name == kMetricNameLabel) continue;
    (header += ',') += Quoted(label.name);
    (record += ',') += Quoted(label.value);
  }
  header += ",timestamp_ms,value";
  (record += ',') += std::to_string(sample.timestamp);
  (record += ',') += tools::ExactValue(sample.value);
  record += '\r';
  CsvParser parser({}, ',', "file", sink);
  TSDB_CHECK(FeedLine(header, parser, sink) && FeedLine(record, parser, sink));
}

void Fuzz(uint8_t mode, std::string_view text) {
  const char delimiter = (mode & 1) != 0 ? ';' : ',';
  RecordingSink sink;
  CsvParser parser(OptionsOf(mode), delimiter, "file", sink);
  if ((mode & 4) != 0) {
    FeedReader(text, size_t{1} + mode / 8, 60, parser, sink, delimiter);
  } else {
    FeedLines(text, parser, sink);
  }
  CheckCounts(text, parser, sink);
  (void)parser.Notes();
  RecordingSink again;
  for (const ImportedSample& sample : sink.samples) {
    FeedWritten(sink.series[sample.series], sample, again);
  }
  TSDB_CHECK(SameSamples(sink, again));
}

}  // namespace
}  // namespace tsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tsdb::fuzz::Input input(data, size);
  const uint8_t mode = input.Byte();
  tsdb::fuzz::Fuzz(mode, tsdb::fuzz::AsText(input.Rest()));
  return 0;
}
