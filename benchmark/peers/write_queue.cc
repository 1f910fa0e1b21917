#include "benchmark/peers/write_queue.h"

#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

class QueuedWriter final : public PeerWriter {
 public:
  QueuedWriter(WriteQueue& queue, size_t batch_records)
      : queue_(queue), batch_records_(batch_records) {
    batch_.Reserve(batch_records);
  }

  absl::Status Append(const RecordBlock& block) override {
    for (size_t i = 0; i < block.size; ++i) {
      batch_.Add(block, i);
      if (batch_.size() == batch_records_) TSDB_RETURN_IF_ERROR(Commit());
    }
    return absl::OkStatus();
  }

  absl::Status Commit() override {
    if (batch_.size() == 0) return absl::OkStatus();
    batch_.Sort();
    TSDB_RETURN_IF_ERROR(queue_.Write(batch_));
    batch_.Clear();
    return absl::OkStatus();
  }

 private:
  WriteQueue& queue_;
  const size_t batch_records_;
  RecordBatch batch_;
};

}  // namespace

absl::Status WriteQueue::Write(const RecordBatch& batch) {
  Entry own{&batch, false, absl::OkStatus()};
  std::vector<Entry*> group;
  {
    std::unique_lock lock(mutex_);
    waiting_.push_back(&own);
    changed_.wait(lock, [&] { return own.done || !writing_; });
    if (own.done) return own.status;
    writing_ = true;
    group.swap(waiting_);
  }
  std::vector<const RecordBatch*> batches;
  for (const Entry* const entry : group) batches.push_back(entry->batch);
  const absl::Status status = apply_(batches);
  const std::lock_guard lock(mutex_);
  for (Entry* const entry : group) {
    entry->done = true;
    entry->status = status;
  }
  writing_ = false;
  changed_.notify_all();
  return status;
}

size_t WriteQueue::Waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

std::unique_ptr<PeerWriter> NewQueuedWriter(WriteQueue& queue, size_t batch_records) {
  return std::make_unique<QueuedWriter>(queue, batch_records);
}

}  // namespace tsdb::benchmark
