#include "tsdb/scan/result_rows.h"

#include <algorithm>
#include <limits>

#include "storage/base/labels.h"
#include "tsdb/scan/label_bytes.h"

namespace tsdb::scan {
namespace {

bool Has(const RowView& row, size_t window) {
  return (row.present[window / 64] >> window % 64 & 1) != 0;
}

// What the row is ranked by. Every row has a window at least.
double RankOf(const RowView& row, size_t windows, RankBy by) {
  double sum = 0, last = 0, most = std::numeric_limits<double>::quiet_NaN();
  size_t count = 0;
  for (size_t k = 0; k < windows; ++k) {
    if (!Has(row, k)) continue;
    const double value = row.values[k];
    sum += value;
    last = value;
    most = value > most || most != most ? value : most;
    ++count;
  }
  switch (by) {
    case RankBy::kMean:
      return sum / static_cast<double>(count);
    case RankBy::kLast:
      return last;
    case RankBy::kMax:
      break;
  }
  return most;
}

struct Ranked {
  double rank;
  RowView row;
};

}  // namespace

void OrderRows(const Query& query, size_t windows, std::vector<RowView>& rows) {
  if (query.top == 0 && query.bottom == 0) {
    std::sort(rows.begin(), rows.end(),
              [](const RowView& a, const RowView& b) { return LabelsBefore(a.labels, b.labels); });
    return;
  }
  std::vector<Ranked> ranked;
  ranked.reserve(rows.size());
  for (const RowView& row : rows) ranked.push_back({RankOf(row, windows, query.rank_by), row});
  const bool top = query.top > 0;
  const auto before = [top](const Ranked& a, const Ranked& b) {
    const bool a_nan = a.rank != a.rank, b_nan = b.rank != b.rank;
    if (a_nan != b_nan) return b_nan;
    if (!a_nan && a.rank != b.rank) return top ? a.rank > b.rank : a.rank < b.rank;
    return LabelsBefore(a.row.labels, b.row.labels);
  };
  const size_t kept = std::min(top ? query.top : query.bottom, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept),
                    ranked.end(), before);
  rows.resize(kept);
  for (size_t i = 0; i < kept; ++i) rows[i] = ranked[i].row;
}

absl::StatusOr<QueryResult> ResultBuilder::Build(const Query& query, const WindowPlan& plan,
                                                 const std::vector<RowView>& rows,
                                                 QueryGuard& guard) {
  QueryResult result;
  result.times_ = plan.times;
  result.columns_ = query.columns.size();
  result.words_ = WordsFor(plan.windows());
  uint64_t bytes = 0;
  for (const RowView& row : rows) {
    bytes +=
        sizeof(Labels) + row.labels.size() + row.values.size_bytes() + row.present.size_bytes();
  }
  if (!guard.ChargeMemory(bytes)) return guard.status();
  result.labels_.reserve(rows.size());
  result.values_.reserve(rows.size() * query.columns.size() * plan.windows());
  result.present_.reserve(rows.size() * result.words_);
  for (const RowView& row : rows) {
    result.labels_.push_back(Labels::FromCanonicalBytes(row.labels));
    result.values_.insert(result.values_.end(), row.values.begin(), row.values.end());
    result.present_.insert(result.present_.end(), row.present.begin(), row.present.end());
  }
  return result;
}

}  // namespace tsdb::scan
