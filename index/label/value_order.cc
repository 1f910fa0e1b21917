#include "index/label/value_order.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <numeric>

namespace tsdb::label {
namespace {

// A value and the eight bytes that follow what all values have in common: comparing these decides
// most, without a look at the text (a cache miss each).
struct Keyed {
  uint64_t key;
  ValueId id;
};

uint64_t KeyOf(std::string_view text) {
  uint64_t key = 0;
  std::memcpy(&key, text.data(), std::min(text.size(), sizeof(key)));
  static_assert(std::endian::native == std::endian::little);
  return __builtin_bswap64(key);
}

// Bytes at the beginning that are the same in all values [begin, end).
size_t CommonPrefix(const ValueTable& values, ValueId begin, ValueId end) {
  std::string_view common = values.TextOf(begin);
  for (ValueId id = begin + 1; id < end && !common.empty(); ++id) {
    const std::string_view text = values.TextOf(id);
    const size_t length = std::min(common.size(), text.size());
    if (std::memcmp(common.data(), text.data(), length) == 0) {
      common = common.substr(0, length);
    } else {
      size_t same = 0;
      while (common[same] == text[same]) ++same;
      common = common.substr(0, same);
    }
  }
  return common.size();
}

std::vector<ValueId> SortRange(const ValueTable& values, ValueId begin, ValueId end) {
  const size_t skip = CommonPrefix(values, begin, end);
  std::vector<Keyed> keyed(end - begin);
  for (ValueId id = begin; id < end; ++id) {
    keyed[id - begin] = {KeyOf(values.TextOf(id).substr(skip)), id};
  }
  std::sort(keyed.begin(), keyed.end(), [&](const Keyed& a, const Keyed& b) {
    return a.key != b.key ? a.key < b.key : values.TextOf(a.id) < values.TextOf(b.id);
  });
  std::vector<ValueId> sorted(keyed.size());
  std::transform(keyed.begin(), keyed.end(), sorted.begin(), [](const Keyed& k) { return k.id; });
  return sorted;
}

}  // namespace

std::shared_ptr<const ValueOrder::Sorted> ValueOrder::Get(const ValueTable& values,
                                                          uint32_t count) {
  MutexLock lock(&mutex_);
  const auto covered = static_cast<uint32_t>(sorted_ == nullptr ? 0 : sorted_->size());
  if (sorted_ != nullptr && count <= covered + std::max(kUnsortedMin, covered / 16)) {
    return sorted_;
  }
  auto merged = std::make_shared<Sorted>(count);
  if (count > 0) {
    const Sorted added = SortRange(values, covered, count);
    const Sorted none;
    const Sorted& old = sorted_ == nullptr ? none : *sorted_;
    std::merge(old.begin(), old.end(), added.begin(), added.end(), merged->begin(),
               [&](ValueId a, ValueId b) { return values.TextOf(a) < values.TextOf(b); });
  }
  sorted_ = std::move(merged);
  return sorted_;
}

size_t ValueOrder::Bytes() {
  MutexLock lock(&mutex_);
  return sorted_ == nullptr ? 0 : sorted_->capacity() * sizeof(ValueId);
}

std::pair<size_t, size_t> ValueOrder::RangeOf(const Sorted& sorted, const ValueTable& values,
                                              std::string_view prefix) {
  const auto begin_of = [&](ValueId id) { return values.TextOf(id).substr(0, prefix.size()); };
  const auto first =
      std::lower_bound(sorted.begin(), sorted.end(), prefix,
                       [&](ValueId id, std::string_view text) { return begin_of(id) < text; });
  const auto last =
      std::upper_bound(first, sorted.end(), prefix,
                       [&](std::string_view text, ValueId id) { return text < begin_of(id); });
  return {static_cast<size_t>(first - sorted.begin()), static_cast<size_t>(last - sorted.begin())};
}

}  // namespace tsdb::label
