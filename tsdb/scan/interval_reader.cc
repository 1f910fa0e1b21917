#include "tsdb/scan/interval_reader.h"

#include <algorithm>

namespace tsdb::scan {
namespace {

constexpr size_t kVector = 64;  // the decoders store whole vectors of this many samples

size_t RoomFor(const tree::WalkedLeaf& leaf) {
  return (leaf.statistics.count + kVector - 1) / kVector * kVector + kVector;
}

double Distance(Timestamp from, Timestamp to) {
  return static_cast<double>(static_cast<uint64_t>(to) - static_cast<uint64_t>(from));
}

// The first of times[at, count) that is not below `border`. Guesses from the mean stride, since
// scrapes are regular, then walks; bisects what is not. REQUIRES: times[at] < border.
size_t FindBorder(const Timestamp* times, size_t at, size_t count, Timestamp border,
                  double samples_per_ms) {
  if (times[count - 1] < border) return count;
  constexpr int kSteps = 8;
  const double ahead = Distance(times[at], border) * samples_per_ms;
  size_t guess = std::min(at + 1 + static_cast<size_t>(ahead), count - 1);
  for (int step = 0; step < kSteps; ++step) {
    if (times[guess] < border) {
      ++guess;  // not the last one: that is not below the border
    } else if (times[guess - 1] < border) {
      return guess;
    } else {
      --guess;
    }
  }
  return static_cast<size_t>(std::lower_bound(times + at, times + count, border) - times);
}

}  // namespace

void IntervalReader::Begin(Timestamp from, Timestamp last) {
  from_ = from;
  last_ = last;
  first_ = plan_.Advance(0, from);
  at_ = first_;
  states_.clear();
  states_.resize(plan_.Advance(first_, last) - first_ + 1);
  collected_.clear();
  offsets_.assign(needs_.values ? 1 : 0, 0);
}

void IntervalReader::MoveTo(size_t interval) {
  if (needs_.values) offsets_.resize(interval - first_ + 1, collected_.size());
  at_ = interval;
}

std::span<const double> IntervalReader::ValuesOf(size_t begin, size_t end) {
  const auto offset = [this](size_t interval) {
    const size_t i = interval - first_;
    return i < offsets_.size() ? offsets_[i] : collected_.size();
  };
  return std::span<const double>(collected_).subspan(offset(begin), offset(end) - offset(begin));
}

void IntervalReader::AddValues(const double* values, size_t count) {
  if (!needs_.numbers) {
    AddCount(count);
    return;
  }
  states_[at_ - first_].Merge(WindowState::Of({values, count}, needs_.deviations),
                              needs_.deviations);
  if (!needs_.values) return;
  collected_.insert(collected_.end(), values, values + count);
  if (collected_.capacity() > charged_) {  // the meter notices if that was too much
    meter_.guard().ChargeMemory((collected_.capacity() - charged_) * sizeof(double));
    charged_ = collected_.capacity();
  }
}

void IntervalReader::Cut(const Timestamp* times, const double* values, size_t count) {
  const double width = Distance(times[0], times[count - 1]);
  const double samples_per_ms = width > 0 ? static_cast<double>(count - 1) / width : 0;
  for (size_t begin = 0; begin < count;) {
    MoveTo(plan_.Advance(at_, times[begin]));
    const size_t end = at_ + 1 < plan_.intervals()
                           ? FindBorder(times, begin, count, plan_.borders[at_ + 1], samples_per_ms)
                           : count;
    if (plan_.used[at_]) AddValues(values == nullptr ? nullptr : values + begin, end - begin);
    begin = end;
  }
}

void IntervalReader::NoteDecoded(const tree::WalkedLeaf& leaf) {
  meter_.cost().bytes_decoded += leaf.block.bytes();
  // Read next, it comes from memory while this one is decoded.
  if (leaf.following != nullptr) tree::PrefetchLeaf(leaf.following);
}

const double* IntervalReader::DecodeValues(const tree::WalkedLeaf& leaf) {
  if (values_.size() < RoomFor(leaf)) values_.resize(RoomFor(leaf));
  const size_t aligned = leaf.block.DecodeValueRange(leaf.begin, leaf.end, values_.data());
  return values_.data() + (leaf.begin - aligned);
}

bool IntervalReader::VisitLeaf(const tree::WalkedLeaf& leaf) {
  ++meter_.cost().leaves;
  const Timestamp first = std::max(leaf.statistics.time_first, from_);
  const Timestamp last = std::min(leaf.statistics.time_last, last_);
  MoveTo(plan_.Advance(at_, first));
  if (at_ + 1 >= plan_.intervals() || last < plan_.borders[at_ + 1]) {
    return AddWithinInterval(leaf);
  }
  return AddAcross(leaf, last);
}

bool IntervalReader::AddWithinInterval(const tree::WalkedLeaf& leaf) {
  const size_t count = leaf.end - leaf.begin;
  if (!plan_.used[at_]) return meter_.Step(0);
  if (needs_.statistics && !needs_.deviations && !needs_.values) {
    if (!needs_.numbers) {
      ++meter_.cost().statistics;
      AddCount(count);
      return meter_.Step(0);
    }
    if (leaf.whole()) {
      ++meter_.cost().statistics;
      states_[at_ - first_].Merge(WindowState::Of(leaf.statistics), false);
      return meter_.Step(0);
    }
  }
  NoteDecoded(leaf);
  AddValues(DecodeValues(leaf), count);
  return meter_.Step(count);
}

bool IntervalReader::AddAcross(const tree::WalkedLeaf& leaf, Timestamp last) {
  const size_t count = leaf.end - leaf.begin;
  NoteDecoded(leaf);
  const double* values = needs_.numbers ? DecodeValues(leaf) : nullptr;
  // Two probes for a border cost less than decoding all timestamps.
  constexpr size_t kProbedBorders = 2;
  const size_t beyond = at_ + 1 + kProbedBorders;
  if (beyond >= plan_.intervals() || last < plan_.borders[beyond]) {
    size_t begin = leaf.begin;
    for (;;) {
      size_t end = leaf.end;
      const bool final = at_ + 1 >= plan_.intervals() || last < plan_.borders[at_ + 1];
      if (!final) end = leaf.block.LowerBound(plan_.borders[at_ + 1]);
      if (end > begin && plan_.used[at_]) {
        AddValues(values == nullptr ? nullptr : values + (begin - leaf.begin), end - begin);
      }
      if (final) break;
      begin = end;
      MoveTo(at_ + 1);
    }
  } else {
    if (times_.size() < RoomFor(leaf)) times_.resize(RoomFor(leaf));
    const size_t aligned = leaf.block.DecodeTimestampRange(leaf.begin, leaf.end, times_.data());
    Cut(times_.data() + (leaf.begin - aligned), values, count);
  }
  return meter_.Step(count);
}

bool IntervalReader::VisitColumns(const Timestamp* times, const double* values, size_t count) {
  ++meter_.cost().leaves;
  meter_.cost().bytes_decoded += count * (sizeof(Timestamp) + sizeof(double));
  Cut(times, values, count);
  return meter_.Step(count);
}

}  // namespace tsdb::scan
