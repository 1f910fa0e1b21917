#include "tools/health/interval.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tools/json_text.h"
#include "tools/number_text.h"

namespace tsdb::tools {
namespace {

std::array<uint64_t, kBlockedCauses.size()> BlockedNs(const Stats& stats) {
  return {stats.blocked_ns, stats.helping_ns, stats.log_blocked_ns, stats.checkpoint_wait_ns,
          stats.commit_wait_ns};
}

Interval Compare(const Stats& before, const Stats& now, double seconds) {
  Interval interval;
  interval.seconds = seconds;
  const auto per_second = [seconds](uint64_t from, uint64_t to) {
    return seconds > 0 && to > from ? static_cast<double>(to - from) / seconds : 0;
  };
  interval.accepted_per_second = per_second(before.ledger.accepted, now.ledger.accepted);
  interval.merged_per_second = per_second(before.ledger.merged, now.ledger.merged);
  interval.log_bytes_per_second = per_second(before.log_bytes, now.log_bytes);
  interval.log_syncs_per_second = per_second(before.log_syncs, now.log_syncs);
  const auto blocked_before = BlockedNs(before), blocked_now = BlockedNs(now);
  for (size_t i = 0; i < kBlockedCauses.size(); ++i) {
    interval.blocked[i] = 100 * per_second(blocked_before[i], blocked_now[i]) / kNsPerSecond;
  }
  interval.checkpoints = now.checkpoints - std::min(before.checkpoints, now.checkpoints);
  // Hits are counted a thousand at a time: there may be loads without.
  const uint64_t hits = now.cache_hits - std::min(before.cache_hits, now.cache_hits);
  const uint64_t loads = now.cache_loads - std::min(before.cache_loads, now.cache_loads);
  if (hits + loads > 0) {
    interval.cache_hit_ratio = static_cast<double>(hits) / static_cast<double>(hits + loads);
  }
  const Ledger& ledger = now.ledger;
  interval.backlog = ledger.accepted - std::min(ledger.accepted, ledger.merged);
  interval.unaccounted = static_cast<int64_t>(ledger.accepted) -
                         static_cast<int64_t>(ledger.merged + ledger.Buffered());
  interval.balanced = ledger.Balanced();
  return interval;
}

double SecondsBetween(Timestamp from, Timestamp to) {
  return std::max(0.0, static_cast<double>(to - from) / kMsPerSecond);
}

// With as many decimals as mean something.
std::string Decimal(double value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.3f", value);
  return text;
}

Cell Number(std::string name, uint64_t value) {
  const std::string text = std::to_string(value);
  return {std::move(name), text, text};
}

Cell Real(std::string name, double value) {
  const std::string text = Decimal(value);
  return {std::move(name), text, text};
}

}  // namespace

bool IsLater(const PublishedStats& before, const PublishedStats& now) {
  return before.process_id == now.process_id && before.opened == now.opened &&
         before.written < now.written;
}

Interval IntervalBetween(const PublishedStats& before, const PublishedStats& now) {
  return Compare(before.stats, now.stats, SecondsBetween(before.written, now.written));
}

Interval IntervalOfRun(const PublishedStats& now) {
  return Compare(Stats(), now.stats, SecondsBetween(now.opened, now.written));
}

std::vector<Cell> CellsOf(const Interval& interval, const PublishedStats& now, Timestamp present) {
  const Stats& stats = now.stats;
  const Ledger& ledger = stats.ledger;
  const std::string state(DatabaseStateName(now.state));
  std::vector<Cell> cells = {Number("timestamp_ms", static_cast<uint64_t>(now.written)),
                             {"state", state, JsonString(state)},
                             Real("seconds", interval.seconds),
                             Real("accepted_per_second", interval.accepted_per_second),
                             Real("merged_per_second", interval.merged_per_second),
                             Number("backlog", interval.backlog),
                             Number("buffered_open", ledger.buffered_open),
                             Number("buffered_sealed", ledger.buffered_sealed),
                             Number("buffered_late", ledger.buffered_late)};
  for (size_t i = 0; i < kBlockedCauses.size(); ++i) {
    cells.push_back(
        Real("blocked_" + std::string(kBlockedCauses[i]) + "_percent", interval.blocked[i]));
  }
  const std::string unaccounted = std::to_string(interval.unaccounted);
  const std::string hit_ratio =
      interval.cache_hit_ratio ? Decimal(*interval.cache_hit_ratio) : std::string();
  const std::vector<Cell> more = {
      Number("appended", ledger.appended),
      Number("rejected", ledger.Rejected()),
      Number("accepted", ledger.accepted),
      Number("merged", ledger.merged),
      Number("in_tree", ledger.in_tree),
      Number("replaced", ledger.replaced),
      Number("deleted", ledger.deleted),
      {"unaccounted", unaccounted, unaccounted},
      {"balanced", interval.balanced ? "1" : "0", interval.balanced ? "true" : "false"},
      Number("memory_bytes", stats.memory_bytes),
      Number("memory_budget_bytes", stats.memory_budget_bytes),
      Real("log_bytes_per_second", interval.log_bytes_per_second),
      Real("log_syncs_per_second", interval.log_syncs_per_second),
      Number("checkpoints", interval.checkpoints),
      Number("checkpoint_failures", stats.checkpoint_failures),
      {"cache_hit_ratio", hit_ratio, hit_ratio.empty() ? "null" : hit_ratio},
      Real("age_seconds", SecondsBetween(now.written, present))};
  cells.insert(cells.end(), more.begin(), more.end());
  return cells;
}

}  // namespace tsdb::tools
