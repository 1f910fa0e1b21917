// JSON lines.
//
// Mode: bit 2 by way of a LineReader that leaves out long lines, from bit 3 on how many bytes it
// reads at a time.
#include "test/fuzz/import_lines.h"
#include "tools/import/json_lines_parser.h"
#include "tools/json_text.h"
#include "tools/number_text.h"

namespace tsdb::fuzz {
namespace {

using importer::JsonLinesParser;

void Fuzz(uint8_t mode, std::string_view text) {
  RecordingSink sink;
  JsonLinesParser parser(sink);
  if ((mode & 4) != 0) {
    FeedReader(text, size_t{1} + mode / 8, 60, parser, sink);
  } else {
    FeedLines(text, parser, sink);
  }
  CheckCounts(text, parser, sink);

  std::string written;
  for (const ImportedSample& sample : sink.samples) {
    written += "{\"metric\":" + tools::JsonLabels(sink.series[sample.series]) + ",\"values\":[\"" +
               tools::ExactValue(sample.value) + "\"],\"timestamps\":[" +
               std::to_string(sample.timestamp) + "]}\n";
  }
  RecordingSink again;
  JsonLinesParser again_parser(again);
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
