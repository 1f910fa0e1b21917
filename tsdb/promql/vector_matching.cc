#include "tsdb/promql/vector_matching.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "tsdb/scan/label_bytes.h"

namespace tsdb::promql {
namespace {

bool Names(const VectorMatching& matching, std::string_view name) {
  return std::ranges::find(matching.labels, name) != matching.labels.end();
}

// Canonical bytes of the labels that matter, in `bytes`.
void Signature(const VectorMatching& matching, const Labels& labels, std::string& bytes) {
  bytes.clear();
  for (scan::LabelReader reader(labels.bytes()); reader.Next();) {
    const bool matters = matching.on
                             ? Names(matching, reader.name())
                             : reader.name() != kMetricNameLabel && !Names(matching, reader.name());
    if (matters) bytes.append(reader.label());
  }
}

}  // namespace

std::vector<MatchGroup> GroupBySignature(const VectorMatching& matching, const StepMatrix& left,
                                         const StepMatrix& right) {
  std::unordered_map<std::string, size_t> numbers;
  std::vector<MatchGroup> groups;
  std::string bytes;
  const auto add = [&](const StepMatrix& side, std::vector<uint32_t> MatchGroup::*rows) {
    for (size_t row = 0; row < side.rows(); ++row) {
      Signature(matching, side.labels(row), bytes);
      const auto [entry, added] = numbers.try_emplace(bytes, groups.size());
      if (added) groups.emplace_back();
      (groups[entry->second].*rows).push_back(static_cast<uint32_t>(row));
    }
  };
  add(left, &MatchGroup::left);
  add(right, &MatchGroup::right);
  return groups;
}

Labels MatchedLabels(const VectorMatching& matching, const Labels& labels) {
  std::string bytes;
  Signature(matching, labels, bytes);
  return Labels::FromCanonicalBytes(bytes);
}

}  // namespace tsdb::promql
