#include "index/label/posting.h"

#include <algorithm>

namespace tsdb::label {

Posting::~Posting() {
  if (count_ > kListMax) {
    delete bitmap_;
  } else if (count_ > kInPlaceMax) {
    delete[] list_;
  }
}

void Posting::AppendToList(SeriesId id) {
  if (count_ < kInPlaceMax) {
    in_place_[count_++] = id;
    return;
  }
  const std::span<const SeriesId> old = ids();
  if (count_ == kListMax) {
    auto* const bitmap = new Roaring(old.size(), old.data());
    bitmap->add(id);
    delete[] list_;
    bitmap_ = bitmap;
  } else if (count_ == kInPlaceMax || count_ == CapacityOf(count_)) {
    auto* const grown = new SeriesId[CapacityOf(count_ + 1)];
    std::copy(old.begin(), old.end(), grown);
    grown[count_] = id;
    if (count_ > kInPlaceMax) delete[] list_;
    list_ = grown;
  } else {
    list_[count_] = id;
  }
  ++count_;
}

uint32_t Posting::CountBelow(SeriesId bound) const {
  if (bound == 0) return 0;
  if (!is_list()) return static_cast<uint32_t>(bitmap_->rank(bound - 1));
  const std::span<const SeriesId> all = ids();
  return static_cast<uint32_t>(std::lower_bound(all.begin(), all.end(), bound) - all.begin());
}

bool Posting::Contains(SeriesId id) const {
  if (!is_list()) return bitmap_->contains(id);
  const std::span<const SeriesId> all = ids();
  return std::binary_search(all.begin(), all.end(), id);
}

Roaring Posting::ToRoaring() const { return is_list() ? Roaring(count_, ids().data()) : *bitmap_; }

size_t Posting::Bytes() const {
  if (!is_list()) return RoaringBytes(*bitmap_);
  return count_ <= kInPlaceMax ? 0 : CapacityOf(count_) * sizeof(SeriesId);
}

size_t RoaringBytes(const Roaring& bitmap) {
  roaring_statistics_t statistics;
  roaring_bitmap_statistics(&bitmap.roaring, &statistics);
  // Arrays of containers and of ids grow by a quarter at least when they are full; each container
  // has a head of 16 bytes, a pointer, a key and a type code.
  const size_t arrays = statistics.n_bytes_array_containers + statistics.n_bytes_run_containers;
  return sizeof(Roaring) + arrays + arrays / 8 + statistics.n_bytes_bitset_containers +
         size_t{statistics.n_containers} * 32;
}

}  // namespace tsdb::label
