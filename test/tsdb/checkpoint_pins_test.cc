// While a checkpoint reads a series it pins the epoch, and what writers replace is kept: it must
// not wait for the disk then.
#include <bit>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "index/label/series_table.h"
#include "index/tree/tree_writer.h"
#include "storage/cache/leaf_cache.h"
#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"
#include "tsdb/durability/checkpoint.h"

namespace tsdb::durability {
namespace {

constexpr char kParent[] = "/data";
constexpr char kHome[] = "/data/db";
constexpr char kSegments[] = "/data/db/segments";

struct CheckpointFixture {
  CheckpointFixture() {
    REQUIRE(memory.CreateDirectory(kHome).ok());
    REQUIRE(memory.CreateDirectory(kSegments).ok());
    auto opened = SegmentStore::Open(&files, kHome, &cache);
    INFO(opened.status().ToString());
    REQUIRE(opened.ok());
    store = *std::move(opened);
  }

  // Values that are not to be compressed: some 4 KiB a leaf.
  void Append(SeriesId series, size_t leaves, size_t open) {
    REQUIRE(*table.FindOrCreate(*Labels::Create({{"i", std::to_string(series)}})) == series);
    std::vector<Timestamp> times(leaves * tree::kLeafSamples + open);
    std::vector<double> values(times.size());
    for (size_t i = 0; i < times.size(); ++i) {
      times[i] = static_cast<Timestamp>(i) * 10;
      values[i] = std::bit_cast<double>(random() >> 2);
    }
    writer.AppendRun(*tree.FindOrCreatePage(series), series, times.data(), values.data(),
                     times.size());
    writer.Finish();
  }

  absl::StatusOr<WrittenCheckpoint> Write() {
    return WriteCheckpoint(*store, 1, tree, table, Compaction::kAsNeeded,
                           segment::Packing::kWherePays, [] { return absl::OkStatus(); });
  }

  std::mt19937_64 random{1};
  MemoryFileSystem memory{{kParent}};
  FaultFileSystem files{&memory};
  tree::Tree tree{tree::KeepDuplicate::kLater};
  cache::LeafCache cache{{[this] { return tree.epochs().Advance(); },
                          [this](uint64_t epoch) { return tree.epochs().AllReadersAfter(epoch); }},
                         [] { return uint64_t{8} << 20; }};
  std::unique_ptr<SegmentStore> store;
  label::SeriesTable table{1000};
  tree::TreeWriter writer{&tree};
};

TEST_CASE("checkpoint: the epoch is not pinned while files are written", "[durability]") {
  CheckpointFixture fixture;
  // 77 MiB in leaves, for more than one segment, and 1.4 MiB that are in none yet.
  constexpr SeriesId kSeries = 180;
  for (SeriesId series = 0; series < kSeries; ++series) fixture.Append(series, 100, 500);
  size_t writes = 0;
  size_t pinned = 0;
  fixture.files.SetHook([&](FileCall call, const std::string&) {
    if (call != FileCall::kAppend && call != FileCall::kSync && call != FileCall::kRename) return;
    ++writes;
    fixture.tree.epochs().Advance();
    pinned += fixture.tree.epochs().OldestReaderAge() > 0;
  });
  const auto written = fixture.Write();
  INFO(written.status().ToString());
  REQUIRE(written.ok());
  REQUIRE(written->bytes > uint64_t{64} << 20);
  REQUIRE(fixture.store->segments().size() >= 3);
  REQUIRE(writes > 50);
  REQUIRE(pinned == 0);
}

}  // namespace
}  // namespace tsdb::durability
