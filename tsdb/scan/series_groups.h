// Which series of a query belong together.
//
// Thread safety: a plain value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "index/label/series_table.h"
#include "storage/base/types.h"
#include "tsdb/query.h"

namespace tsdb::scan {

struct SeriesGroups {
  std::vector<std::string> labels;  // canonical bytes of each group's labels
  // Series group by group, ascending in each; the group of each.
  std::vector<SeriesId> series;
  std::vector<uint32_t> group_of;
};

// kInvalidArgument for an empty or repeated name.
absl::Status CheckGrouping(const Grouping& grouping);

// `series` ascends. Groups are numbered in the order in which their first series come.
SeriesGroups GroupSeries(const label::SeriesTable& table, std::span<const SeriesId> series,
                         const Grouping& grouping, size_t threads);

}  // namespace tsdb::scan
