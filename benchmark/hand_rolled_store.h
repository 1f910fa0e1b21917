// What an engineer would write by hand in an afternoon, as a baseline: a hash map from series to
// two vectors, cut into shards with a mutex each. It keeps what it is given in the order it comes.
//
// Thread safety: all methods from any thread, as documented.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "storage/base/types.h"

namespace tsdb::benchmark {

class HandRolledStore {
 public:
  HandRolledStore();
  ~HandRolledStore();

  void Append(SeriesId series, Timestamp timestamp, double value);
  void AppendColumns(SeriesId series, const Timestamp* timestamps, const double* values,
                     size_t count);
  uint64_t Records() const;
  // Of the vectors, the room they have in reserve included.
  uint64_t Bytes() const;

  // Binary search. REQUIRES: the series was appended in order of time.
  std::optional<double> Lookup(SeriesId series, Timestamp timestamp) const;
  struct Sum {
    uint64_t count = 0;
    double sum = 0;
  };
  // Over the samples in the range. REQUIRES: as Lookup.
  Sum SumRange(SeriesId series, TimeRange range) const;
  // Calls `visit` with all of the series' columns, in the order they came, under the shard's lock;
  // not at all for a series that has none.
  using Visitor = std::function<void(const Timestamp*, const double*, size_t count)>;
  void Visit(SeriesId series, const Visitor& visit) const;

 private:
  struct Shard;
  static constexpr size_t kShards = 64;
  Shard& ShardOf(SeriesId series) const;
  std::unique_ptr<Shard[]> shards_;
};

}  // namespace tsdb::benchmark
