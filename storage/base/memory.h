// Memory straight from the system: large regions with huge pages behind them, and what the machine
// and this process have of it.
//
// Thread safety: the functions from any thread; a HugeRegion by one thread at a time.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace tsdb {

// Owns a mapping of zeroed memory and gives it back when it dies.
class HugeRegion {
 public:
  static constexpr size_t kAlignment = size_t{2} << 20;

  // `bytes` of zeroes at an address aligned to kAlignment, with huge pages behind them where the
  // kernel has some and `bytes` is at least kAlignment. With `prefault` every page is touched now,
  // so that no later store pays for it; without, memory is taken as it is first written.
  // kResourceExhausted, naming bytes and errno, when the system refuses. Zero bytes: data() is
  // null.
  static absl::StatusOr<HugeRegion> Map(size_t bytes, bool prefault);

  HugeRegion() = default;
  HugeRegion(HugeRegion&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  HugeRegion& operator=(HugeRegion&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~HugeRegion();

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  HugeRegion(void* data, size_t bytes) : data_(data), bytes_(bytes) {}

  void* data_ = nullptr;
  size_t bytes_ = 0;
};

// What this process may use: the machine's memory or, where lower, the limits of the control groups
// (version 1 and 2) it is in. Reads files: ask once.
size_t PhysicalMemoryBytes();

// Memory of this process that is in RAM now / was at most since it started. 0 if /proc is not
// there.
size_t ResidentBytes();
size_t PeakResidentBytes();

namespace internal {

// The lowest memory limit of the control groups listed in the text of a /proc/self/cgroup, and of
// their parents, with the controllers mounted at `mount`. SIZE_MAX if there is none.
size_t ControlGroupLimitBytes(const std::string& groups, const std::string& mount);

}  // namespace internal
}  // namespace tsdb
