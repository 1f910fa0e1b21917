// Checkpoints of more open leaves than a packed segment holds.
#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "test/tsdb/local_directory.h"
#include "tsdb/database.h"

namespace tsdb {
namespace {

// A packed segment has some 8,191 groups of 16 KiB. Two leaves go into each of these here, three
// do not; they are the same, so that it pays to pack them.
constexpr size_t kGroupsMax = 8'191;
constexpr size_t kSamples = 430;  // 13 to 16 bytes each

struct Columns {
  std::vector<Timestamp> timestamps;
  std::vector<double> values;
};

Columns Incompressible() {
  std::mt19937_64 random(1);
  Columns columns;
  Timestamp time = 0;
  for (size_t i = 0; i < kSamples; ++i) {
    time += static_cast<Timestamp>(random() >> 11);
    columns.timestamps.push_back(time);
    columns.values.push_back(std::uniform_real_distribution<double>(-1e300, 1e300)(random));
  }
  return columns;
}

TEST_CASE("checkpoint: open leaves beyond a packed segment's groups are written", "[durability]") {
  const LocalDirectory directory;
  Options options;
  options.directory = directory.File("db");
  options.memory_budget_bytes = uint64_t{1} << 30;
  const Columns columns = Incompressible();
  const SeriesId count = 2 * kGroupsMax + 100;
  {
    const auto opened = Database::Open(options);
    REQUIRE(opened.ok());
    Database& database = **opened;
    {
      Appender appender = database.NewAppender();
      for (SeriesId i = 0; i < count; ++i) {
        const auto series =
            database.FindOrCreateSeries(*Labels::Create({{"i", std::to_string(i)}}));
        REQUIRE(series.ok());
        REQUIRE(appender.AppendColumns(*series, columns.timestamps, columns.values));
      }
    }
    const absl::Status written = database.Checkpoint();
    INFO(written.ToString());
    REQUIRE(written.ok());
    REQUIRE(database.Close().ok());
  }
  const auto opened = Database::Open(options);
  REQUIRE(opened.ok());
  CHECK((*opened)->Recovery().damage.empty());
  CHECK((*opened)->Recovery().checkpoint_records == count * kSamples);
  const Snapshot snapshot = (*opened)->NewSnapshot();
  for (SeriesId id = 0; id < count; id += 500) CHECK(snapshot.Count(id) == kSamples);
}

}  // namespace
}  // namespace tsdb
