// Sorting a part of a chunk into runs, against std::stable_sort, over every shape that has a path
// of its own and the borders between them.

#include "tsdb/merge/sort_into_runs.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <random>
#include <vector>

#include "test/instruction_sets.h"
#include "tsdb/ingest/chunk_pool.h"

namespace tsdb::merge {
namespace {

using ingest::kChunkRecordsMax;

// A chunk with these series; times and values say at which position each record lay.
class SortFixture {
 public:
  SortFixture() {
    REQUIRE(PrepareBatch(batch_, kChunkRecordsMax).ok());
    times_.resize(kChunkRecordsMax);
    values_.resize(kChunkRecordsMax);
    for (size_t i = 0; i < kChunkRecordsMax; ++i) {
      times_[i] = static_cast<Timestamp>(i);
      values_[i] = -static_cast<double>(i);
    }
  }

  // Sorts records [begin, end) of a chunk with these series, on every instruction set of this
  // machine, and compares.
  void Check(const std::vector<SeriesId>& series, size_t begin, size_t end) {
    REQUIRE(series.size() <= kChunkRecordsMax);
    // What stretches describe, the chunk's column does not tell.
    std::vector<SeriesId> column = series;
    std::fill_n(column.begin(), chunk_.stretches.end(), kInvalidSeriesId);
    chunk_.series = column.data();
    chunk_.times = times_.data();
    chunk_.values = values_.data();
    batch_.part.chunk = &chunk_;
    batch_.part.begin = static_cast<uint32_t>(begin);
    batch_.part.end = static_cast<uint32_t>(end);
    std::vector<uint32_t> expected(end - begin);
    std::iota(expected.begin(), expected.end(), static_cast<uint32_t>(begin));
    std::stable_sort(expected.begin(), expected.end(),
                     [&](uint32_t a, uint32_t b) { return series[a] < series[b]; });
    for (const codec::InstructionSet set : codec::AvailableInstructionSets()) {
      const codec::WithInstructionSet with(set);
      CAPTURE(codec::InstructionSetName(set));
      SortIntoRuns(batch_,
                   [this] { REQUIRE(batch_.capacity >= batch_.part.end - batch_.part.begin); });
      Compare(series, expected);
      const bool in_chunk = batch_.times == chunk_.times + begin;
      REQUIRE(batch_.holds_chunk == in_chunk);
    }
  }
  // Describes the chunk's records by stretches as far as they can be; returns how far that is.
  size_t DescribeByColumns(const std::vector<SeriesId>& series, size_t by_columns) {
    chunk_.stretches.Reset(room_.data());
    for (size_t begin = 0; begin < by_columns;) {
      size_t end = begin + 1;
      while (end < by_columns && series[end] == series[begin]) ++end;
      const auto records = static_cast<uint32_t>(end - begin);
      if (!chunk_.stretches.Extend(series[begin], static_cast<uint32_t>(begin), records)) break;
      begin = end;
    }
    return chunk_.stretches.end();
  }

  // The whole, and parts that begin and end anywhere.
  void CheckParts(const std::vector<SeriesId>& series, std::mt19937_64& random) {
    Check(series, 0, series.size());
    for (int i = 0; i < 3; ++i) {
      const size_t begin = random() % series.size();
      const size_t end = begin + 1 + random() % (series.size() - begin);
      CAPTURE(begin, end);
      Check(series, begin, end);
    }
  }

  ingest::Stretches& EmptyStretches() {
    chunk_.stretches.Reset(room_.data());
    return chunk_.stretches;
  }

 protected:
  // For all stretches of a chunk.
  std::vector<ingest::Stretches::Stretch> room_ =
      std::vector<ingest::Stretches::Stretch>(kChunkRecordsMax / ingest::Stretches::kRecordsMin);

 private:
  // The batch's runs are the records at the positions expected of `series`, in that order.
  void Compare(const std::vector<SeriesId>& series, const std::vector<uint32_t>& expected) const {
    size_t at = 0;
    size_t wrong = 0;
    SeriesId last = 0;
    for (const Run& run : batch_.runs) {
      wrong += run.count == 0 || run.series < last;
      last = run.series;
      for (uint32_t i = run.begin; i < run.begin + run.count && at < expected.size(); ++i, ++at) {
        const uint32_t from = expected[at];
        wrong += run.series != series[from];
        wrong += batch_.times[i] != times_[from];
        wrong += batch_.values[i] != values_[from];
      }
    }
    REQUIRE(at == expected.size());
    REQUIRE(wrong == 0);
  }

  RunBatch batch_;
  ingest::Chunk chunk_;
  std::vector<Timestamp> times_;
  std::vector<double> values_;
};

const size_t kCounts[] = {1, 2, 7, 8, 63, 64, 65, 255, 256, 1'000, 4'096, 16'384, 32'768};

// `next(i)` is the series of the i-th record.
template <typename Next>
std::vector<SeriesId> Fill(size_t count, const Next& next) {
  std::vector<SeriesId> series(count);
  for (size_t i = 0; i < count; ++i) series[i] = static_cast<SeriesId>(next(i));
  return series;
}

TEST_CASE_METHOD(SortFixture, "sort: runs in ascending order stay where they are") {
  std::mt19937_64 random(1);
  for (const size_t count : kCounts) {
    for (const size_t run : {1, 3, 8, 100, 40'000}) {
      CAPTURE(count, run);
      CheckParts(Fill(count, [&](size_t i) { return i / run; }), random);
      CheckParts(Fill(count, [&](size_t i) { return kInvalidSeriesId - 40'000 + i / run; }),
                 random);
    }
  }
}

TEST_CASE_METHOD(SortFixture, "sort: long runs out of order, some of one series") {
  std::mt19937_64 random(2);
  for (const size_t count : kCounts) {
    for (const size_t run : {7, 8, 9, 64, 500}) {
      CAPTURE(count, run);
      CheckParts(Fill(count, [&](size_t i) { return 1'000'000 - i / run; }), random);
      CheckParts(Fill(count, [&](size_t i) { return i / run * 7919 % 13; }), random);
      CheckParts(Fill(count, [&](size_t i) { return (i / run % 2) * kInvalidSeriesId; }), random);
    }
  }
}

TEST_CASE_METHOD(SortFixture, "sort: what came by columns, to the end of the part or not") {
  std::mt19937_64 random(3);
  for (const size_t count : {64, 1'000, 4'096, 32'768}) {
    for (const size_t run : {64, 100, 512, 40'000}) {
      for (const uint64_t multiplier : {1, 7, 13'337}) {
        CAPTURE(count, run, multiplier);
        std::vector<SeriesId> series =
            Fill(count, [&](size_t i) { return i / run * multiplier % 1'009; });
        const bool short_end = count % run < 64;
        REQUIRE(DescribeByColumns(series, count) == (short_end ? count - count % run : count));
        CheckParts(series, random);
        // Records by themselves follow, from the middle on.
        for (size_t i = count / 2; i < count; ++i) series[i] = static_cast<SeriesId>(random() % 50);
        DescribeByColumns(series, count / 2);
        CheckParts(series, random);
      }
    }
  }
}

TEST_CASE_METHOD(SortFixture, "sort: pieces of one series are one stretch, short ones none") {
  ingest::Stretches& stretches = EmptyStretches();
  REQUIRE(stretches.Extend(5, 0, 64));
  REQUIRE(stretches.Extend(5, 64, 100));
  REQUIRE(!stretches.Extend(5, 164, 63));   // too short
  REQUIRE(!stretches.Extend(5, 200, 100));  // records in between that came otherwise
  REQUIRE(stretches.Extend(4, 164, 64));
  REQUIRE(stretches.end() == 228);
  size_t visits = 0;
  stretches.Visit(100, 228, [&](SeriesId series, uint32_t begin, uint32_t end) {
    REQUIRE(series == (visits == 0 ? 5 : 4));
    REQUIRE(begin == (visits == 0 ? 100 : 164));
    REQUIRE(end == (visits == 0 ? 164 : 228));
    ++visits;
  });
  REQUIRE(visits == 2);
  REQUIRE(EmptyStretches().end() == 0);
  // As many as there is room for.
  for (uint32_t i = 0; i < room_.size(); ++i) REQUIRE(stretches.Extend(i % 2, 64 * i, 64));
  REQUIRE(stretches.end() == kChunkRecordsMax);
}

TEST_CASE_METHOD(SortFixture, "sort: a few series mixed") {
  std::mt19937_64 random(3);
  for (const size_t count : kCounts) {
    for (const size_t range : {2, 3, 10, 1'000, 30'000}) {
      CAPTURE(count, range);
      CheckParts(Fill(count, [&](size_t) { return 77 + random() % range; }), random);
    }
  }
}

TEST_CASE_METHOD(SortFixture, "sort: series far apart, mixed") {
  std::mt19937_64 random(4);
  for (const size_t count : kCounts) {
    for (const uint64_t range :
         {uint64_t{count} * 4, uint64_t{count} * 4 + 1, uint64_t{1} << 22, uint64_t{1} << 32}) {
      CAPTURE(count, range);
      CheckParts(Fill(count, [&](size_t) { return random() % range; }), random);
    }
  }
}

TEST_CASE_METHOD(SortFixture, "sort: one series alone, and two that alternate") {
  std::mt19937_64 random(5);
  for (const size_t count : kCounts) {
    CheckParts(Fill(count, [](size_t) { return kInvalidSeriesId; }), random);
    CheckParts(Fill(count, [](size_t i) { return i % 2 == 0 ? kInvalidSeriesId : 0; }), random);
  }
}

// Rows as scrapes write them: the same series in the same order, begun anywhere, ended anywhere.
TEST_CASE_METHOD(SortFixture, "sort: rows of ascending series, rotated, with partial rows") {
  std::mt19937_64 random(6);
  for (const size_t length : {2, 7, 8, 9, 15, 16, 17, 64, 100, 500, 1'000, 1'024, 2'048, 4'097}) {
    for (const size_t stride : {1, 3, 100'000}) {
      for (const size_t count :
           {length * 8, length * 8 + 1, length * 9 - 1, size_t{16'384}, size_t{32'768}}) {
        if (count > kChunkRecordsMax) continue;
        const size_t rotated = random() % length;
        CAPTURE(length, stride, count, rotated);
        CheckParts(Fill(count, [&](size_t i) { return (i + rotated) % length * stride; }), random);
      }
    }
  }
}

TEST_CASE_METHOD(SortFixture, "sort: rows whose series are in no order, or repeat within the row") {
  std::mt19937_64 random(7);
  for (const size_t length : {8, 9, 64, 100, 1'000, 2'048}) {
    for (const bool distinct : {true, false}) {
      CAPTURE(length, distinct);
      std::vector<SeriesId> row = Fill(length, [](size_t i) { return i * 3; });
      std::shuffle(row.begin(), row.end(), random);
      if (!distinct) row[length / 2] = row[length / 3];
      const size_t count = std::min<size_t>(kChunkRecordsMax, length * 20 + 5);
      CheckParts(Fill(count, [&](size_t i) { return row[i % length]; }), random);
    }
  }
}

TEST_CASE_METHOD(SortFixture, "sort: rows that break their pattern at one place") {
  std::mt19937_64 random(8);
  for (const size_t length : {8, 64, 100, 1'000}) {
    const size_t count = std::min<size_t>(kChunkRecordsMax, length * 30);
    const std::vector<SeriesId> rows = Fill(count, [&](size_t i) { return i % length; });
    for (int i = 0; i < 30; ++i) {
      std::vector<SeriesId> broken = rows;
      const size_t at = i == 0 ? 0 : i == 1 ? count - 1 : random() % count;
      CAPTURE(length, at);
      switch (i % 3) {
        case 0:  // another series
          broken[at] = static_cast<SeriesId>(random() % (2 * length));
          break;
        case 1:  // one left out
          broken.erase(broken.begin() + static_cast<ptrdiff_t>(at));
          break;
        default:  // one twice
          broken.insert(broken.begin() + static_cast<ptrdiff_t>(at), broken[at]);
      }
      broken.resize(std::min(broken.size(), count));
      CheckParts(broken, random);
    }
  }
}

TEST_CASE_METHOD(SortFixture, "sort: rows of two scrapers one after the other, and in turn") {
  std::mt19937_64 random(9);
  for (const size_t length : {10, 100, 1'000}) {
    const size_t count = std::min<size_t>(kChunkRecordsMax, length * 32);
    CheckParts(
        Fill(count, [&](size_t i) { return i < count / 2 ? i % length : 5'000 + i % length; }),
        random);
    CheckParts(
        Fill(count, [&](size_t i) { return i / length % 2 == 0 ? i % length : 500 + i % length; }),
        random);
    CheckParts(Fill(count, [&](size_t i) { return i % length == 0 ? 0 : i % length * 2; }), random);
  }
}

}  // namespace
}  // namespace tsdb::merge
