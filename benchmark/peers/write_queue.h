// Group commit for stores that have one writer at a time: writers queue up with a batch each, and
// the first of them writes the batches of all who wait as one transaction. It is what RocksDB does
// inside; LMDB and SQLite leave it to their users.
//
// Thread safety: Write from any thread. At most one thread is in `apply` at a time; which one
// changes, but a transaction begins and ends on the same thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "benchmark/peers/peer.h"
#include "benchmark/peers/record_batch.h"

namespace tsdb::benchmark {

class WriteQueue {
 public:
  // Writes all of the batches as one transaction.
  using Apply = std::function<absl::Status(std::span<const RecordBatch* const> batches)>;
  explicit WriteQueue(Apply apply) : apply_(std::move(apply)) {}

  // Returns once the batch is written, with what `apply` said of the transaction it was in.
  absl::Status Write(const RecordBatch& batch);

  // Batches that wait for the next transaction.
  size_t Waiting() const;

 private:
  struct Entry {
    const RecordBatch* batch;
    bool done = false;
    absl::Status status;
  };
  const Apply apply_;
  mutable std::mutex mutex_;  // guards what follows, and what waits
  std::condition_variable changed_;
  std::vector<Entry*> waiting_;
  bool writing_ = false;
};

// A writer that hands batches of up to `batch_records` to a queue, sorted.
std::unique_ptr<PeerWriter> NewQueuedWriter(WriteQueue& queue, size_t batch_records);

}  // namespace tsdb::benchmark
