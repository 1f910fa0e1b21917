// A fixed array of plain values on huge pages, every page touched: reading or scattering over
// gigabytes of 4 KiB pages would measure page faults and address translation.
//
// Thread safety: as a plain array.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

namespace tsdb::benchmark {

template <typename T>
class HugeArray {
 public:
  explicit HugeArray(size_t size) : size_(size) {
    void* const memory =
        mmap(nullptr, Bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    madvise(memory, Bytes(), MADV_HUGEPAGE);
    std::memset(memory, 0, Bytes());
    values_ = static_cast<T*>(memory);
  }
  HugeArray(HugeArray&& other) noexcept
      : values_(std::exchange(other.values_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  HugeArray& operator=(HugeArray&&) = delete;
  ~HugeArray() {
    if (values_ != nullptr) munmap(values_, Bytes());
  }

  T* data() { return values_; }
  const T* data() const { return values_; }
  size_t size() const { return size_; }
  T& operator[](size_t index) { return values_[index]; }

 private:
  size_t Bytes() const { return size_ == 0 ? 1 : size_ * sizeof(T); }

  T* values_ = nullptr;
  size_t size_ = 0;
};

}  // namespace tsdb::benchmark
