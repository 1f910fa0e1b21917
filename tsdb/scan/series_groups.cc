#include "tsdb/scan/series_groups.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/parallel.h"
#include "tsdb/scan/label_bytes.h"

namespace tsdb::scan {
namespace {

// Series whose labels one task reads.
constexpr size_t kSeriesPerTask = 4096;

// Canonical bytes of those labels that make up the group's: neighbours of a canonical string, so
// they are canonical too.
void AppendGroupLabels(std::string_view labels, std::span<const std::string> names, bool without,
                       std::string& out) {
  LabelReader reader(labels);
  while (reader.Next()) {
    if (std::binary_search(names.begin(), names.end(), reader.name()) != without) {
      out.append(reader.label());
    }
  }
}

// The groups of a stretch of series, numbered among themselves.
struct Stretch {
  std::vector<std::string> labels;
  std::vector<uint32_t> group_of;
};

Stretch GroupStretch(const label::SeriesTable& table, std::span<const SeriesId> series,
                     std::span<const std::string> names, bool without) {
  Stretch stretch;
  stretch.group_of.reserve(series.size());
  std::unordered_map<std::string, uint32_t> numbers;
  std::string key;
  for (const SeriesId id : series) {
    key.clear();
    AppendGroupLabels(table.BytesOf(id), names, without, key);
    const auto [found, added] =
        numbers.try_emplace(key, static_cast<uint32_t>(stretch.labels.size()));
    if (added) stretch.labels.push_back(key);
    stretch.group_of.push_back(found->second);
  }
  return stretch;
}

}  // namespace

absl::Status CheckGrouping(const Grouping& grouping) {
  std::vector<std::string> names = grouping.labels;
  std::sort(names.begin(), names.end());
  if (!names.empty() && names.front().empty()) {
    return absl::InvalidArgumentError("query: Grouping::labels has an empty name");
  }
  const auto repeated = std::adjacent_find(names.begin(), names.end());
  if (repeated == names.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("query: Grouping::labels has a name twice: ", *repeated));
}

SeriesGroups GroupSeries(const label::SeriesTable& table, std::span<const SeriesId> series,
                         const Grouping& grouping, size_t threads) {
  SeriesGroups groups;
  if (grouping.labels.empty() && !grouping.without) {
    groups.labels.resize(1);
    groups.series.assign(series.begin(), series.end());
    groups.group_of.resize(series.size());
    return groups;
  }
  std::vector<std::string> names = grouping.labels;
  std::sort(names.begin(), names.end());
  std::vector<Stretch> stretches((series.size() + kSeriesPerTask - 1) / kSeriesPerTask);
  ParallelFor(0, stretches.size(), 1, threads, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t first = i * kSeriesPerTask;
      const size_t count = std::min(kSeriesPerTask, series.size() - first);
      stretches[i] = GroupStretch(table, series.subspan(first, count), names, grouping.without);
    }
  });
  std::unordered_map<std::string, uint32_t> numbers;
  std::vector<uint32_t> group_of;  // of `series`
  group_of.reserve(series.size());
  for (const Stretch& stretch : stretches) {
    std::vector<uint32_t> number_of;
    for (const std::string& key : stretch.labels) {
      const auto [found, added] =
          numbers.try_emplace(key, static_cast<uint32_t>(groups.labels.size()));
      if (added) groups.labels.push_back(key);
      number_of.push_back(found->second);
    }
    for (const uint32_t own : stretch.group_of) group_of.push_back(number_of[own]);
  }
  std::vector<size_t> next(groups.labels.size() + 1);
  for (const uint32_t group : group_of) ++next[group + 1];
  for (size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
  groups.series.resize(series.size());
  groups.group_of.resize(series.size());
  for (size_t i = 0; i < series.size(); ++i) {
    const size_t at = next[group_of[i]]++;
    groups.series[at] = series[i];
    groups.group_of[at] = group_of[i];
  }
  return groups;
}

}  // namespace tsdb::scan
