// Deleting ranges of time from series.
#include <algorithm>
#include <atomic>
#include <span>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/patience.h"
#include "storage/base/status_macros.h"
#include "storage/wal/log.h"
#include "tsdb/database.h"
#include "tsdb/durability/log_payload.h"
#include "tsdb/engine.h"
#include "tsdb/merge/page_task.h"

namespace tsdb {
namespace {

class DeleteTask : public merge::PageTask {
 public:
  DeleteTask(std::span<const SeriesId> series, TimeRange range)
      : series_(series), range_(range), payload_(durability::EncodeDelete(series, range)) {}

  void Run(tree::TreeWriter& writer, tree::Page& page, SeriesId first_series) override {
    auto at = std::lower_bound(series_.begin(), series_.end(), first_series);
    uint64_t deleted = 0;
    for (; at != series_.end() && *at - first_series < tree::kPageSeries; ++at) {
      deleted += writer.DeleteRange(page, *at, range_);
    }
    deleted_.fetch_add(deleted, std::memory_order_relaxed);
  }

  std::span<const uint8_t> payload() const override { return payload_; }
  uint8_t payload_kind() const override {
    return static_cast<uint8_t>(durability::PayloadKind::kDelete);
  }

  // Relaxed: awaiting the task's position orders it.
  uint64_t deleted() const { return deleted_.load(std::memory_order_relaxed); }

 private:
  const std::span<const SeriesId> series_;
  const TimeRange range_;
  const std::vector<uint8_t> payload_;
  std::atomic<uint64_t> deleted_{0};
};

}  // namespace

absl::StatusOr<uint64_t> Engine::DeleteRange(std::span<const SeriesId> deleted_series,
                                             TimeRange range) {
  const PatientScope patient;  // it is logged, and then done
  const ReaderMutexLock changing(&changes_mutex_);
  if (closed()) return absl::FailedPreconditionError("delete: the database is closed");
  if (deleted_series.empty() || range.Empty()) return 0;
  DeleteTask task(deleted_series, range);
  if (logger != nullptr && task.payload().size() > wal::kBatchBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("delete: ", deleted_series.size(),
                     " series, too many that are not neighbours to be logged "
                     "as one deletion; delete some tens of millions at a time"));
  }
  TakeAllPublished();
  const uint64_t position = pipeline->SubmitTask(&task, 0, series.Count());
  pipeline->Commit();  // what is appended from now on comes after it
  pipeline->AwaitMerged(position);
  return task.deleted();
}

absl::StatusOr<uint64_t> Database::Delete(std::span<const SeriesId> series, TimeRange range) {
  return OrNoMemory("delete", [&]() -> absl::StatusOr<uint64_t> {
    Engine& engine = *engine_;
    TSDB_RETURN_IF_ERROR(engine.AwaitOpened());
    TSDB_RETURN_IF_ERROR(engine.CheckWritable("delete"));
    std::vector<SeriesId> ascending(series.begin(), series.end());
    std::sort(ascending.begin(), ascending.end());
    ascending.erase(std::unique(ascending.begin(), ascending.end()), ascending.end());
    if (!ascending.empty() && ascending.back() >= engine.series.Count()) {
      return absl::NotFoundError(absl::StrCat("delete: no series has id ", ascending.back()));
    }
    TSDB_ASSIGN_OR_RETURN(const uint64_t deleted, engine.DeleteRange(ascending, range));
    TSDB_RETURN_IF_ERROR(engine.AwaitDurable());
    return deleted;
  });
}

}  // namespace tsdb
