#include "tsdb/appender.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/patience.h"
#include "tsdb/database.h"
#include "tsdb/engine.h"

namespace tsdb {

absl::Status Ticket::Await(Milestone milestone) const {
  if (database_ == nullptr) return absl::OkStatus();
  database_->engine_->pipeline->AwaitMerged(sequence_);
  // In memory, what is visible is all the durability there is.
  return milestone == Milestone::kDurable ? database_->engine_->AwaitDurable(sequence_)
                                          : absl::OkStatus();
}

Appender::Appender(Database* database, ingest::Slot* slot) : database_(database), slot_(slot) {}

Appender::Appender(Appender&& other) noexcept { *this = std::move(other); }

Appender& Appender::operator=(Appender&& other) noexcept {
  if (this == &other) return *this;
  Close();
  series_ = std::exchange(other.series_, nullptr);
  times_ = std::exchange(other.times_, nullptr);
  values_ = std::exchange(other.values_, nullptr);
  published_ = std::exchange(other.published_, nullptr);
  stretches_ = std::exchange(other.stretches_, nullptr);
  position_ = std::exchange(other.position_, 0);
  limit_ = std::exchange(other.limit_, 0);
  known_series_ = std::exchange(other.known_series_, 0);
  database_ = std::exchange(other.database_, nullptr);
  slot_ = std::exchange(other.slot_, nullptr);
  status_ = std::exchange(other.status_, absl::OkStatus());
  return *this;
}

Appender::~Appender() { Close(); }

void Appender::Close() {
  if (slot_ != nullptr) database_->engine_->CloseSlot(std::exchange(slot_, nullptr));
  position_ = limit_ = 0;
}

bool Appender::CheckSeries(SeriesId series, uint64_t records) {
  if (series < known_series_) return true;
  if (slot_ == nullptr) {
    // Known series are taken along by a move, so every append leads here.
    status_ = absl::FailedPreconditionError("append: this appender was moved from");
    return false;
  }
  Engine& engine = *database_->engine_;
  known_series_ = engine.series.Count();
  if (series < known_series_) return true;
  engine.rejected_unknown_series.fetch_add(records, std::memory_order_relaxed);
  status_ =
      absl::NotFoundError(absl::StrCat("append: no series has id ", series, "; ids below ",
                                       known_series_, " exist (FindOrCreateSeries gives them)"));
  return false;
}

// Hands the open chunk in whole.
void Appender::SealChunk() {
  Engine& engine = *database_->engine_;
  ingest::Chunk* rest = nullptr;
  {
    MutexLock lock(&slot_->mutex);
    if (slot_->chunk == nullptr) return;
    slot_->closed_records += position_;
    if (slot_->taken < position_) {
      // The slot's reference goes to the part.
      slot_->last_sequence = engine.pipeline->Submit(slot_->chunk, slot_->taken, position_, slot_);
    } else {
      rest = slot_->chunk;
    }
    slot_->chunk = nullptr;
    slot_->taken = 0;
  }
  position_ = limit_ = 0;
  if (rest != nullptr) engine.pipeline->DropChunk(rest);
  engine.pipeline->MergeOrHandOver();
}

bool Appender::Refuse(std::atomic<uint64_t>& counter, uint64_t records, absl::Status status) {
  counter.fetch_add(records, std::memory_order_relaxed);
  status_ = std::move(status);
  return false;
}

// Whether a chunk for `records` more may be opened; if not, status and ledger say why.
bool Appender::WithinBudget(uint64_t records) {
  Engine& engine = *database_->engine_;
  if (absl::Status status = engine.CheckWritable("append"); !status.ok()) {
    const bool of_log = engine.logger != nullptr && !engine.closed();
    return Refuse(of_log ? engine.rejected_log : engine.rejected_closed, records,
                  std::move(status));
  }
  if (ThreadsAwaitingMemory() > 0) {
    return Refuse(engine.rejected_budget, records,
                  absl::ResourceExhaustedError(
                      "append: the system has no memory, and what was appended before waits for "
                      "some; free some, and try again"));
  }
  if (!engine.OverBudget(records)) return true;
  absl::Status error;
  if (engine.AwaitRoom(records, error)) return true;
  return Refuse(engine.rejected_budget, records, std::move(error));
}

// Replaces the full chunk, or the missing one. False when the system has no memory for another.
bool Appender::OpenChunk() {
  Engine& engine = *database_->engine_;
  SealChunk();
  ingest::Chunk* chunk = engine.pipeline->AcquireChunk(engine.ChunkRecords());
  if (chunk == nullptr) return false;
  series_ = chunk->series;
  times_ = chunk->times;
  values_ = chunk->values;
  published_ = &chunk->published;
  stretches_ = &chunk->stretches;
  limit_ = chunk->capacity;
  MutexLock lock(&slot_->mutex);
  slot_->chunk = chunk;
  slot_->taken = 0;
  return true;
}

bool Appender::AppendSlowly(SeriesId series, Timestamp timestamp, double value) {
  return AppendColumns(series, {&timestamp, 1}, {&value, 1});
}

bool Appender::AppendColumns(SeriesId series, std::span<const Timestamp> timestamps,
                             std::span<const double> values) {
  const size_t total = timestamps.size();
  if (total == 0) return true;
  if (!CheckSeries(series, total)) return false;
  // Asked for the whole before anything is taken in: all or nothing.
  if (total > limit_ - position_ && !WithinBudget(total)) return false;
  size_t at = 0;
  while (at < total) {
    if (position_ == limit_ && !OpenChunk()) {
      // Only the system's own refusal leads here; then what went in before stays, and is accounted
      // for.
      return Refuse(database_->engine_->rejected_budget, total - at,
                    absl::ResourceExhaustedError(
                        absl::StrCat("append: the system has no memory for a chunk; ", at, " of ",
                                     total, " records were taken in")));
    }
    const size_t count = std::min<size_t>(total - at, limit_ - position_);
    if (!stretches_->Extend(series, position_, static_cast<uint32_t>(count))) {
      std::fill_n(series_ + position_, count, series);
    }
    std::memcpy(times_ + position_, timestamps.data() + at, count * sizeof(Timestamp));
    std::memcpy(values_ + position_, values.data() + at, count * sizeof(double));
    position_ += static_cast<uint32_t>(count);
    published_->store(position_, std::memory_order_release);  // pairs as in Append
    at += count;
  }
  return true;
}

Ticket Appender::Commit() {
  if (slot_ == nullptr) return Ticket();
  Engine& engine = *database_->engine_;
  const uint64_t sequence = engine.TakePublished(*slot_);
  engine.pipeline->Commit();
  engine.pipeline->MergeOrHandOver();
  return Ticket(database_, sequence);
}

}  // namespace tsdb
