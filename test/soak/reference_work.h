// A fixed piece of work that takes what ingest takes of a machine: arithmetic, and memory past the
// inner caches. How long it takes says how fast a shared machine is at the moment.
//
// Thread safety: an object is one thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tsdb::soak {

class ReferenceWork {
 public:
  ReferenceWork();
  // Nanoseconds of this thread's processor time for it; a millisecond or two.
  uint64_t Run();

 private:
  static constexpr size_t kNumbers = size_t{1} << 18;
  static constexpr size_t kPlaces = 1024;
  static constexpr size_t kRoom = 2 * kNumbers / kPlaces + 8;  // no stride of a power of two

  std::vector<uint64_t> numbers_;
  std::vector<uint64_t> scattered_;
  std::vector<uint32_t> filled_;
};

}  // namespace tsdb::soak
