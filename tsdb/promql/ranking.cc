#include "tsdb/promql/ranking.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tsdb/promql/literals.h"

namespace tsdb::promql {
namespace {

// Whether `a` comes before `b`.
bool Before(double a, double b, bool descending) {
  if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);
  return descending ? a > b : a < b;
}

}  // namespace

absl::StatusOr<StepMatrix> RankRows(StepMatrix vector,
                                    std::span<const std::vector<uint32_t>> groups,
                                    std::span<const double> counts, bool greatest) {
  for (const double count : counts) {
    if (std::isnan(count)) return absl::InvalidArgumentError("Parameter value is NaN");
    if (count <= -0x1p63 || count >= 0x1p63) {
      return absl::InvalidArgumentError(
          absl::StrCat("Scalar value ", FormatNumber(count), " overflows int64"));
    }
  }
  std::vector<size_t> order;
  std::vector<uint32_t> ranked;
  for (const std::vector<uint32_t>& rows : groups) {
    for (size_t step = 0; step < vector.steps(); ++step) {
      ranked.clear();
      for (const uint32_t row : rows) {
        if (vector.present(row)[step] != 0) ranked.push_back(row);
      }
      // Stable: of equal values the row that comes first ranks higher.
      std::stable_sort(ranked.begin(), ranked.end(), [&](uint32_t a, uint32_t b) {
        return Before(vector.values(a)[step], vector.values(b)[step], greatest);
      });
      const auto kept = counts[step] < 1 ? 0 : static_cast<size_t>(std::min(counts[step], 0x1p32));
      for (size_t i = kept; i < ranked.size(); ++i) vector.present(ranked[i])[step] = 0;
      if (vector.steps() == 1) order.insert(order.end(), ranked.begin(), ranked.end());
    }
  }
  if (vector.steps() == 1) vector.Permute(order);
  vector.DropEmptyRows();
  return vector;
}

void SortByValue(StepMatrix& vector, bool descending) {
  std::vector<size_t> order(vector.rows());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return Before(vector.values(a)[0], vector.values(b)[0], descending);
  });
  vector.Permute(order);
}

}  // namespace tsdb::promql
