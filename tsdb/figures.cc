#include "tsdb/figures.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <type_traits>

#include "absl/strings/str_cat.h"

namespace tsdb {
namespace {

using Kind = StatFigure::Kind;
using Words = std::array<uint64_t, sizeof(Stats) / sizeof(uint64_t)>;

enum class Unit : uint8_t { kNumber, kNanoseconds };  // the latter written as seconds

struct Field {
  size_t offset;
  Kind kind;
  std::string_view name;
  std::string_view help;  // of a name's first field
  std::string_view label = {};
  std::string_view label_value = {};
  Unit unit = Unit::kNumber;
};

constexpr Kind kCounter = Kind::kCounter, kGauge = Kind::kGauge;
constexpr Unit kNs = Unit::kNanoseconds;
constexpr std::string_view kBlocked = "tsdb_blocked_seconds_total";
constexpr std::string_view kRejected = "tsdb_records_rejected_total";
constexpr std::string_view kBuffered = "tsdb_records_buffered";

// Of a field of Stats where it lies.
#define AT(field) offsetof(Stats, field)

constexpr Field kFields[] = {
    {AT(ledger.appended), kCounter, "tsdb_records_appended_total",
     "Records offered; those read back when the database was opened, too."},
    {AT(ledger.rejected_unknown_series), kCounter, kRejected, "Records refused, by reason.",
     "reason", "unknown_series"},
    {AT(ledger.rejected_budget), kCounter, kRejected, "", "reason", "budget"},
    {AT(ledger.rejected_closed), kCounter, kRejected, "", "reason", "closed"},
    {AT(ledger.rejected_log), kCounter, kRejected, "", "reason", "log"},
    {AT(ledger.accepted), kCounter, "tsdb_records_accepted_total", "Records taken in."},
    {AT(ledger.buffered_open), kGauge, kBuffered,
     "Records taken in and not yet merged: in open chunks, handed to the merge, or late and "
     "readable beside their leaves.",
     "stage", "open"},
    {AT(ledger.buffered_sealed), kGauge, kBuffered, "", "stage", "sealed"},
    {AT(ledger.buffered_late), kGauge, kBuffered, "", "stage", "late"},
    {AT(ledger.merged), kCounter, "tsdb_records_merged_total",
     "Records merged into leaves, or replaced there."},
    {AT(ledger.in_tree), kGauge, "tsdb_records_in_tree", "Records in leaves."},
    {AT(ledger.replaced), kCounter, "tsdb_records_replaced_total",
     "Records that gave way to another of the same series and time."},
    {AT(ledger.deleted), kCounter, "tsdb_records_deleted_total",
     "Records removed by deletions and retention."},

    {AT(series), kGauge, "tsdb_series", "Series."},
    {AT(series_bytes), kGauge, "tsdb_series_bytes", "Memory of labels and what finds them."},
    {AT(series_refused), kCounter, "tsdb_series_refused_total",
     "Registrations refused because of series_max."},
    {AT(leaves), kGauge, "tsdb_leaves", "Encoded leaves."},
    {AT(leaf_splits), kCounter, "tsdb_leaf_splits_total",
     "Leaves cut because merging made them too large."},
    {AT(leaf_rewrites), kCounter, "tsdb_leaf_rewrites_total",
     "Leaves replaced to take in late records."},
    {AT(encoded_records), kGauge, "tsdb_encoded_records", "Records in encoded leaves."},
    {AT(encoded_bytes), kGauge, "tsdb_encoded_bytes",
     "Bytes of encoded leaves, in memory and in segments."},
    {AT(mapped_leaves), kGauge, "tsdb_mapped_leaves", "Encoded leaves that lie in segments."},
    {AT(mapped_bytes), kGauge, "tsdb_mapped_bytes", "Bytes of encoded leaves in segments."},
    {AT(open_records), kGauge, "tsdb_open_records",
     "Records in open leaves, shared leaves and late buffers."},
    {AT(open_bytes), kGauge, "tsdb_open_bytes", "Memory allocated for these."},
    {AT(index_bytes), kGauge, "tsdb_index_bytes", "Memory of inner nodes and pages of the tree."},

    {AT(appenders), kGauge, "tsdb_appenders", "Appenders that are open."},
    {AT(chunks), kGauge, "tsdb_chunks", "Chunks allocated for records on their way."},
    {AT(chunk_bytes), kGauge, "tsdb_chunk_bytes", "Memory of chunks: the write buffer as it is."},
    {AT(chunk_bytes_max), kGauge, "tsdb_chunk_max_bytes", "What chunks may take."},
    {AT(chunks_sealed), kCounter, "tsdb_chunks_sealed_total",
     "Chunks, or parts of them, handed to the merge."},
    {AT(sealed_queue_depth), kGauge, "tsdb_sealed_queue_depth", "Of these, those that wait."},
    {AT(merge_ns),
     kCounter,
     "tsdb_merge_cpu_seconds_total",
     "Processor time of merges, estimated from one in eight.",
     {},
     {},
     kNs},
    {AT(merge_sort_ns),
     kCounter,
     "tsdb_merge_sort_cpu_seconds_total",
     "Of that, for sorting into runs.",
     {},
     {},
     kNs},
    {AT(encoded_ahead), kCounter, "tsdb_leaves_encoded_ahead_total",
     "Leaves of hot series encoded while another thread merged them."},
    {AT(helped), kCounter, "tsdb_helped_merges_total",
     "Merges that writers ran for want of a free chunk."},
    {AT(blocked), kCounter, "tsdb_chunk_waits_total",
     "Waits of writers for a chunk when there was nothing to help with."},
    {AT(helping_ns), kCounter, kBlocked,
     "Time, of all threads together, that writers merged for want of a chunk (helping), waited "
     "for a chunk, for a checkpoint to free memory, or for a commit or a fresh snapshot, and that "
     "merges waited for the log.",
     "cause", "helping", kNs},
    {AT(blocked_ns), kCounter, kBlocked, "", "cause", "chunk", kNs},
    {AT(commit_wait_ns), kCounter, kBlocked, "", "cause", "commit", kNs},
    {AT(log_blocked_ns), kCounter, kBlocked, "", "cause", "log", kNs},
    {AT(checkpoint_wait_ns), kCounter, kBlocked, "", "cause", "checkpoint", kNs},

    {AT(log_batches), kCounter, "tsdb_log_batches_total", "Batches appended to the log."},
    {AT(log_bytes), kCounter, "tsdb_log_bytes_total", "Bytes of these."},
    {AT(log_syncs), kCounter, "tsdb_log_syncs_total", "Waits of the log for the disk."},
    {AT(checkpoints), kCounter, "tsdb_checkpoints_total", "Checkpoints written."},
    {AT(checkpoint_bytes), kCounter, "tsdb_checkpoint_bytes_total", "Bytes of these."},
    {AT(compacted_bytes), kCounter, "tsdb_compacted_bytes_total",
     "Of these, leaves copied from older segments."},
    {AT(checkpoint_failures), kCounter, "tsdb_checkpoint_failures_total",
     "Checkpoints that failed."},
    {AT(segments), kGauge, "tsdb_segments", "Segments, files of leaves."},
    {AT(segment_bytes), kGauge, "tsdb_segment_bytes", "Bytes of these files."},

    {AT(cache_hits), kCounter, "tsdb_cache_hits_total",
     "Reads of leaves of compressed segments that were in the cache."},
    {AT(cache_loads), kCounter, "tsdb_cache_loads_total",
     "Groups of leaves unpacked because one was not."},
    {AT(cache_bytes), kGauge, "tsdb_cache_bytes", "Memory of unpacked leaves."},
    {AT(retired_bytes), kGauge, "tsdb_retired_bytes",
     "Memory replaced, and kept for readers that may still look at it."},
    {AT(reader_age_epochs), kGauge, "tsdb_reader_age_epochs",
     "Reclamation rounds that the oldest reader has been reading."},
    {AT(memory_bytes), kGauge, "tsdb_memory_bytes", "Memory taken, all together."},
    {AT(memory_budget_bytes), kGauge, "tsdb_memory_budget_bytes", "And what may be taken."},
    {AT(stats_failures), kCounter, "tsdb_stats_failures_total",
     "Writes of the file STATS that failed."},
};

// Leaves by encoding: arrays, each under one name.
struct EncodingField {
  size_t offset;
  std::string_view name;
  std::string_view help;
  std::string (*name_of)(size_t);
};
constexpr size_t kEncodings = std::tuple_size_v<decltype(Stats::timestamp_encodings)>;
constexpr EncodingField kEncodingFields[] = {
    {AT(timestamp_encodings), "tsdb_timestamp_encoding_leaves",
     "Encoded leaves by encoding of their timestamps.", TimestampEncodingName},
    {AT(value_encodings), "tsdb_value_encoding_leaves",
     "Encoded leaves by encoding of their values.", ValueEncodingName}};
#undef AT

// Whether each word of Stats is the place of one field.
constexpr bool EachWordOnce() {
  std::array<size_t, std::tuple_size_v<Words>> named{};
  for (const Field& field : kFields) ++named[field.offset / sizeof(uint64_t)];
  for (const EncodingField& field : kEncodingFields) {
    for (size_t i = 0; i < kEncodings; ++i) ++named[field.offset / sizeof(uint64_t) + i];
  }
  return std::all_of(named.begin(), named.end(), [](size_t times) { return times == 1; });
}
static_assert(std::is_trivially_copyable_v<Stats> && sizeof(Words) == sizeof(Stats));
static_assert(EachWordOnce(), "a field of Stats or Ledger is missing in kFields, or there twice");

struct OptionField {
  std::string_view name;
  double (*get)(const Options&);
  void (*set)(Options&, double);
};

template <auto kMember>
constexpr OptionField Option(std::string_view name) {
  using Value = std::remove_cvref_t<decltype(std::declval<Options>().*kMember)>;
  return {name, [](const Options& options) { return static_cast<double>(options.*kMember); },
          [](Options& options, double value) {
            if constexpr (std::is_arithmetic_v<Value>) {
              const auto most = static_cast<double>(std::numeric_limits<Value>::max());
              options.*kMember =
                  value >= most ? std::numeric_limits<Value>::max() : static_cast<Value>(value);
            } else {
              options.*kMember = static_cast<Value>(value >= 1 ? 1 : 0);  // one of two words
            }
          }};
}

constexpr OptionField kOptions[] = {Option<&Options::serve_while_opening>("serve_while_opening"),
                                    Option<&Options::durability>("durability"),
                                    Option<&Options::sync_interval_ms>("sync_interval_ms"),
                                    Option<&Options::sync_delay_us>("sync_delay_us"),
                                    Option<&Options::log_file_bytes>("log_file_bytes"),
                                    Option<&Options::checkpoint_log_bytes>("checkpoint_log_bytes"),
                                    Option<&Options::checkpoint_on_close>("checkpoint_on_close"),
                                    Option<&Options::compression>("compression"),
                                    Option<&Options::memory_budget_bytes>("memory_budget_bytes"),
                                    Option<&Options::retention_ms>("retention_ms"),
                                    Option<&Options::retention_bytes>("retention_bytes"),
                                    Option<&Options::write_buffer_bytes>("write_buffer_bytes"),
                                    Option<&Options::prefault_bytes>("prefault_bytes"),
                                    Option<&Options::merge_threads>("merge_threads"),
                                    Option<&Options::duplicates>("duplicates"),
                                    Option<&Options::series_max>("series_max"),
                                    Option<&Options::stats_interval_ms>("stats_interval_ms")};

// Does not compile when there is an option more or less: then kOptions needs it, too.
[[maybe_unused]] void CountOptions(const Options& options) {
  [[maybe_unused]] const auto& [directory, read_only, o1, o2, o3, o4, o5, o6, o7, o8, o9, o10, o11,
                                o12, o13, o14, o15, o16, o17] = options;
  static_assert(std::size(kOptions) == 17);
}

constexpr std::string_view kOptionName = "tsdb_option";
constexpr double kNsPerSecond = 1e9;
// Above it not every number is a double.
constexpr double kExactMax = 9007199254740992.0;

std::string NumberText(double value) {
  char text[32];
  // Whole numbers in full, else the shortest that reads back the same.
  const auto end = value >= 0 && value < kExactMax && value == std::floor(value)
                       ? std::to_chars(text, text + sizeof(text), static_cast<uint64_t>(value))
                       : std::to_chars(text, text + sizeof(text), value);
  return std::string(text, end.ptr);
}

}  // namespace

std::vector<StatFigure> FiguresOf(const Stats& stats) {
  const auto words = std::bit_cast<Words>(stats);
  std::vector<StatFigure> figures;
  for (const Field& field : kFields) {
    const auto number = static_cast<double>(words[field.offset / sizeof(uint64_t)]);
    const std::string_view help = field.help.empty() ? figures.back().help : field.help;
    figures.push_back({std::string(field.name), field.kind, std::string(help),
                       std::string(field.label), std::string(field.label_value),
                       field.unit == Unit::kNumber ? number : number / kNsPerSecond});
  }
  for (const EncodingField& field : kEncodingFields) {
    for (size_t i = 0; i < kEncodings; ++i) {
      const uint64_t leaves = words[field.offset / sizeof(uint64_t) + i];
      std::string encoding = field.name_of(i);
      if (encoding.empty()) {
        if (leaves == 0) continue;
        encoding = absl::StrCat(i);
      }
      figures.push_back({std::string(field.name), kGauge, std::string(field.help), "encoding",
                         std::move(encoding), static_cast<double>(leaves)});
    }
  }
  return figures;
}

std::vector<StatFigure> FiguresOf(const Options& options) {
  std::vector<StatFigure> figures;
  for (const OptionField& field : kOptions) {
    figures.push_back({std::string(kOptionName), kGauge, "Options in force.", "name",
                       std::string(field.name), field.get(options)});
  }
  return figures;
}

std::string ExpositionText(std::span<const StatFigure> figures) {
  std::string text;
  const StatFigure* last = nullptr;
  for (const StatFigure& figure : figures) {
    if (last == nullptr || last->name != figure.name) {
      absl::StrAppend(&text, "# HELP ", figure.name, " ", figure.help, "\n# TYPE ", figure.name,
                      figure.kind == kCounter ? " counter\n" : " gauge\n");
    }
    text += figure.name;
    if (!figure.label.empty()) {
      absl::StrAppend(&text, "{", figure.label, "=\"", figure.label_value, "\"}");
    }
    absl::StrAppend(&text, " ", NumberText(figure.value), "\n");
    last = &figure;
  }
  return text;
}

bool SetFigure(const StatSample& sample, Stats& stats) {
  if (!(sample.value >= 0) || sample.value > kExactMax) return false;
  auto words = std::bit_cast<Words>(stats);
  for (const Field& field : kFields) {
    if (field.name != sample.name || field.label != sample.label ||
        field.label_value != sample.label_value) {
      continue;
    }
    const double number = field.unit == Unit::kNumber ? sample.value : sample.value * kNsPerSecond;
    if (number > kExactMax) return false;
    words[field.offset / sizeof(uint64_t)] = static_cast<uint64_t>(std::llround(number));
    stats = std::bit_cast<Stats>(words);
    return true;
  }
  for (const EncodingField& field : kEncodingFields) {
    if (field.name != sample.name || sample.label != "encoding") continue;
    for (size_t i = 0; i < kEncodings; ++i) {
      std::string name = field.name_of(i);
      if (name.empty()) name = absl::StrCat(i);
      if (name != sample.label_value) continue;
      words[field.offset / sizeof(uint64_t) + i] =
          static_cast<uint64_t>(std::llround(sample.value));
      stats = std::bit_cast<Stats>(words);
      return true;
    }
  }
  return false;
}

bool SetFigure(const StatSample& sample, Options& options) {
  if (sample.name != kOptionName || sample.label != "name") return false;
  if (!(sample.value >= 0) || sample.value > kExactMax) return false;
  for (const OptionField& field : kOptions) {
    if (field.name != sample.label_value) continue;
    field.set(options, sample.value);
    return true;
  }
  return false;
}

}  // namespace tsdb
