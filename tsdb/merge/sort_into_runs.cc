#include "tsdb/merge/sort_into_runs.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "storage/base/status_macros.h"
#include "storage/codec/instruction_set.h"
#include "tsdb/merge/transpose.h"

namespace tsdb::merge {
namespace {

// A run this long on average is cheaper to leave where it is than to copy.
constexpr size_t kRunRecordsMin = 8;
// Ranges of series numbers up to this many times the records are counted directly.
constexpr uint64_t kCountingRangeFactor = 4;
// Rows shorter or fewer than a tile are left to the counting sort.
constexpr uint32_t kRowLengthMin = 8;
constexpr uint32_t kRowsMin = 8;

// Columns a line and a bit apart from a power of two, so that equal positions differ in cache set.
constexpr size_t kColumnGap = 192;

struct Survey {
  size_t breaks = 0;  // positions where the series changes
  bool ascending = true;
};

struct Range {
  SeriesId lowest, highest;
};

inline __attribute__((always_inline)) Survey SurveyLoop(const SeriesId* series, size_t count) {
  uint32_t breaks = 0;
  uint32_t descents = 0;
  for (size_t i = 1; i < count; ++i) {
    breaks += series[i] != series[i - 1];
    descents += series[i] < series[i - 1];
  }
  return {breaks, descents == 0};
}

inline __attribute__((always_inline)) Range RangeLoop(const SeriesId* series, size_t count) {
  Range range{series[0], series[0]};
  for (size_t i = 1; i < count; ++i) {
    range.lowest = std::min(range.lowest, series[i]);
    range.highest = std::max(range.highest, series[i]);
  }
  return range;
}

// Every record's series is looked at, so it is worth the vectors.
struct Looks {
  Survey (*survey)(const SeriesId*, size_t);
  Range (*range)(const SeriesId*, size_t);
};

#if defined(__x86_64__)
__attribute__((target("avx512f"))) Survey SurveyAvx512(const SeriesId* series, size_t count) {
  return SurveyLoop(series, count);
}
__attribute__((target("avx512f"))) Range RangeAvx512(const SeriesId* series, size_t count) {
  return RangeLoop(series, count);
}
__attribute__((target("avx2"))) Survey SurveyAvx2(const SeriesId* series, size_t count) {
  return SurveyLoop(series, count);
}
__attribute__((target("avx2"))) Range RangeAvx2(const SeriesId* series, size_t count) {
  return RangeLoop(series, count);
}
#endif

Survey SurveyPortable(const SeriesId* series, size_t count) { return SurveyLoop(series, count); }
Range RangePortable(const SeriesId* series, size_t count) { return RangeLoop(series, count); }

Looks ChooseLooks() {
#if defined(__x86_64__)
  const codec::InstructionSet set = codec::ActiveInstructionSet();
  if (set == codec::InstructionSet::kAvx512) return {SurveyAvx512, RangeAvx512};
  if (set == codec::InstructionSet::kAvx2) return {SurveyAvx2, RangeAvx2};
#endif
  return {SurveyPortable, RangePortable};
}

// First position after `begin` with another series. Runs are long here, so steps double; where
// series ascend, equal ends mean equal throughout.
uint32_t EndOfRun(const SeriesId* series, uint32_t begin, uint32_t count, bool ascending) {
  uint32_t end = begin + 1;
  if (ascending) {
    uint32_t step = 1;
    while (end + step <= count && series[end + step - 1] == series[begin]) {
      end += step;
      step *= 2;
    }
    const uint32_t bound = std::min(count, end + step);
    return static_cast<uint32_t>(std::upper_bound(series + end, series + bound, series[begin]) -
                                 series);
  }
  while (end < count && series[end] == series[begin]) ++end;
  return end;
}

// The batch's runs, which were found as they lie in the chunk, in their order.
void UseRunsInPlace(RunBatch& batch, bool ascending) {
  if (!ascending) {
    std::sort(batch.runs.begin(), batch.runs.end(), [](const Run& a, const Run& b) {
      return a.series != b.series ? a.series < b.series : a.begin < b.begin;
    });
  }
  batch.times = batch.part.chunk->times + batch.part.begin;
  batch.values = batch.part.chunk->values + batch.part.begin;
  batch.holds_chunk = true;
}

void TakeRunsInPlace(RunBatch& batch, const SeriesId* series, uint32_t count, bool ascending) {
  for (uint32_t begin = 0; begin < count;) {
    const uint32_t end = EndOfRun(series, begin, count, ascending);
    batch.runs.push_back({series[begin], begin, end - begin});
    begin = end;
  }
  UseRunsInPlace(batch, ascending);
}

// Of a part that came by columns to the end.
void TakeStretches(RunBatch& batch) {
  const Part& part = batch.part;
  bool ascending = true;
  part.chunk->stretches.Visit(
      part.begin, part.end, [&](SeriesId series, uint32_t begin, uint32_t end) {
        ascending = ascending && (batch.runs.empty() || batch.runs.back().series <= series);
        batch.runs.push_back({series, begin - part.begin, end - begin});
      });
  UseRunsInPlace(batch, ascending);
}

// The number of columns if the part is rows of the same distinct series in the same order (what a
// scrape writes), else 0. The part may begin and end within a row.
uint32_t RowLength(const SeriesId* series, uint32_t count) {
  const SeriesId* again = std::find(series + 1, series + count, series[0]);
  const auto length = static_cast<uint32_t>(again - series);
  // Few rows would be copied in pieces too short to gain by it.
  if (length < kRowLengthMin || count / length < kRowsMin) return 0;
  // Ascending but for one step down, and that below the first: a row begun somewhere in its middle,
  // so no series twice.
  uint32_t descents = 0;
  for (uint32_t i = 1; i < length; ++i) descents += series[i] <= series[i - 1];
  if (descents > 1 || (descents == 1 && series[length - 1] >= series[0])) return 0;
  const bool repeats =
      std::memcmp(series, series + length, (count - length) * sizeof(SeriesId)) == 0;
  return repeats ? length : 0;
}

// Turns rows into runs: a transposition, in tiles of eight by eight.
void SortRows(RunBatch& batch, const SeriesId* series, const Timestamp* times, const double* values,
              uint32_t count, uint32_t length) {
  const uint32_t rows = count / length;
  const uint32_t rest = count % length;  // columns of one more, partial row
  uint32_t first = 0;                    // column of the lowest series
  for (uint32_t i = 1; i < length; ++i) first = series[i] < series[i - 1] ? i : first;
  batch.counts.resize(length);
  uint32_t* begins = batch.counts.data();
  uint32_t begin = 0;
  for (uint32_t i = 0; i < length; ++i) {
    const uint32_t column = first + i < length ? first + i : first + i - length;
    const uint32_t records = rows + (column < rest);
    batch.runs.push_back({series[column], begin, records});
    begins[column] = begin;
    begin += records;
  }
  Transpose(reinterpret_cast<const uint64_t*>(times), rows, length, begins,
            reinterpret_cast<uint64_t*>(batch.sorted_times));
  Transpose(reinterpret_cast<const uint64_t*>(values), rows, length, begins,
            reinterpret_cast<uint64_t*>(batch.sorted_values));
  for (uint32_t column = 0; column < rest; ++column) {
    const uint32_t from = rows * length + column;
    batch.sorted_times[begins[column] + rows] = times[from];
    batch.sorted_values[begins[column] + rows] = values[from];
  }
}

// Counting sort by series. REQUIRES: all series in [lowest, lowest + range).
void SortByCounting(RunBatch& batch, const SeriesId* series, const Timestamp* times,
                    const double* values, uint32_t count, SeriesId lowest, size_t range) {
  batch.counts.assign(range, 0);
  uint32_t* counts = batch.counts.data();
  for (uint32_t i = 0; i < count; ++i) ++counts[series[i] - lowest];
  uint32_t begin = 0;
  for (size_t s = 0; s < range; ++s) {
    const uint32_t records = counts[s];
    if (records == 0) continue;
    batch.runs.push_back({lowest + static_cast<SeriesId>(s), begin, records});
    counts[s] = begin;
    begin += records;
  }
  Timestamp* to_times = batch.sorted_times;
  double* to_values = batch.sorted_values;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t at = counts[series[i] - lowest]++;
    to_times[at] = times[i];
    to_values[at] = values[i];
  }
}

// Least significant digit first over (series, position) pairs, 11 bits a digit; then one gather.
void SortByRadix(RunBatch& batch, const SeriesId* series, const Timestamp* times,
                 const double* values, uint32_t count, SeriesId lowest, uint64_t range) {
  constexpr uint32_t kDigitBits = 11;
  batch.keys.resize(count);
  batch.keys_swap.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    batch.keys[i] = uint64_t{series[i] - lowest} << 32 | i;
  }
  for (uint32_t shift = 32; shift < 64 && (range - 1) >> (shift - 32) != 0; shift += kDigitBits) {
    uint32_t offsets[1u << kDigitBits] = {};
    constexpr uint64_t kMask = (1u << kDigitBits) - 1;
    for (uint64_t key : batch.keys) ++offsets[(key >> shift) & kMask];
    uint32_t sum = 0;
    for (uint32_t& offset : offsets) sum += std::exchange(offset, sum);
    for (uint64_t key : batch.keys) batch.keys_swap[offsets[(key >> shift) & kMask]++] = key;
    batch.keys.swap(batch.keys_swap);
  }
  for (uint32_t i = 0; i < count; ++i) {
    const auto from = static_cast<uint32_t>(batch.keys[i]);
    const SeriesId id = lowest + static_cast<SeriesId>(batch.keys[i] >> 32);
    batch.sorted_times[i] = times[from];
    batch.sorted_values[i] = values[from];
    if (batch.runs.empty() || batch.runs.back().series != id) {
      batch.runs.push_back({id, i, 1});
    } else {
      ++batch.runs.back().count;
    }
  }
}

}  // namespace

size_t ScratchBytes(uint32_t records) { return records * sizeof(Sample) + kColumnGap; }

absl::Status PrepareBatch(RunBatch& batch, uint32_t records) {
  const size_t column_bytes = records * sizeof(Timestamp);
  TSDB_ASSIGN_OR_RETURN(batch.memory, HugeRegion::Map(ScratchBytes(records), /*prefault=*/true));
  batch.capacity = records;
  auto* base = static_cast<char*>(batch.memory.data());
  batch.sorted_times = reinterpret_cast<Timestamp*>(base);
  batch.sorted_values = reinterpret_cast<double*>(base + column_bytes + kColumnGap);
  return absl::OkStatus();
}

void SortIntoRuns(RunBatch& batch, absl::FunctionRef<void()> make_room) {
  const Part& part = batch.part;
  const uint32_t count = part.end - part.begin;
  batch.runs.clear();
  batch.holds_chunk = false;
  const uint32_t stretches_end = part.chunk->stretches.end();
  if (part.end <= stretches_end) {
    TakeStretches(batch);
    return;
  }
  if (part.begin < stretches_end) {
    part.chunk->stretches.Visit(
        part.begin, stretches_end, [&](SeriesId series, uint32_t begin, uint32_t end) {
          std::fill(part.chunk->series + begin, part.chunk->series + end, series);
        });
  }
  const SeriesId* series = part.chunk->series + part.begin;
  const Survey survey = ChooseLooks().survey(series, count);
  if (survey.ascending || (survey.breaks + 1) * kRunRecordsMin <= count) {
    TakeRunsInPlace(batch, series, count, survey.ascending);
    return;
  }
  const Timestamp* times = part.chunk->times + part.begin;
  const double* values = part.chunk->values + part.begin;
  make_room();
  batch.times = batch.sorted_times;
  batch.values = batch.sorted_values;
  if (const uint32_t length = RowLength(series, count); length > 0) {
    SortRows(batch, series, times, values, count, length);
    return;
  }
  const auto [lowest, highest] = ChooseLooks().range(series, count);
  const uint64_t range = uint64_t{highest} - lowest + 1;
  if (range <= count * kCountingRangeFactor) {
    SortByCounting(batch, series, times, values, count, lowest, range);
  } else {
    SortByRadix(batch, series, times, values, count, lowest, range);
  }
}

}  // namespace tsdb::merge
