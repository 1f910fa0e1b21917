#include "storage/base/nearest_names.h"

#include <algorithm>
#include <utility>

namespace tsdb {
namespace {

constexpr size_t kNamesMax = 3;
constexpr size_t kNameBytesMax = 256;  // the cost is quadratic

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Letters to insert, delete or replace; large ones are as good as small ones.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);  // of a's first letters to each beginning of b
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (Lower(a[i - 1]) == Lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::vector<std::string_view> NearestNames(std::string_view name,
                                           std::span<const std::string_view> names) {
  if (name.size() > kNameBytesMax) return {};
  const size_t distance_max = 1 + name.size() / 4;
  struct Near {
    size_t distance;
    size_t apart;  // letters of both after those they begin with
    std::string_view name;
  };
  std::vector<Near> near;
  for (const std::string_view candidate : names) {
    const size_t longer = std::max(name.size(), candidate.size());
    if (longer - std::min(name.size(), candidate.size()) > distance_max) continue;
    const size_t distance = EditDistance(name, candidate);
    if (distance > distance_max) continue;
    const auto common = std::ranges::mismatch(name, candidate).in2 - candidate.begin();
    near.push_back(
        {distance, name.size() + candidate.size() - 2 * static_cast<size_t>(common), candidate});
  }
  std::ranges::stable_sort(near, {}, [](const Near& n) { return std::pair(n.distance, n.apart); });
  std::vector<std::string_view> result;
  for (const Near& each : near) {
    if (result.size() < kNamesMax) result.push_back(each.name);
  }
  return result;
}

std::string JoinWithOr(std::span<const std::string_view> names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 < names.size() ? ", " : " or ";
    text += names[i];
  }
  return text;
}

}  // namespace tsdb
