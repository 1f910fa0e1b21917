// Real series through the codec, and that their sizes stay what they are known to be. Where the
// recorded data are absent each case says so and passes.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "test/storage/codec/recorded_columns.h"
#include "test/storage/codec/samples.h"

namespace tsdb::codec {
namespace {

constexpr size_t kBlockSamples = 512;

// Encodes a column in blocks, checks each, returns the bytes of all.
size_t RoundTrip(const RecordedColumn& column) {
  CAPTURE(column.name);
  EncodeHint hint;
  size_t bytes = 0;
  for (size_t begin = 0; begin < column.values.size(); begin += kBlockSamples) {
    CAPTURE(begin);
    const size_t end = std::min(begin + kBlockSamples, column.values.size());
    const std::vector<double> values(column.values.begin() + static_cast<ptrdiff_t>(begin),
                                     column.values.begin() + static_cast<ptrdiff_t>(end));
    std::vector<Timestamp> timestamps;
    for (size_t i = begin; i < end; ++i) {
      timestamps.push_back(column.timestamps.empty() ? static_cast<Timestamp>(i) * 1000
                                                     : column.timestamps[i]);
    }
    const EncodedBlock block(timestamps, values, hint);
    const auto view = BlockView::Parse(block.bytes());
    REQUIRE(view.ok());
    std::vector<Timestamp> decoded_timestamps(DecodeRoom(end - begin));
    std::vector<double> decoded_values(DecodeRoom(end - begin));
    view->DecodeTimestamps(decoded_timestamps.data());
    view->DecodeValues(decoded_values.data());
    REQUIRE(std::equal(timestamps.begin(), timestamps.end(), decoded_timestamps.begin()));
    REQUIRE(std::equal(values.begin(), values.end(), decoded_values.begin(), SameBits));
    for (size_t i = 0; i < values.size(); i += 31) {
      REQUIRE(SameBits(view->ValueAt(i), values[i]));
      REQUIRE(view->TimestampAt(i) == timestamps[i]);
    }
    bytes += block.bytes().size();
  }
  return bytes;
}

bool Absent(const std::vector<RecordedColumn>& columns, const char* what) {
  if (columns.empty()) WARN(what << " skipped: none in " << SharedDataFolder());
  return columns.empty();
}

// Bytes per sample of all columns together, blocks whole.
double BytesPerSample(const std::vector<RecordedColumn>& columns) {
  size_t bytes = 0, samples = 0;
  for (const RecordedColumn& column : columns) {
    bytes += RoundTrip(column);
    samples += column.values.size();
  }
  return static_cast<double>(bytes) / static_cast<double>(samples);
}

TEST_CASE("recorded: the ALP paper's columns, no larger than published", "[codec][recorded]") {
  const std::vector<RecordedColumn> columns = ReadAlpColumns();
  if (Absent(columns, "the ALP paper's columns")) return;
  // Bits per value published for the full columns, over the samples' first blocks.
  const std::pair<const char*, double> published[] = {
      {"city_temperature", 10.7}, {"food_prices", 23.7}, {"nyc29", 40.4}, {"gov26", 0.4}};
  double ours = 0, theirs = 0;
  for (const RecordedColumn& column : columns) {
    // Timestamps, here regular, are 16 bytes a block; the header is another 8.
    const double bits = (BytesPerSample({column}) - 24.0 / kBlockSamples) * 8;
    for (const auto& [name, figure] : published) {
      if (!column.name.starts_with(name)) continue;
      ours += bits;
      theirs += figure;
    }
  }
  CHECK(ours <= theirs);
}

TEST_CASE("recorded: the ALP paper's edge cases", "[codec][recorded]") {
  const std::vector<RecordedColumn> columns = ReadAlpEdgeCases();
  if (Absent(columns, "the ALP paper's edge cases")) return;
  BytesPerSample(columns);
}

TEST_CASE("recorded: the Numenta anomaly benchmark", "[codec][recorded]") {
  const std::vector<RecordedColumn> columns = ReadNabColumns();
  if (Absent(columns, "the Numenta anomaly benchmark")) return;
  CHECK(BytesPerSample(columns) < 2.6);
}

TEST_CASE("recorded: node_exporter's metrics", "[codec][recorded]") {
  const std::vector<RecordedColumn> columns = ReadNodeColumns();
  if (Absent(columns, "node_exporter's metrics")) return;
  CHECK(BytesPerSample(columns) < 1.2);
}

}  // namespace
}  // namespace tsdb::codec
