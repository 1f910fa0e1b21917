#include "storage/codec/patch_list.h"

#include <cstring>

namespace tsdb::codec {

uint32_t PatchList::LowerBound(size_t wanted) const {
  uint32_t begin = 0, end = count();
  while (begin < end) {
    const uint32_t middle = (begin + end) / 2;
    if (position(middle) < wanted) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

bool PatchList::Valid(size_t room, size_t samples) const {
  if (room < sizeof(uint64_t) || room < bytes()) return false;
  for (size_t i = 0; i < count(); ++i) {
    if (position(i) >= samples) return false;
    if (i > 0 && position(i) <= position(i - 1)) return false;
  }
  return true;
}

uint8_t* PatchList::Write(const uint16_t* positions, const uint64_t* payloads, size_t count,
                          uint8_t* out) {
  const size_t head = PaddedToWord((count + 1) * sizeof(uint16_t));
  std::memset(out, 0, head);
  StoreAs(out, static_cast<uint16_t>(count));
  std::memcpy(out + 2, positions, count * sizeof(uint16_t));
  std::memcpy(out + head, payloads, count * sizeof(uint64_t));
  return out + head + count * sizeof(uint64_t);
}

}  // namespace tsdb::codec
