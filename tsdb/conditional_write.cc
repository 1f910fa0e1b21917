// CompareAndSet. The comparison is made where records are put into order: nothing later is logged
// or handed out until it is done, and everything earlier of the page has been applied. What the log
// gets is its outcome, a record like others, so that replaying it compares nothing.
#include <atomic>
#include <bit>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "index/tree/series_reader.h"
#include "storage/base/patience.h"
#include "storage/base/status_macros.h"
#include "tsdb/database.h"
#include "tsdb/durability/log_payload.h"
#include "tsdb/engine.h"
#include "tsdb/merge/page_task.h"

namespace tsdb {
namespace {

bool Same(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a.has_value() || !b.has_value()) return a.has_value() == b.has_value();
  return std::bit_cast<uint64_t>(*a) == std::bit_cast<uint64_t>(*b);
}

class ConditionalTask : public merge::PageTask {
 public:
  // `logger`: null if there is no log. The encoder is used in turn.
  ConditionalTask(const tree::Tree& tree, durability::RunLogger* logger,
                  codec::RunsEncoder& encoder, SeriesId series, Sample desired,
                  std::optional<double> expected)
      : tree_(tree),
        logger_(logger),
        encoder_(encoder),
        series_(series),
        desired_(desired),
        expected_(expected) {}

  void Run(tree::TreeWriter& writer, tree::Page& page, SeriesId /*first_series*/) override {
    set_ = Same(tree::Lookup(tree_, series_, desired_.timestamp), expected_) && Log();
    if (set_) writer.AppendRun(page, series_, &desired_.timestamp, &desired_.value, 1);
    // Release pairs with the wait's acquire. Nobody touches the task between it and the wake-up but
    // the thread that waits for it in its turn, and the submitter later than that.
    ran_.store(true, std::memory_order_release);
    ran_.notify_all();
  }

  bool in_turn() const override { return true; }
  void AwaitRun() override { ran_.wait(false, std::memory_order_acquire); }

  bool set() const { return set_; }

 private:
  // False when the log takes nothing any more.
  bool Log() {
    if (logger_ == nullptr) return true;
    const codec::Run run{.series = series_, .begin = 0, .count = 1};
    std::vector<uint8_t> payload;
    logger_->Append(static_cast<uint8_t>(durability::PayloadKind::kRecords),
                    durability::RunLogger::Encode({&run, 1}, &desired_.timestamp, &desired_.value,
                                                  1, encoder_, payload));
    return !logger_->failed();
  }

  const tree::Tree& tree_;
  durability::RunLogger* const logger_;
  codec::RunsEncoder& encoder_;
  const SeriesId series_;
  const Sample desired_;
  const std::optional<double> expected_;
  bool set_ = false;
  std::atomic<bool> ran_{false};
};

}  // namespace

absl::StatusOr<bool> Engine::CompareAndSet(SeriesId id, Sample desired,
                                           std::optional<double> expected) {
  if (OverBudget(1)) {
    absl::Status error;
    if (!AwaitRoom(1, error)) return error;
  }
  const ReaderMutexLock changing(&changes_mutex_);
  if (closed()) return absl::FailedPreconditionError("compare and set: the database is closed");
  const PatientScope patient;  // it is logged, and then done
  ConditionalTask task(tree, logger.get(), conditional_encoder_, id, desired, expected);
  TakeAllPublished();
  const uint64_t position = pipeline->SubmitTask(&task, id, id + 1);
  pipeline->Commit();  // what is appended from now on comes after it
  pipeline->AwaitMerged(position);
  if (task.set()) {
    MutexLock lock(&registry_mutex_);
    ++gone_records_;
  }
  return task.set();
}

absl::StatusOr<bool> Database::CompareAndSet(SeriesId series, Timestamp timestamp,
                                             std::optional<double> expected, double desired) {
  return OrNoMemory("compare and set", [&]() -> absl::StatusOr<bool> {
    Engine& engine = *engine_;
    TSDB_RETURN_IF_ERROR(engine.AwaitOpened());
    TSDB_RETURN_IF_ERROR(engine.CheckWritable("compare and set"));
    if (series >= engine.series.Count()) {
      return absl::NotFoundError(absl::StrCat("compare and set: no series has id ", series));
    }
    if (expected.has_value() && engine.options.duplicates == DuplicatePolicy::kFirstWins) {
      return absl::FailedPreconditionError(
          "compare and set: DuplicatePolicy::kFirstWins keeps what is there; only absence can be "
          "expected");
    }
    TSDB_ASSIGN_OR_RETURN(const bool set,
                          engine.CompareAndSet(series, {timestamp, desired}, expected));
    TSDB_RETURN_IF_ERROR(engine.AwaitDurable());
    return set;
  });
}

}  // namespace tsdb
