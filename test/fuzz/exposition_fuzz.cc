// Prometheus text and OpenMetrics text.
//
// Mode: bit 0 OpenMetrics, bit 1 by all its rules, bit 2 by way of a LineReader that leaves out
// long lines, the rest how many bytes it reads at a time.
#include "test/fuzz/import_lines.h"
#include "tools/import/exposition_parser.h"
#include "tools/number_text.h"

namespace tsdb::fuzz {
namespace {

using importer::Dialect;
using importer::ExpositionOptions;
using importer::ExpositionParser;

void Fuzz(uint8_t mode, std::string_view text) {
  const ExpositionOptions options{(mode & 1) != 0 ? Dialect::kOpenMetrics : Dialect::kPrometheus,
                                  1000, (mode & 2) != 0};
  RecordingSink sink;
  ExpositionParser parser(options, sink);
  if ((mode & 4) != 0) {
    FeedReader(text, size_t{1} + mode / 8, 40, parser, sink);
  } else {
    FeedLines(text, parser, sink);
  }
  CheckCounts(text, parser, sink);

  // As Prometheus text it all comes back.
  std::string written;
  for (const ImportedSample& sample : sink.samples) {
    written += sink.series[sample.series].ToString() + " " + tools::ExactValue(sample.value) + " " +
               std::to_string(sample.timestamp) + "\n";
  }
  RecordingSink again;
  ExpositionParser again_parser({Dialect::kPrometheus, 0, false}, again);
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
