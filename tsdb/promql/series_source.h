// Where an expression's samples come from, and one series' columns out of it.
//
// Thread safety: a SeriesSource is used by the query's threads; a ColumnReader belongs to one.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "index/label/matcher.h"
#include "index/tree/series_walk.h"
#include "storage/base/types.h"
#include "tsdb/scan/execute.h"
#include "tsdb/scan/query_guard.h"

namespace tsdb::promql {

class SeriesSource {
 public:
  explicit SeriesSource(const scan::Source& stored) : stored_(stored) {}
  virtual ~SeriesSource() = default;
  SeriesSource(const SeriesSource&) = delete;
  SeriesSource& operator=(const SeriesSource&) = delete;

  // Ascending: the series that match and may have samples in [from, last]. Called by one thread at
  // a time.
  virtual absl::StatusOr<std::vector<SeriesId>> Select(std::span<const Matcher> matchers,
                                                       Timestamp from, Timestamp last) = 0;
  const scan::Source& stored() const { return stored_; }

 private:
  const scan::Source stored_;
};

// Prometheus's staleness marker: from it on the series has no value.
bool IsStale(double value);

class ColumnReader final : public tree::SeriesVisitor {
 public:
  explicit ColumnReader(scan::Meter& meter) : meter_(meter) {}

  // The samples of a series in [from, last]. False if the query is to end.
  bool Read(const tree::Tree& tree, SeriesId series, Timestamp from, Timestamp last);
  // Removes staleness markers.
  void DropStale();

  std::span<const Timestamp> times() const { return {times_.data(), size_}; }
  std::span<const double> values() const { return {values_.data(), size_}; }

  bool VisitLeaf(const tree::WalkedLeaf& leaf) override;
  bool VisitColumns(const Timestamp* times, const double* values, size_t count) override;

 private:
  // Room for `count` more, rounded up to what decoders store.
  void Grow(size_t count);

  scan::Meter& meter_;
  tree::WalkBuffer buffer_;
  std::vector<Timestamp> times_;
  std::vector<double> values_;
  size_t size_ = 0;
  size_t charged_ = 0;  // samples' room, to the query's memory
};

}  // namespace tsdb::promql
