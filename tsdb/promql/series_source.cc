#include "tsdb/promql/series_source.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace tsdb::promql {
namespace {

constexpr uint64_t kStaleBits = 0x7ff0000000000002;
constexpr size_t kVector = 64;  // the decoders store whole vectors of this many samples

// Moves what was decoded from `aligned` on to the front, which is what `begin` is to be.
template <typename T>
void Align(T* decoded, size_t aligned, size_t begin, size_t end) {
  if (aligned < begin) std::copy(decoded + (begin - aligned), decoded + (end - aligned), decoded);
}

}  // namespace

bool IsStale(double value) { return std::bit_cast<uint64_t>(value) == kStaleBits; }

bool ColumnReader::Read(const tree::Tree& tree, SeriesId series, Timestamp from, Timestamp last) {
  size_ = 0;
  if (from > last) return meter_.Step(0);
  const tree::SeriesWalk walk(tree, series, from, last);
  return walk.Walk(0, buffer_, *this);
}

void ColumnReader::Grow(size_t count) {
  const size_t room = size_ + count + 2 * kVector;
  if (room <= times_.size()) return;
  times_.resize(std::max(room, 2 * times_.size()));
  values_.resize(times_.size());
  // The meter notices if that was too much.
  meter_.guard().ChargeMemory((times_.size() - charged_) * (sizeof(Timestamp) + sizeof(double)));
  charged_ = times_.size();
}

bool ColumnReader::VisitLeaf(const tree::WalkedLeaf& leaf) {
  ++meter_.cost().leaves;
  meter_.cost().bytes_decoded += leaf.block.bytes();
  if (leaf.following != nullptr) tree::PrefetchLeaf(leaf.following);
  const size_t count = leaf.end - leaf.begin;
  Grow(count);
  Timestamp* const times = times_.data() + size_;
  double* const values = values_.data() + size_;
  Align(times, leaf.block.DecodeTimestampRange(leaf.begin, leaf.end, times), leaf.begin, leaf.end);
  Align(values, leaf.block.DecodeValueRange(leaf.begin, leaf.end, values), leaf.begin, leaf.end);
  size_ += count;
  return meter_.Step(count);
}

bool ColumnReader::VisitColumns(const Timestamp* times, const double* values, size_t count) {
  ++meter_.cost().leaves;
  meter_.cost().bytes_decoded += count * (sizeof(Timestamp) + sizeof(double));
  Grow(count);
  std::copy_n(times, count, times_.data() + size_);
  std::copy_n(values, count, values_.data() + size_);
  size_ += count;
  return meter_.Step(count);
}

void ColumnReader::DropStale() {
  size_t kept = 0;
  while (kept < size_ && !IsStale(values_[kept])) ++kept;
  for (size_t i = kept; i < size_; ++i) {
    if (IsStale(values_[i])) continue;
    times_[kept] = times_[i];
    values_[kept] = values_[i];
    ++kept;
  }
  size_ = kept;
}

}  // namespace tsdb::promql
