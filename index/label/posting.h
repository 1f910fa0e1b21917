// The series that have one label value, in order: sixteen bytes and, past two series, memory of
// its own.
//
//   up to 2 ids      in place
//   up to 256        an array of 4, 8, .. 256 ids: exact classes of the allocators
//   more             a Roaring bitmap
//
// A bitmap costs some 100 bytes before its first id and 30 for every 65,536 ids that it touches, so
// that values of few series, which most values are, must not have one.
//
// Thread safety: const methods from any thread while nobody appends.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <roaring/roaring.hh>
#include <span>

#include "storage/base/types.h"

namespace tsdb::label {

class Posting {
 public:
  static constexpr uint32_t kListMax = 256;  // ids that are not in a bitmap

  Posting() = default;
  ~Posting();
  Posting(const Posting&) = delete;
  Posting& operator=(const Posting&) = delete;

  // REQUIRES: `id` is above all ids here.
  void Append(SeriesId id) {
    if (count_ > kListMax) {
      bitmap_->add(id);
      ++count_;
    } else {
      AppendToList(id);
    }
  }

  uint32_t count() const { return count_; }
  // Ids below `bound`.
  uint32_t CountBelow(SeriesId bound) const;
  // REQUIRES: count() > 0.
  SeriesId First() const { return is_list() ? ids()[0] : bitmap_->minimum(); }
  bool Contains(SeriesId id) const;

  bool is_list() const { return count_ <= kListMax; }
  // REQUIRES: is_list(). Sorted; valid until the next Append.
  std::span<const SeriesId> ids() const {
    return {count_ <= kInPlaceMax ? in_place_ : list_, count_};
  }
  // REQUIRES: !is_list().
  const Roaring& bitmap() const { return *bitmap_; }
  Roaring ToRoaring() const;

  // Memory beside the object; of a bitmap an estimate, within a quarter.
  size_t Bytes() const;

 private:
  static constexpr uint32_t kInPlaceMax = 2;
  static constexpr uint32_t kFirstCapacity = 4;

  static uint32_t CapacityOf(uint32_t count) {
    return count <= kFirstCapacity ? kFirstCapacity : std::bit_ceil(count);
  }
  void AppendToList(SeriesId id);

  uint32_t count_ = 0;
  union {
    SeriesId in_place_[kInPlaceMax] = {};
    SeriesId* list_;
    Roaring* bitmap_;
  };
};

// Bytes of memory that a bitmap's containers and head take, by their content.
size_t RoaringBytes(const Roaring& bitmap);

}  // namespace tsdb::label
