// The thread that looks after a database: checkpoints when they are due, retention.
#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>
#include <vector>

#include "index/tree/series_export.h"
#include "storage/base/patience.h"
#include "storage/base/start_thread.h"
#include "storage/base/status_macros.h"
#include "tsdb/engine.h"

namespace tsdb {
namespace {

// How often the thread looks at how much there is to do.
constexpr std::chrono::milliseconds kLook{100};
// Deletions for age are as fine as this part of the retention time, those for size free this part
// of the bytes allowed.
constexpr int64_t kAgeSteps = 100;
constexpr uint64_t kSizeSteps = 20;

}  // namespace

absl::Status Engine::StartMaintenance() {
  const PatientScope patient;
  if (log == nullptr && options.retention_ms == 0 && options.retention_bytes == 0) {
    return absl::OkStatus();
  }
  MutexLock lock(&wake_mutex_);
  TSDB_ASSIGN_OR_RETURN(maintenance_,
                        StartThread("looking after a database", [this] { MaintenanceLoop(); }));
  maintains_ = true;  // which the thread does not read before the lock is let go
  return absl::OkStatus();
}

void Engine::StopMaintenance() {
  {
    MutexLock lock(&wake_mutex_);
    maintains_ = false;
    wake_.NotifyAll();
    room_.NotifyAll();
  }
  if (maintenance_.joinable()) maintenance_.join();
}

void Engine::MaintenanceLoop() {
  const PatientScope patient;
  for (;;) {
    // First of all: after opening, every series is to be indexed before the first query.
    label_index.CatchUpIfBehind(1);
    {
      MutexLock lock(&wake_mutex_);
      if (maintains_ && room_waiters_ == 0) wake_.WaitFor(&wake_mutex_, kLook);
      if (!maintains_) return;
    }
    ApplyRetention();
    // Where the head has grown, the cache gives way.
    leaf_cache.Trim();
    if (log != nullptr) CheckpointIfDue();
  }
}

void Engine::ApplyRetention() {
  // What the log does not take must not be done.
  if (!CheckWritable("retention").ok()) return;
  if (options.retention_ms > 0) {
    const Timestamp cutoff = clock() - options.retention_ms;
    const int64_t step = std::max<int64_t>(options.retention_ms / kAgeSteps, 1);
    if (retained_from_ == kTimestampMin || cutoff - retained_from_ >= step) {
      DeleteBefore(cutoff);
      retained_from_ = cutoff;
    }
  }
  if (options.retention_bytes > 0) {
    const tree::Counts counts = tree.ReadCounts();
    const auto stored = static_cast<uint64_t>(counts[tree::Counter::kEncodedBytes] +
                                              counts[tree::Counter::kMappedBytes]);
    if (stored > options.retention_bytes) {
      DeleteBefore(
          FindCutoff(stored - options.retention_bytes + options.retention_bytes / kSizeSteps));
    }
  }
}

Timestamp Engine::FindCutoff(uint64_t excess) const {
  struct Leaf {
    Timestamp last;
    uint64_t bytes;
  };
  std::vector<Leaf> leaves;
  tree::SeriesExporter exporter(&tree, tree::SeriesExporter::Mapped::kRead);
  const SeriesId count = series.Count();
  for (SeriesId id = 0; id < count; ++id) {
    const absl::Status status = exporter.Export(
        id, [&](tree::SeriesExporter::Kind /*kind*/, std::span<const uint8_t> block) {
          const auto view = codec::BlockView::Trusted(block.data());
          leaves.push_back({view.Statistics().time_last, block.size()});
          return absl::OkStatus();
        });
    if (!status.ok()) break;  // the visitor has no errors
  }
  std::sort(leaves.begin(), leaves.end(),
            [](const Leaf& a, const Leaf& b) { return a.last < b.last; });
  uint64_t freed = 0;
  for (const Leaf& leaf : leaves) {
    freed += leaf.bytes;
    if (freed >= excess) return leaf.last == kTimestampMax ? leaf.last : leaf.last + 1;
  }
  return kTimestampMin;
}

void Engine::DeleteBefore(Timestamp cutoff) {
  if (cutoff == kTimestampMin) return;
  std::vector<SeriesId> all(series.Count());
  std::iota(all.begin(), all.end(), SeriesId{0});
  DeleteRange(all, {kTimestampMin, cutoff}).IgnoreError();  // refused only if it is being closed
}

}  // namespace tsdb
