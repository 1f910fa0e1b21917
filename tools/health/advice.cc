#include "tools/health/advice.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/health/interval.h"
#include "tools/number_text.h"

namespace tsdb::tools {
namespace {

using Gain = Advice::Gain;

constexpr const char* kProgram = "the program";
constexpr const char* kDisk = "the disk";
constexpr uint32_t kSyncDelayMaxUs = 100;
constexpr uint32_t kSyncIntervalMaxMs = 1000;
// Merges that take so much of all processors cannot be made faster by more room before them.
constexpr double kMergeSaturated = 0.80;
// A cache this full is small, and not cold.
constexpr double kCacheFull = 0.90;
constexpr uint64_t kCachePart = 4;
// A log with less in each sync is of many who commit little.
constexpr uint64_t kSyncBytesMin = uint64_t{64} << 10;
constexpr uint64_t kSyncsMin = 1000;

double Ratio(double numerator, double denominator) {
  return denominator > 0 ? numerator / denominator : 0;
}

std::string Seconds(double seconds) {
  char text[48];
  std::snprintf(text, sizeof(text), "%.1f s", seconds);
  return text;
}

// The rules, over what a process that wrote the database published.
class Run {
 public:
  Run(const Situation& situation, const PublishedStats& published, std::vector<Advice>& advice)
      : situation_(situation),
        options_(published.options),
        stats_(published.stats),
        processors_(std::max<uint64_t>(published.processors, 1)),
        seconds_(static_cast<double>(published.written - published.opened) / kMsPerSecond),
        advice_(advice) {}

  void Judge() {
    JudgeRefusals();
    JudgeDisk();
    JudgeMemory();
    if (seconds_ < kRunSecondsMin) return;
    JudgeCheckpointWaits();
    JudgeChunkWaits();
    JudgeLogWaits();
    JudgeCommitWaits();
    JudgeCache();
  }

 private:
  void Add(Gain gain, double share, std::string change, std::string present, std::string suggested,
           std::string why) {
    advice_.push_back(
        {gain, share, std::move(change), std::move(present), std::move(suggested), std::move(why)});
  }

  double ShareOf(uint64_t ns) const {
    return Ratio(static_cast<double>(ns) / kNsPerSecond, seconds_);
  }
  // "12.3 s of 60.0 s (20.5 %)".
  std::string TimeText(uint64_t ns) const {
    return absl::StrCat(Seconds(static_cast<double>(ns) / kNsPerSecond), " of ", Seconds(seconds_),
                        " (", Percent(ShareOf(ns)), " of one thread's time)");
  }
  uint64_t AlwaysInMemory() const {
    return stats_.series_bytes + stats_.open_bytes + stats_.index_bytes;
  }

  // Twice the budget, but three quarters of the machine's memory at most.
  uint64_t LargerBudget() const {
    const uint64_t budget = options_.memory_budget_bytes;
    if (situation_.machine_bytes == 0) return 2 * budget;
    return std::min(2 * budget, situation_.machine_bytes / 4 * 3);
  }
  // Whether that is enough more to be worth it.
  bool BudgetCanGrow() const {
    return LargerBudget() >= options_.memory_budget_bytes + options_.memory_budget_bytes / 4;
  }
  void AddLargerBudget(Gain gain, double share, const std::string& why) {
    const std::string present = std::to_string(options_.memory_budget_bytes);
    if (BudgetCanGrow()) {
      Add(gain, share, "memory_budget_bytes", present, std::to_string(LargerBudget()), why);
    } else {
      Add(gain, share, "the machine's memory", ReadableBytes(situation_.machine_bytes),
          "more of it, or fewer series",
          absl::StrCat(why, " The budget, ", ReadableBytes(options_.memory_budget_bytes),
                       ", is most of the machine's memory already."));
    }
  }

  double RecordShare(uint64_t records) const {
    return Ratio(static_cast<double>(records), static_cast<double>(stats_.ledger.appended));
  }

  void JudgeRefusals() {
    const Ledger& ledger = stats_.ledger;
    if (const uint64_t refused = ledger.rejected_budget; refused > 0) {
      AddLargerBudget(Gain::kRecords, RecordShare(refused),
                      absl::StrCat(Counted(refused, "record"),
                                   " were refused because the budget was used up: labels, open "
                                   "leaves and the tree, which stay in memory, take ",
                                   ReadableBytes(AlwaysInMemory()), " of ",
                                   ReadableBytes(options_.memory_budget_bytes), "."));
    }
    if (const uint64_t refused = ledger.rejected_unknown_series; refused > 0) {
      Add(Gain::kRecords, RecordShare(refused), kProgram, "",
          "append under ids that FindOrCreateSeries gave",
          Counted(refused, "record") + " were refused because there is no series of their id.");
    }
    if (const uint64_t refused = ledger.rejected_closed; refused > 0) {
      Add(Gain::kRecords, RecordShare(refused), kProgram, "", "end its appenders before Close",
          Counted(refused, "record") + " were refused because the database was closed.");
    }
    if (const uint64_t refused = ledger.rejected_log; refused > 0) {
      Add(Gain::kRecords, RecordShare(refused), kDisk, "",
          "free space on it, or replace it, and open the database again",
          Counted(refused, "record") + " were refused because the log could not be written.");
    }
    if (stats_.series_refused > 0) {
      std::string why = absl::StrCat(Counted(stats_.series_refused, "registration"),
                                     " of a series were refused.");
      if (!situation_.labels.names_by_values.empty()) {
        const LabelCounts::Count& most = situation_.labels.names_by_values.front();
        absl::StrAppend(&why, " The label '", most.name, "' has most values, ", Grouped(most.count),
                        ": if it should not, drop it instead.");
      }
      Add(Gain::kRecords, 0, "series_max", std::to_string(options_.series_max),
          std::to_string(std::min<uint64_t>(uint64_t{2} * options_.series_max, UINT32_MAX)), why);
    }
  }

  void JudgeDisk() {
    if (stats_.checkpoint_failures > 0) {
      Add(Gain::kRecords, 0, kDisk, "", "look for its errors; free space on it",
          absl::StrCat(Counted(stats_.checkpoint_failures, "checkpoint"),
                       " failed: what they were to move into segments stays in memory and in the "
                       "log."));
    }
    if (stats_.checkpoints < kCheckpointsMin) return;
    const uint64_t each = stats_.checkpoint_bytes / stats_.checkpoints;
    if (each >= kCheckpointBytesMin) return;
    const uint64_t log_each = stats_.log_bytes / stats_.checkpoints;
    const std::string why = absl::StrCat(
        Counted(stats_.checkpoints, "checkpoint"), " wrote ", ReadableBytes(each), " each, for ",
        ReadableBytes(log_each), " of log: each writes all open leaves again");
    const double share = Ratio(static_cast<double>(stats_.checkpoint_bytes),
                               static_cast<double>(stats_.checkpoint_bytes + stats_.log_bytes));
    const Options defaults;
    if (options_.checkpoint_log_bytes < defaults.checkpoint_log_bytes / 4) {
      Add(Gain::kDisk, share, "checkpoint_log_bytes", std::to_string(options_.checkpoint_log_bytes),
          std::to_string(defaults.checkpoint_log_bytes), why + ".");
    } else if (log_each < options_.checkpoint_log_bytes / 2) {
      AddLargerBudget(Gain::kDisk, share,
                      why +
                          ", and they come because leaves in memory take a quarter of the budget "
                          "(or the program calls Checkpoint).");
    }
  }

  void JudgeMemory() {
    const auto budget = static_cast<double>(options_.memory_budget_bytes);
    const double resident = Ratio(static_cast<double>(AlwaysInMemory()), budget);
    if (resident > kResidentShareMax) {
      AddLargerBudget(
          Gain::kMemory, resident,
          absl::StrCat("Labels (", ReadableBytes(stats_.series_bytes), "), open leaves (",
                       ReadableBytes(stats_.open_bytes), ") and the tree (",
                       ReadableBytes(stats_.index_bytes), ") take ", Percent(resident),
                       " of the budget, and no checkpoint can move them out."));
    }
    const double retired = Ratio(static_cast<double>(stats_.retired_bytes), budget);
    if (retired > kRetiredShareMax) {
      Add(Gain::kMemory, retired, kProgram, "", "shorter calls of readers: ask for less at a time",
          absl::StrCat(ReadableBytes(stats_.retired_bytes), ", ", Percent(retired),
                       " of the budget, was replaced and is kept for a reader that has been "
                       "reading for ",
                       Counted(stats_.reader_age_epochs, "reclamation round"), "."));
    }
  }

  void JudgeCheckpointWaits() {
    const double share = ShareOf(stats_.checkpoint_wait_ns);
    if (share <= kBlockedShareMax) return;
    const std::string why = absl::StrCat("Writers waited ", TimeText(stats_.checkpoint_wait_ns),
                                         " for checkpoints to move leaves out of memory.");
    if (BudgetCanGrow() || options_.checkpoint_log_bytes < kCheckpointBytesMin) {
      AddLargerBudget(Gain::kTime, share, why);
    } else {
      Add(Gain::kTime, share, "checkpoint_log_bytes", std::to_string(options_.checkpoint_log_bytes),
          std::to_string(options_.checkpoint_log_bytes / 2),
          why +
              " The budget is most of the machine's memory already, so they should begin "
              "earlier.");
    }
  }

  void JudgeChunkWaits() {
    const double share = ShareOf(stats_.blocked_ns);
    if (share <= kBlockedShareMax) return;
    const double merging = Ratio(static_cast<double>(stats_.merge_ns) / kNsPerSecond,
                                 seconds_ * static_cast<double>(processors_));
    const std::string why =
        absl::StrCat("Writers waited ", TimeText(stats_.blocked_ns),
                     " for a free chunk; merging took ", Percent(merging), " of the processors.");
    if (options_.merge_threads < processors_) {
      Add(Gain::kTime, share, "merge_threads", std::to_string(options_.merge_threads),
          std::to_string(processors_), why);
    } else if (merging > kMergeSaturated ||
               2 * options_.write_buffer_bytes > options_.memory_budget_bytes / 2) {
      Add(Gain::kTime, share, "the processors", std::to_string(processors_),
          "more of them, or fewer records",
          why + " More write_buffer_bytes would help with bursts only.");
    } else {
      Add(Gain::kTime, share, "write_buffer_bytes", std::to_string(options_.write_buffer_bytes),
          std::to_string(2 * options_.write_buffer_bytes),
          why +
              " So they come in bursts, which more room lets through, at the price of cache "
              "misses: measure it.");
    }
  }

  void JudgeLogWaits() {
    const double share = ShareOf(stats_.log_blocked_ns);
    if (share <= kBlockedShareMax) return;
    const std::string why =
        absl::StrCat("Merges waited ", TimeText(stats_.log_blocked_ns),
                     " for the log, which wrote ", ReadableBytes(stats_.log_bytes), " and waited ",
                     Counted(stats_.log_syncs, "time"), " for the disk.");
    const bool sync = options_.durability == Durability::kSync;
    if (sync && options_.sync_delay_us < kSyncDelayMaxUs) {
      Add(Gain::kTime, share, "sync_delay_us", std::to_string(options_.sync_delay_us),
          std::to_string(kSyncDelayMaxUs), why + " With a delay more commits share a sync.");
    } else if (!sync && options_.sync_interval_ms < kSyncIntervalMaxMs) {
      Add(Gain::kTime, share, "sync_interval_ms", std::to_string(options_.sync_interval_ms),
          std::to_string(kSyncIntervalMaxMs),
          why + " Fewer syncs leave it more time to write; a loss of power then costs more.");
    } else {
      Add(Gain::kTime, share, kDisk, "", "a faster one",
          why + " It syncs as seldom as it may already.");
    }
  }

  void JudgeCommitWaits() {
    const double share = ShareOf(stats_.commit_wait_ns);
    if (options_.durability != Durability::kSync || share <= kCommitShareMax ||
        options_.sync_delay_us >= kSyncDelayMaxUs || stats_.log_syncs < kSyncsMin ||
        stats_.log_bytes / stats_.log_syncs >= kSyncBytesMin) {
      return;
    }
    Add(Gain::kTime, share, "sync_delay_us", std::to_string(options_.sync_delay_us),
        std::to_string(kSyncDelayMaxUs),
        absl::StrCat("Commits were awaited for ", TimeText(stats_.commit_wait_ns), ", and each of ",
                     Counted(stats_.log_syncs, "sync"), " had ",
                     ReadableBytes(stats_.log_bytes / stats_.log_syncs),
                     ": with a delay more of them share one. (With a single writer: larger "
                     "commits.)"));
  }

  void JudgeCache() {
    const double reads = static_cast<double>(stats_.cache_hits + stats_.cache_loads);
    const double hits = Ratio(static_cast<double>(stats_.cache_hits), reads);
    const double unpacking = static_cast<double>(stats_.cache_loads) * kUnpackSeconds;
    const double share = Ratio(unpacking, seconds_);
    if (reads == 0 || hits >= kCacheHitRatioMin || share <= kBlockedShareMax) return;
    const std::string why =
        absl::StrCat("Only ", Percent(hits), " of ", Grouped(static_cast<uint64_t>(reads)),
                     " reads of compressed leaves were in the cache; unpacking took some ",
                     Seconds(unpacking), " of ", Seconds(seconds_), ".");
    const uint64_t capacity = options_.memory_budget_bytes / kCachePart;
    if (Ratio(static_cast<double>(stats_.cache_bytes), static_cast<double>(capacity)) >=
            kCacheFull &&
        BudgetCanGrow()) {
      AddLargerBudget(Gain::kTime, share,
                      absl::StrCat(why, " The cache is full, ", ReadableBytes(stats_.cache_bytes),
                                   ", a quarter of the budget."));
    } else if (options_.compression != Compression::kNone) {
      Add(Gain::kTime, share, "compression", "lz4", "none",
          absl::StrCat(why,
                       " Segments written from then on take about twice the space; older "
                       "ones stay as they are until they are compacted."));
    }
  }

  const Situation& situation_;
  const Options& options_;
  const Stats& stats_;
  const uint64_t processors_;
  const double seconds_;
  std::vector<Advice>& advice_;
};

// What stands in the files, whoever wrote them.
void JudgeContent(const Situation& situation, std::vector<Advice>& advice) {
  const Stats& stored = situation.stored;
  for (const LabelCounts::Count& label : situation.labels.names_by_values) {
    if (label.name == kMetricNameLabel || label.count < kLabelValuesMax ||
        label.count < situation.labels.series / 2) {
      continue;
    }
    const double share = Ratio(static_cast<double>(stored.series_bytes + stored.open_bytes),
                               static_cast<double>(stored.memory_bytes));
    advice.push_back(
        {Gain::kMemory, share, absl::StrCat("label '", label.name, "'"),
         Counted(label.count, "value"), "drop it before appending, if nobody asks by it",
         absl::StrCat("It has nearly a value for each of ", Grouped(situation.labels.series),
                      " series, so that each has few samples. Labels take ",
                      ReadableBytes(stored.series_bytes), " and open leaves ",
                      ReadableBytes(stored.open_bytes), ".")});
  }
  if (stored.segments > kSegmentsMax && stored.segment_bytes / stored.segments < kSegmentBytesMin) {
    advice.push_back(
        {Gain::kDisk, 0, "segments", Counted(stored.segments, "file"),
         absl::StrCat("tsdb compact --db ", situation.directory),
         absl::StrCat("They have ", ReadableBytes(stored.segment_bytes / stored.segments),
                      " each: opening maps and checks every one.")});
  }
}

bool ComesFirst(const Advice& a, const Advice& b) {
  return a.gain != b.gain ? a.gain < b.gain : a.share > b.share;
}

}  // namespace

std::string_view GainName(Advice::Gain gain) {
  switch (gain) {
    case Gain::kRecords:
      return "records";
    case Gain::kTime:
      return "time";
    case Gain::kMemory:
      return "memory";
    case Gain::kDisk:
      return "disk";
  }
  return "";
}

std::vector<Advice> Advise(const Situation& situation) {
  std::vector<Advice> all;
  if (situation.published.has_value()) Run(situation, *situation.published, all).Judge();
  JudgeContent(situation, all);
  std::stable_sort(all.begin(), all.end(), ComesFirst);
  // Several reasons for one change are one advice, at the place of the best; of two values for an
  // option it is the one with more to gain.
  std::vector<Advice> advice;
  for (Advice& each : all) {
    const bool is_option = each.change != kProgram && each.change != kDisk;
    const auto same = std::find_if(advice.begin(), advice.end(), [&](const Advice& earlier) {
      return earlier.change == each.change && (is_option || earlier.suggested == each.suggested);
    });
    if (same == advice.end()) {
      advice.push_back(std::move(each));
    } else if (same->suggested == each.suggested) {
      absl::StrAppend(&same->why, " ", each.why);
    }
  }
  return advice;
}

}  // namespace tsdb::tools
