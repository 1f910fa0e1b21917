// The right edge of dense series, and late records merged into leaves.

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <vector>

#include "test/index/tree/tree_fixture.h"

namespace tsdb::tree {
namespace {

std::map<Timestamp, double> MapOf(const Columns& columns) {
  std::map<Timestamp, double> map;
  for (size_t i = 0; i < columns.first.size(); ++i) map[columns.first[i]] = columns.second[i];
  return map;
}

TEST_CASE("tree: in-order samples fill leaves whole, however they are cut into runs") {
  for (const size_t run : {1, 7, 32, 511, 512, 513, 5'000, 100'000}) {
    for (const size_t samples : {33, 511, 512, 513, 1'024, 20'000}) {
      CAPTURE(run, samples);
      TreeFixture fixture;
      const Columns all = Regular(1'000, samples, 10);
      for (size_t begin = 0; begin < samples; begin += run) {
        const size_t end = std::min(samples, begin + run);
        fixture.Append(0, {{all.first.begin() + static_cast<ptrdiff_t>(begin),
                            all.first.begin() + static_cast<ptrdiff_t>(end)},
                           {all.second.begin() + static_cast<ptrdiff_t>(begin),
                            all.second.begin() + static_cast<ptrdiff_t>(end)}});
      }
      fixture.Settle(0);
      REQUIRE(fixture.count(Counter::kLeaves) == static_cast<int64_t>(samples / kLeafSamples));
      REQUIRE(fixture.count(Counter::kSplits) == 0);
      REQUIRE(fixture.count(Counter::kRewrites) == 0);
      fixture.RequireSound(1, samples);
      fixture.RequireContent(0, MapOf(all));
    }
  }
}

TEST_CASE("tree: a long in-order series costs a leaf in 512 samples and inner nodes in 64 leaves") {
  TreeFixture fixture;
  constexpr size_t kLeaves = 64 * 64 + 1;
  Columns run;
  for (size_t leaf = 0; leaf < kLeaves; ++leaf) {
    fixture.Append(0, Regular(static_cast<Timestamp>(leaf * kLeafSamples), kLeafSamples));
  }
  REQUIRE(fixture.count(Counter::kLeaves) == kLeaves);
  const InnerNode* root = fixture.version(0)->root.load();
  REQUIRE(root->level() == 2);
  REQUIRE(root->count() == 2);
  REQUIRE(root->node(0)->count() == kFanout);
  REQUIRE(root->node(0)->node(63)->count() == kFanout);
  REQUIRE(root->node(1)->node(0)->count() == 1);
  fixture.RequireSound(1, kLeaves * kLeafSamples);
}

TEST_CASE("tree: a long run leaves an open leaf of the size of its last samples") {
  for (const size_t open : {1, 64, 300, 511}) {
    for (const size_t left : {0, 1, 64, 272, 511}) {
      CAPTURE(open, left);
      TreeFixture fixture;
      // An open leaf, with room for the rest of a leaf and without, or one record in the shared
      // leaf.
      fixture.Append(0, Regular(0, open));
      const size_t count = kLeafSamples - open + 3 * kLeafSamples + left;
      fixture.Append(0, Regular(static_cast<Timestamp>(open), count, 1, static_cast<double>(open)));
      const Columns all = Regular(0, open + count);
      std::map<Timestamp, double> expected;
      for (size_t i = 0; i < open + count; ++i) expected[all.first[i]] = all.second[i];
      fixture.RequireContent(0, expected);
      fixture.RequireSound(1, open + count);
      REQUIRE(fixture.count(Counter::kLeaves) == 4);
      REQUIRE(fixture.version(0)->count() == left);
      REQUIRE(fixture.version(0)->capacity() <= left + kPromoteSamples * 2);

      // Late records make it larger, but not larger than a leaf.
      fixture.Append(0, Regular(-1000, 5));
      fixture.Append(0, Regular(10'000, kLeafSamples - left - 1));
      fixture.Append(0, Regular(9'000, 1));
      fixture.Settle(0);
      fixture.RequireSound(1, open + count + 5 + kLeafSamples - left);
      REQUIRE(fixture.version(0)->capacity() <= kLeafSamples);
    }
  }
}

TEST_CASE("tree: a late record is read before it is merged, and after") {
  TreeFixture fixture;
  fixture.Append(0, Regular(0, 2'000, 10));
  fixture.Append(0, 55, -1);
  REQUIRE(fixture.count(Counter::kLate) == 1);
  auto expected = MapOf(Regular(0, 2'000, 10));
  expected[55] = -1;
  fixture.RequireContent(0, expected);
  fixture.Settle(0);
  REQUIRE(fixture.count(Counter::kLate) == 0);
  REQUIRE(fixture.count(Counter::kRewrites) == 1);
  fixture.RequireContent(0, expected);
  fixture.RequireSound(1, 2'001);
}

TEST_CASE("tree: a late record below the first leaf becomes its first sample") {
  TreeFixture fixture;
  fixture.Append(0, Regular(0, 2'000, 10));
  fixture.Append(0, kTimestampMin, -1);
  fixture.Append(0, -5, -2);
  auto expected = MapOf(Regular(0, 2'000, 10));
  expected[kTimestampMin] = -1;
  expected[-5] = -2;
  fixture.RequireContent(0, expected);
  fixture.Settle(0);
  fixture.RequireContent(0, expected);
  fixture.RequireSound(1, 2'002);
  REQUIRE(fixture.version(0)->root.load()->first(0) == kTimestampMin);
}

TEST_CASE("tree: late records between leaves, and between the last leaf and the open one") {
  TreeFixture fixture;
  const Columns in_order = Regular(0, 3 * kLeafSamples + 100, 10);
  fixture.Append(0, in_order);
  auto expected = MapOf(in_order);
  for (size_t leaf = 1; leaf <= 3; ++leaf) {
    const auto boundary = static_cast<Timestamp>(leaf * kLeafSamples * 10);
    for (const Timestamp time : {boundary - 1, boundary - 9, boundary + 1}) {
      fixture.Append(0, time, static_cast<double>(-time));
      expected[time] = static_cast<double>(-time);
    }
  }
  fixture.RequireContent(0, expected);
  fixture.Settle(0);
  fixture.RequireContent(0, expected);
  fixture.RequireSound(1, expected.size());
}

TEST_CASE("tree: late records into the open leaf, until it is full") {
  TreeFixture fixture;
  fixture.Append(0, Regular(0, 300, 10));
  auto expected = MapOf(Regular(0, 300, 10));
  for (Timestamp i = 0; i < 300; ++i) {
    fixture.Append(0, i * 10 - 5, -1);
    expected[i * 10 - 5] = -1;
  }
  fixture.RequireContent(0, expected);
  fixture.Settle(0);
  REQUIRE(fixture.count(Counter::kLeaves) == 1);
  fixture.RequireContent(0, expected);
  fixture.RequireSound(1, 600);
}

TEST_CASE("tree: a leaf that late records grow past 768 samples splits in equal parts") {
  for (const size_t late : {256, 257, 1'024, 1'025, 4'000}) {
    CAPTURE(late);
    TreeFixture fixture;
    fixture.Append(0, Regular(0, kLeafSamples, 10'000));
    const Columns between = Regular(1, late, 1, 1e6);
    fixture.Append(0, between);
    fixture.Settle(0);
    const size_t total = kLeafSamples + late;
    auto expected = MapOf(Regular(0, kLeafSamples, 10'000));
    expected.merge(MapOf(between));
    fixture.RequireContent(0, expected);
    fixture.RequireSound(1, total);
    const size_t leaves = total <= kLeafSamplesMax ? 1 : (total + kLeafSamples - 1) / kLeafSamples;
    // A buffer that fills up earlier is merged in several steps, and its parts split alike.
    if (late <= 257) {
      REQUIRE(fixture.count(Counter::kLeaves) == static_cast<int64_t>(leaves));
      REQUIRE(fixture.count(Counter::kSplits) == static_cast<int64_t>(leaves) - 1);
    } else {
      REQUIRE(fixture.count(Counter::kLeaves) >= 2);
    }
  }
}

TEST_CASE("tree: late records over many leaves rewrite those they fall into, and no others") {
  TreeFixture fixture;
  constexpr size_t kLeaves = 300;
  fixture.Append(0, Regular(0, kLeaves * kLeafSamples, 10));
  auto expected = MapOf(Regular(0, kLeaves * kLeafSamples, 10));
  for (size_t leaf = 0; leaf < kLeaves; leaf += 100) {
    const auto time = static_cast<Timestamp>(leaf * kLeafSamples * 10 + 5);
    fixture.Append(0, time, -1);
    expected[time] = -1;
  }
  fixture.Settle(0);
  REQUIRE(fixture.count(Counter::kRewrites) == 3);
  REQUIRE(fixture.count(Counter::kLeaves) == kLeaves);
  fixture.RequireContent(0, expected);
  // The right edge goes on as before.
  fixture.Append(0, Regular(10'000'000, 1'000));
  fixture.RequireSound(1, expected.size() + 1'000);
}

TEST_CASE("tree: a series without in-order records, reversed, ends up sorted and whole") {
  TreeFixture fixture;
  std::map<Timestamp, double> expected;
  for (Timestamp time = 20'000; time-- > 0;) {
    fixture.Append(0, time, static_cast<double>(time));
    expected[time] = static_cast<double>(time);
  }
  fixture.RequireContent(0, expected);
  fixture.Settle(0);
  fixture.RequireContent(0, expected);
  fixture.RequireSound(1, expected.size());
}

// Duplicates of every sample of a series, wherever it lies when they come.
TEST_CASE("tree: of two records with one key the later or the earlier stays, as asked for") {
  for (const KeepDuplicate keep : {KeepDuplicate::kLater, KeepDuplicate::kEarlier}) {
    for (const size_t samples : {1, 20, 40, 511, 512, 600, 3'000}) {
      CAPTURE(static_cast<int>(keep), samples);
      TreeFixture fixture(keep);
      const Columns first = Regular(0, samples, 10, 0);
      const Columns second = Regular(0, samples, 10, 1e6);
      const Columns third = Regular(0, samples, 10, 2e6);
      fixture.Append(0, first);
      fixture.Append(0, second);
      fixture.RequireContent(0, MapOf(keep == KeepDuplicate::kLater ? second : first));
      fixture.Append(0, third);
      const auto expected = MapOf(keep == KeepDuplicate::kLater ? third : first);
      fixture.RequireContent(0, expected);
      REQUIRE(Last(fixture.tree, 0)->value == expected.rbegin()->second);
      fixture.Settle(0);
      fixture.RequireContent(0, expected);
      REQUIRE(Last(fixture.tree, 0)->value == expected.rbegin()->second);
      fixture.RequireSound(1, samples);
      REQUIRE(fixture.count(Counter::kReplaced) == static_cast<int64_t>(2 * samples));
    }
  }
}

TEST_CASE("tree: duplicates within one run") {
  for (const KeepDuplicate keep : {KeepDuplicate::kLater, KeepDuplicate::kEarlier}) {
    TreeFixture fixture(keep);
    Columns run;
    for (Timestamp time = 0; time < 1'000; ++time) {
      for (int copy = 0; copy < 3; ++copy) {
        run.first.push_back(time);
        run.second.push_back(copy);
      }
    }
    fixture.Append(0, run);
    for (const bool settled : {false, true}) {
      if (settled) fixture.Settle(0);
      const std::vector<Sample> samples = fixture.ReadAll(0);
      REQUIRE(samples.size() == 1'000);
      for (const Sample& sample : samples) {
        REQUIRE(sample.value == (keep == KeepDuplicate::kLater ? 2 : 0));
      }
    }
    fixture.RequireSound(1, 1'000);
  }
}

TEST_CASE("tree: aggregates by statistics, by decoding and by scanning agree") {
  TreeFixture fixture;
  std::mt19937_64 random(3);
  INFO("seed 3");
  fixture.Append(0, Regular(0, 10'000, 10));
  for (int i = 0; i < 300; ++i) {
    fixture.Append(0, static_cast<Timestamp>(random() % 100'000), 5);
  }
  PieceBuffer buffer;
  for (int i = 0; i < 2'000; ++i) {
    if (i == 1'000) fixture.Settle(0);
    const auto from = static_cast<Timestamp>(random() % 120'000) - 10'000;
    const auto last = from + static_cast<Timestamp>(random() % 60'000) - 10;
    const Summary quick = Summarize(fixture.tree, 0, from, last, true, buffer);
    const Summary slow = Summarize(fixture.tree, 0, from, last, false, buffer);
    CAPTURE(from, last);
    const std::vector<Sample> samples = fixture.ReadAll(0, from, last);
    Summary scanned;
    for (const Sample& sample : samples) scanned.Add(&sample.value, 1);
    for (const Summary& summary : {quick, slow}) {
      REQUIRE(summary.count == samples.size());
      REQUIRE(summary.min == scanned.min);
      REQUIRE(summary.max == scanned.max);
      REQUIRE(summary.sum == Approx(scanned.sum));
    }
  }
}

TEST_CASE("tree: looking between, below and above the samples of an open leaf finds nothing") {
  TreeFixture fixture;
  fixture.Append(0, Regular(1'000'000, 300, 1'000));
  for (const Timestamp time : {kTimestampMin, Timestamp{-1}, Timestamp{0}, Timestamp{999'999},
                               Timestamp{1'000'001}, Timestamp{1'299'001}, kTimestampMax}) {
    CAPTURE(time);
    REQUIRE(!Lookup(fixture.tree, 0, time).has_value());
  }
  REQUIRE(Lookup(fixture.tree, 0, 1'299'000) == 299.0);
}

TEST_CASE("tree: what a reader took hold of stays readable while it is replaced") {
  TreeFixture fixture;
  const Columns old = Regular(0, 3 * kLeafSamples + 50, 10);
  fixture.Append(0, old);
  const size_t retired_before = fixture.tree.epochs().retired_bytes();
  {
    const auto guard = fixture.tree.epochs().Pin();
    const SeriesView view = SeriesView::Load(fixture.page(0), 0);
    const uint8_t* leaf = FindLeaf(view, 700 * 10).leaf;
    // Every leaf is rewritten, the open one sealed, the root grown.
    fixture.Append(0, Regular(5, 3 * kLeafSamples, 10, -1e6));
    fixture.Append(0, Regular(100'000, 100 * kLeafSamples, 10));
    fixture.Settle(0);
    REQUIRE(fixture.tree.epochs().retired_bytes() > retired_before);
    REQUIRE(fixture.tree.epochs().OldestReaderAge() > 0);
    REQUIRE(view.open == 50);
    for (uint32_t i = 0; i < view.open; ++i) {
      REQUIRE(view.version->times()[i] == old.first[3 * kLeafSamples + i]);
    }
    REQUIRE(FindLeaf(view, 700 * 10).leaf == leaf);
    const auto block = codec::BlockView::Trusted(leaf);
    REQUIRE(block.count() == kLeafSamples);
    for (size_t i = 0; i < kLeafSamples; ++i) {
      REQUIRE(block.TimestampAt(i) == old.first[kLeafSamples + i]);
      REQUIRE(block.ValueAt(i) == old.second[kLeafSamples + i]);
    }
  }
  fixture.writer.Finish();
  fixture.tree.epochs().Reclaim();
  REQUIRE(fixture.tree.epochs().retired_bytes() == 0);
  REQUIRE(fixture.tree.epochs().OldestReaderAge() == 0);
}

TEST_CASE("tree: a whole leaf out of order at one place is taken apart", "[tree]") {
  // Before and after the series has late records, at both ends of a leaf and within it: the later
  // of two at the same time is kept.
  const bool had_late = GENERATE(false, true);
  const size_t moved = GENERATE(size_t{1}, size_t{200}, kLeafSamples - 1);
  const Timestamp by = GENERATE(10, 11, 25);
  TreeFixture fixture;
  std::map<Timestamp, double> expected;
  const auto append = [&](const Columns& run) {
    fixture.Append(0, run);
    for (size_t i = 0; i < run.first.size(); ++i) expected[run.first[i]] = run.second[i];
  };
  append(Regular(0, kLeafSamples, 10));
  if (had_late) append(Regular(5, 1));
  Columns run = Regular(100'000, 3 * kLeafSamples, 10, 1e6);
  run.first[kLeafSamples + moved] -= by;
  append(run);
  append(Regular(200'000, 2 * kLeafSamples, 10, 2e6));
  fixture.Settle(0);
  fixture.RequireContent(0, expected);
  fixture.RequireSound(1, expected.size());
}

}  // namespace
}  // namespace tsdb::tree
