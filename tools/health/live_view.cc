#include "tools/health/live_view.h"

#include <algorithm>
#include <cmath>

#include "tools/number_text.h"
#include "tools/sparkline.h"

namespace tsdb::tools {
namespace {

constexpr size_t kRatesMax = 60;
constexpr size_t kLabelWidth = 13;
// Older than that many intervals of the writer, what is shown is said to be old.
constexpr int64_t kOldIntervals = 3;

std::string Rounded(double value) {
  return Grouped(static_cast<uint64_t>(std::llround(std::max(value, 0.0))));
}

std::string PerSecond(double value) { return Rounded(value) + "/s"; }

std::string Duration(int64_t ms) {
  // Whole seconds from a second on.
  if (ms >= 1000) ms -= ms % 1000;
  return ms <= 0 ? "0s" : ReadableDuration(ms);
}

struct Line {
  std::string label;
  std::string text;
  bool alarming = false;
};

Line BacklogLine(const Interval& interval, const Ledger& ledger) {
  return {"backlog", Grouped(interval.backlog) + " (open " + Grouped(ledger.buffered_open) +
                         ", sealed " + Grouped(ledger.buffered_sealed) + ", late " +
                         Grouped(ledger.buffered_late) + ")"};
}

Line BlockedLine(const Interval& interval) {
  std::string text;
  for (size_t i = 0; i < kBlockedCauses.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::string(kBlockedCauses[i]) + " " +
            Percent(interval.blocked[i] / 100);
  }
  return {"blocked", text};
}

Line LedgerLine(const Interval& interval, const PublishedStats& now) {
  const Ledger& ledger = now.stats.ledger;
  std::string text = "accepted " + Grouped(ledger.accepted) + " = merged " +
                     Grouped(ledger.merged) + " + buffered " + Grouped(ledger.Buffered());
  if (interval.balanced) {
    text += ", balanced";
  } else if (now.state == DatabaseState::kClosed) {
    text += ", NOT BALANCED";
  } else {
    text += ", " + std::to_string(interval.unaccounted) + " appended while it was read";
  }
  if (ledger.Rejected() > 0) text += "; rejected " + Grouped(ledger.Rejected());
  return {"ledger", text,
          ledger.Rejected() > 0 || (!interval.balanced && now.state == DatabaseState::kClosed)};
}

Line MemoryLine(const Stats& stats) {
  const double share = stats.memory_budget_bytes == 0
                           ? 0
                           : static_cast<double>(stats.memory_bytes) /
                                 static_cast<double>(stats.memory_budget_bytes);
  return {"memory", ReadableBytes(stats.memory_bytes) + " of " +
                        ReadableBytes(stats.memory_budget_bytes) + " (" + Percent(share) + ")"};
}

Line CheckpointLine(const Interval& interval, const Stats& stats) {
  std::string text = Grouped(stats.checkpoints) + " (" + Grouped(interval.checkpoints) + " now), " +
                     Counted(stats.segments, "segment") + " of " +
                     ReadableBytes(stats.segment_bytes);
  if (stats.checkpoint_failures > 0) text += "; failed " + Grouped(stats.checkpoint_failures);
  return {"checkpoints", text, stats.checkpoint_failures > 0};
}

Line CacheLine(const Interval& interval, const Stats& stats) {
  return {"cache", (interval.cache_hit_ratio ? Percent(*interval.cache_hit_ratio) + " hits, "
                                             : std::string("not read, ")) +
                       ReadableBytes(stats.cache_bytes)};
}

Line HeadLine(const std::string& name, const PublishedStats& now, Timestamp present) {
  const int64_t age = std::max<int64_t>(present - now.written, 0);
  const bool old = now.state != DatabaseState::kClosed &&
                   age > kOldIntervals * std::max<int64_t>(now.options.stats_interval_ms, 1000);
  return {Printable(name),
          std::string(DatabaseStateName(now.state)) + ", process " +
              std::to_string(now.process_id) + ", " + Duration(now.written - now.opened) +
              " after it was opened; written " + Duration(age) + " ago" + (old ? ": OLD" : ""),
          old};
}

}  // namespace

void LiveView::Note(const Interval& interval, const PublishedStats& now) {
  rates_.push_back({now.written, interval.accepted_per_second});
  if (rates_.size() > kRatesMax) rates_.pop_front();
}

std::string LiveView::RateLine(size_t columns) const {
  if (rates_.size() < 2 || columns == 0) return "";
  // By number, so that a character is an interval and none is left out.
  const auto last = static_cast<Timestamp>(rates_.size()) - 1;
  Sparkline line(0, last, std::min(columns, rates_.size()));
  for (size_t i = 0; i < rates_.size(); ++i) {
    line.Add(static_cast<Timestamp>(i), rates_[i].accepted_per_second);
  }
  return line.Draw();
}

std::vector<std::string> LiveView::Lines(const Interval& interval, const PublishedStats& now,
                                         Timestamp present, size_t width) const {
  const Stats& stats = now.stats;
  const std::string accepted = PerSecond(interval.accepted_per_second);
  const size_t taken = kLabelWidth + accepted.size() + 2;
  const std::string rates = RateLine(width > taken ? width - taken : 0);
  const Line lines[] = {
      HeadLine(name_, now, present),
      {"accepted", accepted + (rates.empty() ? "" : "  " + rates)},
      {"merged", PerSecond(interval.merged_per_second)},
      BacklogLine(interval, stats.ledger),
      BlockedLine(interval),
      LedgerLine(interval, now),
      MemoryLine(stats),
      {"log", ReadableBytes(static_cast<uint64_t>(std::llround(interval.log_bytes_per_second))) +
                  "/s, " + Rounded(interval.log_syncs_per_second) + " syncs/s"},
      CheckpointLine(interval, stats),
      CacheLine(interval, stats)};
  std::vector<std::string> drawn;
  for (const Line& line : lines) {
    std::string label = CutMiddle(line.label, std::max<size_t>(width / 3, kLabelWidth - 1));
    const size_t label_width = DisplayWidth(label);
    label += std::string(std::max(kLabelWidth, label_width + 1) - label_width, ' ');
    const size_t rest = width - std::min(width, DisplayWidth(label));
    drawn.push_back(style_.bold + label + style_.reset + (line.alarming ? style_.red : "") +
                    (rest == 0 ? "" : CutToWidth(line.text, rest)) +
                    (line.alarming ? style_.reset : ""));
  }
  return drawn;
}

void LiveView::Draw(const std::vector<std::string>& lines, bool in_place, Output& output) {
  if (drawn_.has_value()) {
    // To the first line of the block, and all below it cleared.
    output << (in_place ? "\x1b[" + std::to_string(*drawn_) + "F\x1b[J" : std::string("\n"));
  }
  for (const std::string& line : lines) output << line << "\n";
  drawn_ = lines.size();
}

}  // namespace tsdb::tools
