// InfluxDB's line protocol.
//
// Mode: bits 0 and 1 the precision, bit 2 by way of a LineReader that leaves out long lines, the
// rest how many bytes it reads at a time.
#include "test/fuzz/import_lines.h"
#include "tools/import/influx_parser.h"
#include "tools/number_text.h"

namespace tsdb::fuzz {
namespace {

using importer::InfluxParser;
using importer::TimeUnit;

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ',' || c == '=' || c == ' ' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

void Fuzz(uint8_t mode, std::string_view text) {
  RecordingSink sink;
  InfluxParser parser({static_cast<TimeUnit>(mode & 3), 1000}, sink);
  if ((mode & 4) != 0) {
    FeedReader(text, size_t{1} + mode / 8, 60, parser, sink);
  } else {
    FeedLines(text, parser, sink);
  }
  CheckCounts(text, parser, sink);
  (void)parser.Notes();

  std::string written;
  for (const ImportedSample& sample : sink.samples) {
    written += 'm';
    for (const Label label : sink.series[sample.series]) {
      (written += ',') += Escaped(label.name);
      (written += '=') += Escaped(label.value);
    }
    (written += " v=") += tools::ExactValue(sample.value);
    (written += ' ') += std::to_string(sample.timestamp);
    written += '\n';
  }
  RecordingSink again;
  InfluxParser again_parser({TimeUnit::kMilliseconds, 0}, again);
  TSDB_CHECK(FeedLines(written, again_parser, again) == 0);
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
