// What one writer appends: a stream of blocks of records in a given order, cheap enough (0.25 ns a
// record in scrape order, 0.45 ns by series) not to hide the engine behind it.
//
// Thread safety: a stream belongs to one thread; different streams run in parallel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "benchmark/workload.h"
#include "storage/base/types.h"

namespace tsdb::benchmark {

// Records to append one after the other; valid until the stream's next call.
struct RecordBlock {
  const SeriesId* series = nullptr;
  const Timestamp* timestamps = nullptr;
  const double* values = nullptr;
  size_t size = 0;
};

class InputStream {
 public:
  virtual ~InputStream() = default;
  // Back to the first record.
  virtual void Rewind() = 0;
  // Fills `block` and returns true, or returns false at the end. Blocks are never empty and have at
  // most kBlockRecords records.
  virtual bool Next(RecordBlock& block) = 0;
};

// kRecords: blocks hold records of many series. kColumns: every block holds samples of one series
// only, `column_samples` of them (fewer at the end): in scrape order a column of each series, then
// the next column of each; in series order all of a series before the next one.
enum class Shape : uint8_t { kRecords, kColumns };

struct InputOptions {
  Order order = Order::kScrape;
  Shape shape = Shape::kRecords;
  size_t column_samples = kBlockRecords;  // at most kBlockRecords
};

// Shuffled and late input is made here and kept, 12 B a record; the other orders are made as they
// are read. REQUIRES: Shape::kRecords for kShuffled and kLate; for these, `workload.samples()` at
// most kRecordedSamplesMax.
std::unique_ptr<InputStream> MakeInput(const Workload& workload, const Share& share,
                                       const InputOptions& options);

inline constexpr uint64_t kRecordedSamplesMax = 4'000'000;  // milliseconds in 32 bits

// One stream for each share, made on as many threads as there are cores.
std::vector<std::unique_ptr<InputStream>> MakeInputs(const Workload& workload,
                                                     const std::vector<Share>& shares,
                                                     const InputOptions& options);

// A defect put in on purpose, to show that the checks after a run find it.
enum class Defect : uint8_t { kNone, kLostRecord, kChangedValue, kDoubledRecord };

// `stream` with one record in the middle of its first block lost, changed in its value's lowest
// bit, or doubled.
std::unique_ptr<InputStream> WithDefect(std::unique_ptr<InputStream> stream, Defect defect);

}  // namespace tsdb::benchmark
