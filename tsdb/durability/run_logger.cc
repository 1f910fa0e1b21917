#include "tsdb/durability/run_logger.h"

#include "storage/base/status_macros.h"
#include "tsdb/durability/log_payload.h"

namespace tsdb::durability {
namespace {

// Labels in one batch of the log, about: far below its bound.
constexpr size_t kSeriesBytesPerBatch = size_t{1} << 20;

}  // namespace

std::span<const uint8_t> RunLogger::Encode(std::span<const codec::Run> runs, const Timestamp* times,
                                           const double* values, size_t records,
                                           codec::RunsEncoder& encoder,
                                           std::vector<uint8_t>& scratch) {
  const size_t most = codec::EncodedRunsBytesMax(records, runs.size());
  if (scratch.size() < most) scratch.resize(most);
  return {scratch.data(), encoder.Encode(runs, times, values, scratch.data())};
}

absl::Status RunLogger::AppendBatch(uint8_t kind, std::span<const uint8_t> payload) {
  TSDB_ASSIGN_OR_RETURN(const uint64_t position, log_->Append(kind, payload));
  // Release pairs with the acquire in last_position: who knows the part merged finds its position.
  last_position_.store(position, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status RunLogger::AppendNewSeries() {
  const SeriesId count = table_->Count();
  while (logged_ < count) {
    SeriesId end = logged_;
    series_payload_.clear();
    while (end < count && series_payload_.size() < kSeriesBytesPerBatch) {
      AppendSeries(end, table_->BytesOf(end), series_payload_);
      ++end;
    }
    TSDB_RETURN_IF_ERROR(AppendBatch(static_cast<uint8_t>(PayloadKind::kSeries), series_payload_));
    logged_ = end;
  }
  return absl::OkStatus();
}

void RunLogger::Append(uint8_t kind, std::span<const uint8_t> payload) {
  if (failed()) return;
  absl::Status status = AppendNewSeries();
  if (status.ok()) status = AppendBatch(kind, payload);
  if (!status.ok()) Fail(status);
}

void RunLogger::AppendRecords(std::span<const uint8_t> payload, uint64_t part) {
  Append(static_cast<uint8_t>(PayloadKind::kRecords), payload);
  PartPosition& recent = recent_[part % kRecentParts];
  recent.position.store(last_position_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  // Release pairs with the acquire in PositionOf: it finds this position, or a later part's.
  recent.part.store(part, std::memory_order_release);
}

uint64_t RunLogger::PositionOf(uint64_t part) const {
  if (part == 0) return last_position();
  const PartPosition& recent = recent_[part % kRecentParts];
  // A later part may take the place just now: its position is higher, and serves as well.
  if (recent.part.load(std::memory_order_acquire) == part) {
    return recent.position.load(std::memory_order_relaxed);
  }
  return last_position();
}

void RunLogger::AppendSeriesOnly() {
  if (failed()) return;
  if (absl::Status status = AppendNewSeries(); !status.ok()) Fail(status);
}

absl::Status RunLogger::status() const {
  MutexLock lock(&mutex_);
  return status_;
}

void RunLogger::Fail(const absl::Status& status) {
  MutexLock lock(&mutex_);
  if (status_.ok()) status_ = status;
  failed_.store(true, std::memory_order_relaxed);
}

}  // namespace tsdb::durability
