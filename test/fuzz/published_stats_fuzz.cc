// The file STATS, which anybody who may write the directory may have written.
#include <cmath>

#include "test/fuzz/fuzz_target.h"
#include "tsdb/figures.h"
#include "tsdb/published_stats.h"

namespace tsdb::fuzz {
namespace {

// Equal but for the rounding of times of many days.
void CheckAlike(const std::vector<StatFigure>& a, const std::vector<StatFigure>& b) {
  TSDB_CHECK(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    TSDB_CHECK(a[i].name == b[i].name && a[i].label_value == b[i].label_value);
    TSDB_CHECK(std::abs(a[i].value - b[i].value) <= 1e-12 * a[i].value);
  }
}

void Fuzz(std::string_view text) {
  const auto read = ParsePublishedStats(text);
  if (!read.ok()) return;
  const auto again = ParsePublishedStats(PublishedText(*read));
  TSDB_CHECK(again.ok());
  TSDB_CHECK(again->state == read->state && again->process_id == read->process_id);
  TSDB_CHECK(again->processors == read->processors);
  TSDB_CHECK(again->opened == read->opened && again->written == read->written);
  CheckAlike(FiguresOf(read->stats), FiguresOf(again->stats));
  CheckAlike(FiguresOf(read->options), FiguresOf(again->options));
}

}  // namespace
}  // namespace tsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const tsdb::fuzz::ExactBytes exact({data, size});
  tsdb::fuzz::Fuzz(tsdb::fuzz::AsText(exact.bytes()));
  return 0;
}
