// What an importer writes into: the seam between the parsers and a database.
//
// Thread safety: one thread at a time.
#pragma once

#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/labels.h"
#include "storage/base/types.h"

namespace tsdb::importer {

class Sink {
 public:
  virtual ~Sink() = default;
  // The id under which samples of these labels are appended.
  virtual absl::StatusOr<SeriesId> FindOrCreateSeries(const Labels& labels) = 0;
  // An error ends the import: the sink can take no more.
  virtual absl::Status Append(SeriesId series, Timestamp timestamp, double value) = 0;
  // All or nothing. REQUIRES: timestamps.size() == values.size().
  virtual absl::Status AppendColumns(SeriesId series, std::span<const Timestamp> timestamps,
                                     std::span<const double> values) = 0;
};

}  // namespace tsdb::importer
