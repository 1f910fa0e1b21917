#include "tsdb/scan/query_guard.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace tsdb {

void QueryCost::Add(const QueryCost& other) {
  series += other.series;
  leaves += other.leaves;
  statistics += other.statistics;
  samples_decoded += other.samples_decoded;
  bytes_decoded += other.bytes_decoded;
  select_ns += other.select_ns;
  wall_ns += other.wall_ns;
}

namespace scan {

QueryGuard::QueryGuard(const QueryOptions& options) : options_(options), begin_(Clock::now()) {}

bool QueryGuard::End(absl::Status status) {
  MutexLock lock(&mutex_);
  if (status_.ok()) status_ = std::move(status);
  ended_.store(true, std::memory_order_relaxed);
  return false;
}

bool QueryGuard::Check() {
  if (!Continue()) return false;
  if (options_.stop.stop_requested()) {
    return End(absl::CancelledError("query: a stop was requested by QueryOptions::stop"));
  }
  const int64_t time_ms = options_.limits.time_ms;
  if (time_ms > 0 && ElapsedNs() / 1'000'000 >= static_cast<uint64_t>(time_ms)) {
    return End(absl::DeadlineExceededError(
        absl::StrCat("query: took longer than QueryLimits::time_ms allows, ", time_ms,
                     " ms; ask for fewer series or a shorter range, or raise it")));
  }
  return true;
}

bool QueryGuard::ChargeSeries(uint64_t series) {
  const uint64_t allowed = options_.limits.series;
  if (allowed == 0 || series <= allowed) return Continue();
  return End(absl::ResourceExhaustedError(
      absl::StrCat("query: ", series, " series match; QueryLimits::series allows ", allowed,
                   "; use narrower matchers, or raise it")));
}

bool QueryGuard::ChargeSamples(uint64_t samples) {
  const uint64_t all = samples_.fetch_add(samples, std::memory_order_relaxed) + samples;
  const uint64_t allowed = options_.limits.samples;
  if (allowed == 0 || all <= allowed) return Continue();
  return End(absl::ResourceExhaustedError(
      absl::StrCat("query: more than ", allowed,
                   " samples to decode, as many as QueryLimits::samples allows; ask for fewer "
                   "series or a shorter range, or raise it")));
}

bool QueryGuard::ChargeMemory(uint64_t bytes) {
  const uint64_t all = memory_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  const uint64_t allowed = options_.limits.memory_bytes;
  if (allowed == 0 || all <= allowed) return Continue();
  return End(absl::ResourceExhaustedError(
      absl::StrCat("query: needs more than ", allowed,
                   " bytes of memory, as many as QueryLimits::memory_bytes allows; ask for fewer "
                   "series or windows, or raise it")));
}

absl::Status QueryGuard::status() const {
  MutexLock lock(&mutex_);
  return status_;
}

uint64_t QueryGuard::ElapsedNs() const {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin_).count());
}

}  // namespace scan
}  // namespace tsdb
