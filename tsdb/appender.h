// The way in: one Appender per writing thread. Append stores into a chunk that only this thread
// writes, publishes with one release store, and takes no lock, makes no system call and allocates
// nothing until the chunk is full.
//
// Thread safety: one thread at a time per Appender (it may move between threads); any number of
// Appenders at once. Destroying one hands in what it holds; the Database must outlive it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "storage/base/types.h"

namespace tsdb {

class Database;

namespace ingest {
class Slot;
class Stretches;
}  // namespace ingest

// How far a committed record must have come before Await returns.
enum class Milestone : uint8_t {
  kVisible,  // every later Snapshot of any thread sees it
  kDurable,  // it survives what the durability mode promises; the same as kVisible in memory
};

// A point in one database's commit order. Copyable; the Database must outlive it.
class Ticket {
 public:
  Ticket() = default;
  // Waits until everything appended by the committing Appender before Commit() has reached
  // `milestone`, helping with the merge meanwhile.
  absl::Status Await(Milestone milestone) const;
  // Position of the committed part among all parts handed to the merge.
  uint64_t sequence() const { return sequence_; }

 private:
  friend class Appender;
  Ticket(Database* database, uint64_t sequence) : database_(database), sequence_(sequence) {}
  Database* database_ = nullptr;
  uint64_t sequence_ = 0;
};

class Appender {
 public:
  Appender(Appender&& other) noexcept;
  Appender& operator=(Appender&& other) noexcept;
  ~Appender();

  // Takes in one record; true if accepted. May block for backpressure (it merges meanwhile, then
  // waits). False, with nothing changed, when the series is unknown, the memory budget is used up
  // or the database is closed: status() says which, and the ledger counts it.
  bool Append(SeriesId series, Timestamp timestamp, double value) {
    // Read before anything is stored: a store through a column pointer might, for all the compiler
    // knows, change a member, which would then be read again.
    const uint32_t position = position_;
    SeriesId* const to_series = series_;
    Timestamp* const to_times = times_;
    double* const to_values = values_;
    std::atomic<uint32_t>* const published = published_;
    if (series >= known_series_ || position == limit_) [[unlikely]] {
      return AppendSlowly(series, timestamp, value);
    }
    position_ = position + 1;
    to_series[position] = series;
    to_times[position] = timestamp;
    to_values[position] = value;
    // Pairs with the acquire in Engine::TakePublished: a reader of the mark sees the columns below
    // it.
    published->store(position + 1, std::memory_order_release);
    return true;
  }

  // Takes in samples of one series, in any order, as if appended one after the other, at the speed
  // of a copy. All or nothing. REQUIRES: timestamps.size() == values.size().
  bool AppendColumns(SeriesId series, std::span<const Timestamp> timestamps,
                     std::span<const double> values);

  // Hands in everything appended so far. The ticket can be awaited; not awaiting it is fine.
  Ticket Commit();

  // Why the last refused call was refused; OK if none was since ClearStatus().
  const absl::Status& status() const { return status_; }
  void ClearStatus() { status_ = absl::OkStatus(); }

 private:
  friend class Database;
  Appender(Database* database, ingest::Slot* slot);
  bool AppendSlowly(SeriesId series, Timestamp timestamp, double value);
  bool CheckSeries(SeriesId series, uint64_t records);
  bool OpenChunk();
  bool WithinBudget(uint64_t records);
  bool Refuse(std::atomic<uint64_t>& counter, uint64_t records, absl::Status status);
  void SealChunk();
  void Close();

  // The open chunk: columns [0, limit_), filled to position_. `published_` is its high-water mark;
  // `stretches_` tells the series of what it begins with, if that came by columns.
  SeriesId* series_ = nullptr;
  Timestamp* times_ = nullptr;
  double* values_ = nullptr;
  std::atomic<uint32_t>* published_ = nullptr;
  ingest::Stretches* stretches_ = nullptr;
  uint32_t position_ = 0;
  uint32_t limit_ = 0;
  SeriesId known_series_ = 0;  // ids below it exist; grows when an id at or above it is met

  Database* database_ = nullptr;
  ingest::Slot* slot_ = nullptr;
  absl::Status status_;
};

}  // namespace tsdb
