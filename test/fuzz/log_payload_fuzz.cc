// What the batches of the log say: series with their labels, deletions.
//
// Mode: odd for a kDelete payload, even for a kSeries one. (What holds payloads has the checksum.)
#include "storage/base/labels.h"
#include "test/fuzz/fuzz_target.h"
#include "tsdb/durability/log_payload.h"

namespace tsdb::fuzz {
namespace {

void FuzzSeries(std::span<const uint8_t> payload) {
  std::vector<uint8_t> again;
  const absl::Status status =
      durability::ReadSeries(payload, [&](SeriesId series, std::string_view labels) {
        TSDB_CHECK(durability::AreCanonicalLabels(labels));
        durability::AppendSeries(series, labels, again);
        return absl::OkStatus();
      });
  // There is one encoding of everything, so that what was passed on is what was read.
  TSDB_CHECK(again.size() <= payload.size());
  TSDB_CHECK(std::equal(again.begin(), again.end(), payload.begin()));
  TSDB_CHECK(status.ok() ? again.size() == payload.size()
                         : status.code() == absl::StatusCode::kDataLoss);
}

void FuzzDelete(uint64_t series_limit, std::span<const uint8_t> payload) {
  std::vector<SeriesId> series;
  TimeRange range;
  const absl::Status status = durability::DecodeDelete(payload, series_limit, &series, &range);
  TSDB_CHECK(series.size() <= series_limit);
  for (size_t i = 0; i < series.size(); ++i) {
    TSDB_CHECK(series[i] < series_limit && (i == 0 || series[i - 1] < series[i]));
  }
  if (!status.ok()) {
    TSDB_CHECK(status.code() == absl::StatusCode::kDataLoss);
    return;
  }
  const std::vector<uint8_t> encoded = durability::EncodeDelete(series, range);
  std::vector<SeriesId> series_again;
  TimeRange range_again;
  TSDB_CHECK(durability::DecodeDelete(encoded, series_limit, &series_again, &range_again).ok());
  TSDB_CHECK(series_again == series && range_again == range);
}

}  // namespace
}  // namespace tsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tsdb::fuzz::Input input(data, size);
  const uint8_t mode = input.Byte();
  const uint64_t series_limit = input.Number(2);
  const tsdb::fuzz::ExactBytes exact(input.Rest());
  if (mode % 2 == 0) {
    tsdb::fuzz::FuzzSeries(exact.bytes());
  } else {
    tsdb::fuzz::FuzzDelete(series_limit, exact.bytes());
  }
  return 0;
}
