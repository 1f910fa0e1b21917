#include "benchmark/recorded_input.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "benchmark/huge_array.h"
#include "benchmark/workload_kernels.h"

namespace tsdb::benchmark {
namespace {

constexpr uint64_t kDelayRowsMax = 3600;
constexpr uint32_t kLateOf65536 = 3277;  // five in a hundred

class RecordedInput final : public InputStream {
 public:
  explicit RecordedInput(size_t records)
      : series_(records), offsets_ms_(records), cents_(records) {}

  void Put(size_t position, SeriesId series, Timestamp timestamp, int32_t cents) {
    series_[position] = series;
    offsets_ms_[position] = static_cast<uint32_t>(timestamp - kTimeOrigin);
    cents_[position] = cents;
  }

  void Rewind() override { position_ = 0; }

  bool Next(RecordBlock& block) override {
    const size_t count = std::min(kBlockRecords, series_.size() - position_);
    if (count == 0) return false;
    ExpandRecords(offsets_ms_.data() + position_, cents_.data() + position_, count, timestamps_,
                  values_);
    block = {series_.data() + position_, timestamps_, values_, count};
    position_ += count;
    return true;
  }

 private:
  HugeArray<SeriesId> series_;
  HugeArray<uint32_t> offsets_ms_;
  HugeArray<int32_t> cents_;
  size_t position_ = 0;
  alignas(64) Timestamp timestamps_[kBlockRecords];
  alignas(64) double values_[kBlockRecords];
};

// A permutation of 0 .. size - 1 that needs no memory: three rounds of invertible steps on as many
// bits as the size has, repeated for results that fall outside.
class Permutation {
 public:
  Permutation(uint64_t size, uint64_t seed) : size_(size) {
    bits_ = std::max(2, static_cast<int>(std::bit_width(size - 1)));
    mask_ = (uint64_t{1} << bits_) - 1;
    for (uint64_t& key : keys_) key = seed = Mix64(seed);
  }

  uint64_t operator()(uint64_t index) const {
    do {
      for (const uint64_t key : keys_) {
        index = (index * (key | 1) + (key >> 32)) & mask_;
        index ^= index >> (bits_ / 2);
        index = (index * 0x9E3779B97F4A7C15u) & mask_;
        index ^= index >> ((bits_ + 1) / 2);
      }
    } while (index >= size_);
    return index;
  }

 private:
  uint64_t size_;
  int bits_;
  uint64_t mask_;
  uint64_t keys_[3];
};

// Rows that the record comes late by; 0 for most.
uint64_t DelayRows(uint32_t key, uint64_t sample) {
  const uint32_t hash = Mix(Mix(key ^ 0x2545F491u) + static_cast<uint32_t>(sample) * 0x9E3779B9u);
  if ((hash & 0xFFFF) >= kLateOf65536) return 0;
  return 1 + (((hash >> 16) * kDelayRowsMax) >> 16);
}

}  // namespace

std::unique_ptr<InputStream> MakeShuffledInput(const Workload& workload, const Share& share) {
  auto input = std::make_unique<RecordedInput>(share.records());
  if (share.records() == 0) return input;
  const Permutation permutation(
      share.records(), Mix64(workload.seed()) ^ share.series_begin ^ (share.sample_begin << 32));
  uint64_t index = 0;
  for (SeriesId series = share.series_begin; series < share.series_end; ++series) {
    SeriesReader reader(workload, series, share.sample_begin, share.sample_end);
    while (const size_t count = reader.Next()) {
      for (size_t i = 0; i < count; ++i) {
        input->Put(permutation(index++), series, reader.timestamps()[i], reader.cents()[i]);
      }
    }
  }
  return input;
}

std::unique_ptr<InputStream> MakeLateInput(const Workload& workload, const Share& share) {
  auto input = std::make_unique<RecordedInput>(share.records());
  const size_t width = share.series();
  std::vector<uint32_t> keys(width);
  std::vector<int32_t> walks(width);
  for (size_t i = 0; i < width; ++i) {
    const SeriesId series = static_cast<SeriesId>(share.series_begin + i);
    keys[i] = workload.Key(series);
    walks[i] = workload.CentsBefore(series, share.sample_begin);
  }
  // Records of a row are all of it that is on time, and what arrives with it late. One row more
  // than there are takes what is late beyond the end.
  const uint64_t rows = share.samples();
  const auto arrival_row = [&](size_t i, uint64_t row) {
    return std::min(rows, row + DelayRows(keys[i], share.sample_begin + row));
  };
  std::vector<uint64_t> late_position(rows + 2, 0);
  std::vector<uint64_t> on_time_position(rows + 2, 0);
  for (uint64_t row = 0; row < rows; ++row) {
    for (size_t i = 0; i < width; ++i) {
      const uint64_t arrival = arrival_row(i, row);
      ++(arrival == row ? on_time_position : late_position)[arrival];
    }
  }
  uint64_t position = 0;
  for (uint64_t row = 0; row <= rows; ++row) {
    const uint64_t late = late_position[row], on_time = on_time_position[row];
    late_position[row] = position;
    on_time_position[row] = position + late;
    position += late + on_time;
  }
  std::vector<Timestamp> timestamps(width);
  std::vector<double> values(width);
  for (uint64_t row = 0; row < rows; ++row) {
    MakeRow(keys.data(), walks.data(), width, share.sample_begin + row, timestamps.data(),
            values.data());
    for (size_t i = 0; i < width; ++i) {
      const uint64_t arrival = arrival_row(i, row);
      uint64_t& next = (arrival == row ? on_time_position : late_position)[arrival];
      input->Put(next++, static_cast<SeriesId>(share.series_begin + i), timestamps[i], walks[i]);
    }
  }
  return input;
}

}  // namespace tsdb::benchmark
