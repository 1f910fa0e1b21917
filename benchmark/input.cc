#include "benchmark/input.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <thread>
#include <utility>

#include "benchmark/recorded_input.h"
#include "benchmark/workload_kernels.h"

namespace tsdb::benchmark {
namespace {

// Keys and walks of a share's series, and how the walks began.
struct Walks {
  Walks(const Workload& workload, const Share& share)
      : keys(share.series()), start(share.series()) {
    for (size_t i = 0; i < keys.size(); ++i) {
      const SeriesId series = static_cast<SeriesId>(share.series_begin + i);
      keys[i] = workload.Key(series);
      start[i] = workload.CentsBefore(series, share.sample_begin);
    }
    now = start;
  }
  std::vector<uint32_t> keys;
  std::vector<int32_t> start;
  std::vector<int32_t> now;
};

// Scrape order: at each time, each series. A block is part of a row, or, when few series share the
// row, several rows.
class RowInput final : public InputStream {
 public:
  RowInput(const Workload& workload, const Share& share)
      : share_(share),
        walks_(workload, share),
        rows_at_once_(std::max<size_t>(1, kRowRecords / std::max<size_t>(1, share.series()))),
        series_(share.series() * rows_at_once_) {
    for (size_t i = 0; i < series_.size(); ++i) {
      series_[i] = static_cast<SeriesId>(share.series_begin + i % share.series());
    }
    Rewind();
  }

  void Rewind() override {
    walks_.now = walks_.start;
    sample_ = share_.sample_begin;
    column_ = 0;
  }

  bool Next(RecordBlock& block) override {
    const size_t width = walks_.now.size();
    if (width == 0 || sample_ == share_.sample_end) return false;
    if (rows_at_once_ > 1) {
      const size_t rows = std::min<uint64_t>(rows_at_once_, share_.sample_end - sample_);
      for (size_t row = 0; row < rows; ++row) {
        MakeRow(walks_.keys.data(), walks_.now.data(), width, sample_++, timestamps_ + row * width,
                values_ + row * width);
      }
      block = {series_.data(), timestamps_, values_, rows * width};
      return true;
    }
    const size_t count = std::min(kRowRecords, width - column_);
    MakeRow(walks_.keys.data() + column_, walks_.now.data() + column_, count, sample_, timestamps_,
            values_);
    block = {series_.data() + column_, timestamps_, values_, count};
    column_ += count;
    if (column_ == width) {
      column_ = 0;
      ++sample_;
    }
    return true;
  }

 private:
  // Fewer than kBlockRecords: keys and walks want room in the first-level cache too.
  static constexpr size_t kRowRecords = 256;

  Share share_;
  Walks walks_;
  size_t rows_at_once_;
  std::vector<SeriesId> series_;
  uint64_t sample_ = 0;
  size_t column_ = 0;
  alignas(64) Timestamp timestamps_[kRowRecords];
  alignas(64) double values_[kRowRecords];
};

// Rounds of `round_samples` samples of each series, in blocks of one series.
class ColumnInput final : public InputStream {
 public:
  ColumnInput(const Workload& workload, const Share& share, uint64_t round_samples,
              size_t block_samples)
      : share_(share),
        walks_(workload, share),
        round_samples_(round_samples),
        block_samples_(block_samples) {
    Rewind();
  }

  void Rewind() override {
    walks_.now = walks_.start;
    series_index_ = 0;
    StartRound(share_.sample_begin);
    SetSeries();
  }

  bool Next(RecordBlock& block) override {
    if (sample_ == round_end_ && !NextSeries()) return false;
    const size_t count = std::min<uint64_t>(block_samples_, round_end_ - sample_);
    MakeColumn(walks_.keys[series_index_], walks_.now[series_index_], sample_, count, timestamps_,
               values_, cents_);
    block = {series_, timestamps_, values_, count};
    sample_ += count;
    return true;
  }

 private:
  void StartRound(uint64_t begin) {
    round_begin_ = sample_ = begin;
    round_end_ = std::min(share_.sample_end, begin + round_samples_);
    if (share_.series() == 0) round_end_ = begin;
  }

  void SetSeries() {
    std::fill_n(series_, kBlockRecords, static_cast<SeriesId>(share_.series_begin + series_index_));
  }

  // On to the next series, after the last one to the next round; false after the last round.
  bool NextSeries() {
    if (share_.records() == 0) return false;
    if (series_index_ + 1 < share_.series()) {
      ++series_index_;
      sample_ = round_begin_;
    } else {
      if (round_end_ == share_.sample_end) return false;
      series_index_ = 0;
      StartRound(round_end_);
    }
    SetSeries();
    return true;
  }

  Share share_;
  Walks walks_;
  uint64_t round_samples_;
  size_t block_samples_;
  size_t series_index_ = 0;
  uint64_t round_begin_ = 0, round_end_ = 0, sample_ = 0;
  alignas(64) SeriesId series_[kBlockRecords];
  alignas(64) Timestamp timestamps_[kBlockRecords];
  alignas(64) double values_[kBlockRecords];
  alignas(64) int32_t cents_[kBlockRecords];
};

class DefectiveInput final : public InputStream {
 public:
  DefectiveInput(std::unique_ptr<InputStream> stream, Defect defect)
      : stream_(std::move(stream)), defect_(defect) {}

  void Rewind() override {
    stream_->Rewind();
    first_ = true;
  }

  bool Next(RecordBlock& block) override {
    if (!stream_->Next(block)) return false;
    if (std::exchange(first_, false)) Damage(block);
    return true;
  }

 private:
  void Damage(RecordBlock& block) {
    series_.clear();
    timestamps_.clear();
    values_.clear();
    const size_t middle = block.size / 2;
    for (size_t i = 0; i < block.size; ++i) Push(block, i);
    if (defect_ == Defect::kChangedValue) {
      values_[middle] = std::bit_cast<double>(std::bit_cast<uint64_t>(values_[middle]) ^ 1);
    } else if (defect_ == Defect::kDoubledRecord) {
      Push(block, middle);
    } else {
      series_.erase(series_.begin() + static_cast<ptrdiff_t>(middle));
      timestamps_.erase(timestamps_.begin() + static_cast<ptrdiff_t>(middle));
      values_.erase(values_.begin() + static_cast<ptrdiff_t>(middle));
    }
    block = {series_.data(), timestamps_.data(), values_.data(), series_.size()};
  }

  void Push(const RecordBlock& block, size_t index) {
    series_.push_back(block.series[index]);
    timestamps_.push_back(block.timestamps[index]);
    values_.push_back(block.values[index]);
  }

  std::unique_ptr<InputStream> stream_;
  Defect defect_;
  bool first_ = true;
  std::vector<SeriesId> series_;
  std::vector<Timestamp> timestamps_;
  std::vector<double> values_;
};

}  // namespace

std::unique_ptr<InputStream> MakeInput(const Workload& workload, const Share& share,
                                       const InputOptions& options) {
  // A row of one series is a column of it, and cheaper to make.
  const size_t column_samples = options.column_samples;
  switch (options.order) {
    case Order::kScrape:
      if (options.shape == Shape::kRecords && share.series() != 1) {
        return std::make_unique<RowInput>(workload, share);
      }
      return std::make_unique<ColumnInput>(workload, share, column_samples, column_samples);
    case Order::kSeries:
      return std::make_unique<ColumnInput>(workload, share, share.samples(), column_samples);
    case Order::kShuffled:
      return MakeShuffledInput(workload, share);
    case Order::kLate:
      return MakeLateInput(workload, share);
  }
  return nullptr;
}

std::vector<std::unique_ptr<InputStream>> MakeInputs(const Workload& workload,
                                                     const std::vector<Share>& shares,
                                                     const InputOptions& options) {
  std::vector<std::unique_ptr<InputStream>> inputs(shares.size());
  std::atomic<size_t> next{0};
  // The counter only hands out work: relaxed is enough, joining the threads publishes the results.
  const auto make = [&] {
    for (size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < shares.size();) {
      inputs[i] = MakeInput(workload, shares[i], options);
    }
  };
  std::vector<std::jthread> threads;
  const size_t cores = std::max(1u, std::thread::hardware_concurrency());
  for (size_t i = 1; i < std::min(cores, shares.size()); ++i) threads.emplace_back(make);
  make();
  threads.clear();
  return inputs;
}

std::unique_ptr<InputStream> WithDefect(std::unique_ptr<InputStream> stream, Defect defect) {
  if (defect == Defect::kNone) return stream;
  return std::make_unique<DefectiveInput>(std::move(stream), defect);
}

}  // namespace tsdb::benchmark
