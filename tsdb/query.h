// Questions about many series at once: which there are, and what their samples come to in windows
// of time, by series or by groups of them. docs/querying.md has the rules at length.
//
// A query names series by their labels, cuts time in windows, computes one or more columns in every
// window of every series, and, if it has a Grouping, takes these together over the series of each
// group:
//
//   matchers ─► series ─► windows of each: columns ─► groups: columns ─► top or bottom rows
//
// Thread safety: every function from any thread, any number at once, beside writers, which it
// neither blocks nor waits for. Queries, options and results are plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/label/matcher.h"
#include "storage/base/labels.h"
#include "storage/base/types.h"
#include "tsdb/snapshot.h"

namespace tsdb {

class Database;
namespace scan {
class ResultBuilder;
}

// What is computed of the samples of one series in one window. A NaN takes no part in kMin and
// kMax, which are NaN only if there is nothing else, and makes kSum, kAvg, kStddev and kQuantile
// NaN. A window without samples has no value in any column, kCount included.
enum class WindowFunction : uint8_t {
  kCount,
  kSum,
  kAvg,
  kMin,
  kMax,
  kFirst,    // the value with the lowest timestamp, every bit kept
  kLast,     // with the highest
  kStddev,   // of the whole window, not of a sample from it: divided by the count; 0 for one sample
  kQuantile  // Column::quantile: between the two nearest ranks, linearly
};

// What is computed of the windows' results of a group's series, of those that have one. NaN as
// above. kCount is the number of series that have one.
enum class GroupFunction : uint8_t { kSum, kAvg, kMin, kMax, kCount, kStddev, kQuantile };

struct Column {
  WindowFunction function = WindowFunction::kAvg;
  double quantile = 0.5;  // 0 to 1: of kQuantile
  // Used by queries with a Grouping only.
  GroupFunction group_function = GroupFunction::kAvg;
  double group_quantile = 0.5;
};

// One row for each set of values that the matched series have in some labels. A label that a series
// does not have counts as empty.
struct Grouping {
  // The names that make up a group's labels; or, with `without`, those left out of them. By no
  // label at all: one row.
  std::vector<std::string> labels;
  bool without = false;
};

// Bounds on what one query may take; 0: none. A query that passes one ends with kResourceExhausted
// (windows: kInvalidArgument, time: kDeadlineExceeded) that names it, and leaves nothing behind.
struct QueryLimits {
  uint64_t windows = 11'000;  // of each row
  uint64_t series = 0;        // matched, less those known to have nothing in the range
  uint64_t samples = 0;  // decoded, or read out of open leaves; not those that statistics answer
  uint64_t memory_bytes = uint64_t{1} << 30;  // of the result and what is needed on the way to it
  int64_t time_ms = 0;
};

struct QueryOptions {
  QueryLimits limits = {};
  // A stop requested here ends the query with kCancelled, some ten leaves later at most.
  std::stop_token stop = {};
  // Threads to use, the calling one included; 0: all cores. The result does not depend on it.
  size_t threads = 0;
  Freshness freshness = Freshness::kLatest;
  // Answer whole leaves from their stored statistics. Off, every leaf is decoded: for measuring.
  bool use_statistics = true;
};

enum class RankBy : uint8_t { kMean, kLast, kMax };

struct Query {
  std::vector<Matcher> matchers;  // all must match; none: every series
  // Windows begin at range.begin, range.begin + step_ms and so on, below range.end; each is
  // [t, t + window_ms), wherever that ends. With step_ms = 0 there is one, the range.
  TimeRange range;
  int64_t step_ms = 0;
  int64_t window_ms = 0;  // 0: as step_ms. More: windows overlap; less: there are gaps in between
  std::vector<Column> columns = {Column()};  // computed in one pass
  std::optional<Grouping> grouping;  // none: a row for each series with a sample in a window
  // If not 0, only so many rows, ranked by the first column's values over all windows: their mean,
  // the last one or the greatest. The best row comes first; NaN comes last; equal ones in order of
  // their labels. At most one of the two may be set.
  size_t top = 0;
  size_t bottom = 0;
  RankBy rank_by = RankBy::kMean;
  QueryOptions options;
};

// How much of what there is an answer can vouch for.
struct Completeness {
  // Whether everything accepted before the query is in it (always with Freshness::kLatest); else
  // what was merged by then.
  bool latest = true;
  // Whether the log is still being read back, so that part of what it holds is missing.
  bool replaying = false;
  // What was lost when the database was opened: RecoveryReport::damage. Answers lack it.
  std::vector<std::string> damage;

  bool Complete() const { return latest && !replaying && damage.empty(); }
};

// What a query took.
struct QueryCost {
  uint64_t series = 0;           // matched, less those known to have nothing in the range
  uint64_t leaves = 0;           // looked at, in memory and in segments
  uint64_t statistics = 0;       // of these, answered by their statistics
  uint64_t samples_decoded = 0;  // and read out of open and shared leaves and late records
  uint64_t bytes_decoded = 0;    // of the decoded leaves, encoded; those of others as they lie
  uint64_t select_ns = 0;        // wall time of finding the series
  uint64_t wall_ns = 0;          // of everything

  void Add(const QueryCost& other);
};

class QueryResult {
 public:
  // Begins of the windows. rows() x columns() x times().size() cells.
  const std::vector<Timestamp>& times() const { return times_; }
  size_t rows() const { return labels_.size(); }
  size_t columns() const { return columns_; }
  // Rows are in order of their labels, name by name and value by value; ranked ones in that order.
  const Labels& labels(size_t row) const { return labels_[row]; }
  // Whether there is a value; NaN is one.
  bool Has(size_t row, size_t window) const {
    const size_t bit = row * words_ * 64 + window;
    return (present_[bit / 64] >> bit % 64 & 1) != 0;
  }
  std::optional<double> At(size_t row, size_t window, size_t column = 0) const {
    if (!Has(row, window)) return std::nullopt;
    return Values(row, column)[window];
  }
  // A value for every window; NaN, too, where there is none.
  std::span<const double> Values(size_t row, size_t column = 0) const {
    return {values_.data() + (row * columns_ + column) * times_.size(), times_.size()};
  }
  const Completeness& completeness() const { return completeness_; }
  const QueryCost& cost() const { return cost_; }

 private:
  friend class scan::ResultBuilder;
  std::vector<Timestamp> times_;
  size_t columns_ = 0;
  size_t words_ = 0;  // of 64 windows, in the bits of one row
  std::vector<Labels> labels_;
  std::vector<double> values_;
  std::vector<uint64_t> present_;
  Completeness completeness_;
  QueryCost cost_;
};

// kInvalidArgument says what is wrong with the query; otherwise as QueryLimits and QueryOptions.
absl::StatusOr<QueryResult> RunQuery(Database& database, const Query& query);

struct SeriesEntry {
  SeriesId series = 0;
  Labels labels;
};
// The matched series with a sample in the range, in order of their labels; with TimeRange::All()
// those without any sample, too.
absl::StatusOr<std::vector<SeriesEntry>> ListSeries(Database& database,
                                                    std::span<const Matcher> matchers,
                                                    TimeRange range = TimeRange::All(),
                                                    const QueryOptions& options = {});
// The label names that these series have, sorted, each once.
absl::StatusOr<std::vector<std::string>> LabelNames(Database& database,
                                                    std::span<const Matcher> matchers,
                                                    TimeRange range = TimeRange::All(),
                                                    const QueryOptions& options = {});
// The values that they have of one label, likewise. kInvalidArgument for a `name` that is empty or
// not UTF-8.
absl::StatusOr<std::vector<std::string>> LabelValues(Database& database, std::string_view name,
                                                     std::span<const Matcher> matchers,
                                                     TimeRange range = TimeRange::All(),
                                                     const QueryOptions& options = {});
// How many series match, out of the label index alone.
absl::StatusOr<uint64_t> CountSeries(Database& database, std::span<const Matcher> matchers,
                                     const QueryOptions& options = {});
// How many samples they have in the range, out of leaves' statistics and, at the ends of the range,
// timestamps.
absl::StatusOr<uint64_t> CountSamples(Database& database, std::span<const Matcher> matchers,
                                      TimeRange range = TimeRange::All(),
                                      const QueryOptions& options = {});

// How many labels there are in the database, and who has most of something: the first of each list,
// the greatest count first, equal ones in the order of names and values.
struct LabelCounts {
  struct Count {
    std::string name;
    std::string value;  // empty where names are counted
    uint64_t count = 0;
  };
  uint64_t series = 0;  // those without any sample, too
  uint64_t names = 0;
  uint64_t pairs = 0;                    // of a name and a value, each once
  std::vector<Count> metrics_by_series;  // values of __name__
  std::vector<Count> names_by_values;
  std::vector<Count> pairs_by_series;
};
// At most `top` of each list. Out of the label index alone; looks at every value of every label.
LabelCounts Cardinality(Database& database, size_t top);

struct LastValue {
  SeriesId series = 0;
  Labels labels;
  Sample sample;
};
// The sample with the highest timestamp of each matched series that has one, in order of labels.
absl::StatusOr<std::vector<LastValue>> LastValues(Database& database,
                                                  std::span<const Matcher> matchers,
                                                  const QueryOptions& options = {});

// The time of the newest sample of the matched series; none if they have no samples.
absl::StatusOr<std::optional<Timestamp>> NewestTime(Database& database,
                                                    std::span<const Matcher> matchers,
                                                    const QueryOptions& options = {});

}  // namespace tsdb
