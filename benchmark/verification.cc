#include "benchmark/verification.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tsdb::benchmark {
namespace {

// Places from the start of both at which timestamp and value are equal, until the first that
// differs.
size_t EqualPrefix(const Timestamp* timestamps, const double* values, const ColumnBlock& block,
                   size_t count) {
  if (std::memcmp(timestamps, block.timestamps.data(), count * sizeof(Timestamp)) == 0 &&
      std::memcmp(values, block.values.data(), count * sizeof(double)) == 0) {
    return count;
  }
  size_t equal = 0;
  while (timestamps[equal] == block.timestamps[equal] &&
         std::memcmp(values + equal, block.values.data() + equal, sizeof(double)) == 0) {
    ++equal;
  }
  return equal;
}

// Compares what a scan of one series gives with the workload, block by block, whatever the blocks'
// sizes.
class SeriesComparison {
 public:
  SeriesComparison(const Workload& workload, SeriesId series)
      : series_(series), truth_(workload, series, 0, workload.samples()) {}

  // Compares what the cursor yields; `complete`: the workload must have no more than that.
  void Compare(Cursor& cursor, bool complete) {
    truth_size_ = truth_.Next();
    for (ColumnBlock block; cursor.Next(block);) Compare(block);
    if (complete && truth_size_ > 0) Note("and what follows it are missing");
  }

  const ReadBack& read_back() const { return read_back_; }
  // The first difference, empty if there is none.
  const std::string& difference() const { return difference_; }

 private:
  void Compare(const ColumnBlock& block) {
    if (block.timestamps.size() != block.values.size()) Note("has columns of unequal length");
    read_back_.records += block.size();
    for (size_t used = 0; used < block.size();) {
      if (truth_size_ == 0) {
        Note("was never written");
        return;
      }
      const size_t count = std::min(truth_size_ - truth_used_, block.size() - used);
      const ColumnBlock rest = {block.timestamps.subspan(used), block.values.subspan(used)};
      const size_t equal = EqualPrefix(truth_.timestamps() + truth_used_,
                                       truth_.values() + truth_used_, rest, count);
      read_back_.matches += equal;
      sample_ += equal;
      if (equal < count) Note("is not what was written");
      const size_t step = std::max<size_t>(equal, 1);  // past a sample that differs
      sample_ += step - equal;
      used += step;
      truth_used_ += step;
      if (truth_used_ == truth_size_) {
        truth_size_ = truth_.Next();
        truth_used_ = 0;
      }
    }
  }

  void Note(const char* what) {
    if (!difference_.empty()) return;
    difference_ =
        "series " + std::to_string(series_) + ", sample " + std::to_string(sample_) + " " + what;
  }

  SeriesId series_;
  SeriesReader truth_;
  size_t truth_size_ = 0, truth_used_ = 0;
  uint64_t sample_ = 0;
  ReadBack read_back_;
  std::string difference_;
};

// Compares the series of the share on all cores; kDataLoss unless all are equal and `records` came
// back.
absl::Status CompareShare(Database& database, const Workload& workload, const Share& share,
                          uint64_t records, bool complete, ReadBack& read_back) {
  constexpr SeriesId kBatch = 64;
  const Snapshot snapshot = database.NewSnapshot();
  std::atomic<uint64_t> next{share.series_begin};
  std::mutex mutex;
  std::string first_difference;
  const auto compare = [&] {
    ReadBack own;
    std::string difference;
    // The counter only hands out work: relaxed is enough.
    for (uint64_t begin;
         (begin = next.fetch_add(kBatch, std::memory_order_relaxed)) < share.series_end;) {
      const uint64_t end = std::min<uint64_t>(share.series_end, begin + kBatch);
      for (uint64_t series = begin; series < end; ++series) {
        SeriesComparison comparison(workload, static_cast<SeriesId>(series));
        Cursor cursor = snapshot.Scan(static_cast<SeriesId>(series));
        comparison.Compare(cursor, complete);
        own.records += comparison.read_back().records;
        own.matches += comparison.read_back().matches;
        if (difference.empty()) difference = comparison.difference();
      }
    }
    const std::lock_guard lock(mutex);
    read_back.records += own.records;
    read_back.matches += own.matches;
    if (first_difference.empty()) first_difference = difference;
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i)
      threads.emplace_back(compare);
    compare();
  }
  if (read_back.records == records && read_back.matches == records && first_difference.empty()) {
    return absl::OkStatus();
  }
  return absl::DataLossError("read back " + std::to_string(read_back.records) + " records of " +
                             std::to_string(records) + ", " + std::to_string(read_back.matches) +
                             " equal; " + first_difference);
}

}  // namespace

absl::Status CheckLedger(const Stats& stats, uint64_t records) {
  const Ledger& ledger = stats.ledger;
  std::string problems;
  const auto expect = [&](const char* what, uint64_t is, uint64_t should_be) {
    if (is == should_be) return;
    problems += std::string(problems.empty() ? "" : "; ") + what + " is " + std::to_string(is) +
                ", should be " + std::to_string(should_be);
  };
  expect("appended", ledger.appended, records);
  expect("accepted", ledger.accepted, records);
  expect("rejected", ledger.Rejected(), 0);
  expect("buffered after the flush", ledger.Buffered(), 0);
  expect("merged", ledger.merged, records);
  expect("replaced", ledger.replaced, 0);
  expect("deleted", ledger.deleted, 0);
  expect("in tree", ledger.in_tree, records);
  expect("encoded and open records", stats.encoded_records + stats.open_records, records);
  expect("ledger balanced", ledger.Balanced(), 1);
  return problems.empty() ? absl::OkStatus() : absl::DataLossError("ledger: " + problems);
}

absl::Status CheckContent(Database& database, const Workload& workload, ReadBack& read_back) {
  return CompareShare(database, workload, workload.Whole(), workload.records(), true, read_back);
}

absl::Status CheckPrefixes(Database& database, const Workload& workload, const Share& share,
                           uint64_t records, ReadBack& read_back) {
  return CompareShare(database, workload, share, records, false, read_back);
}

}  // namespace tsdb::benchmark
