// What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput: it takes hostile
// bytes to one decoder, and checks with TSDB_CHECK what must hold of whatever is decoded. libFuzzer
// calls it (preset `fuzz`), or standalone_driver.cc with a kept corpus (every other build).
//
// A first byte says how to treat the rest (Mode), so that a target can make checksums right before
// it decodes: else nearly every input would end at the first of them.
//
// Thread safety: one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/base/crc32c.h"
#include "test/faults/memory_file_system.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace tsdb::fuzz {

// Bit 0 of the mode, the same in every target of a checksummed format: make the checksums right.
inline constexpr uint8_t kRepair = 1;

// Takes numbers and pieces from the front of an input; zeros and less than asked for at its end.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : bytes_(data, size) {}

  bool empty() const { return bytes_.empty(); }
  uint8_t Byte() { return static_cast<uint8_t>(Number(1)); }
  // Little-endian, of so many bytes.
  uint64_t Number(size_t bytes) {
    uint64_t number = 0;
    for (size_t i = 0; i < bytes && !bytes_.empty(); ++i) {
      number |= uint64_t{bytes_[0]} << (8 * i);
      bytes_ = bytes_.subspan(1);
    }
    return number;
  }
  std::span<const uint8_t> Bytes(size_t bytes) {
    const std::span<const uint8_t> piece = bytes_.first(std::min(bytes, bytes_.size()));
    bytes_ = bytes_.subspan(piece.size());
    return piece;
  }
  std::span<const uint8_t> Rest() { return Bytes(bytes_.size()); }

 private:
  std::span<const uint8_t> bytes_;
};

inline std::string_view AsText(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Bytes in memory of their own, 8-byte aligned and not a byte longer, so that a sanitizer sees the
// first one read beyond them.
class ExactBytes {
 public:
  explicit ExactBytes(std::span<const uint8_t> bytes)
      : memory_(std::make_unique<uint8_t[]>(bytes.size())), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), memory_.get());
  }
  std::span<const uint8_t> bytes() const { return {memory_.get(), size_}; }

 private:
  std::unique_ptr<uint8_t[]> memory_;
  size_t size_;
};

// Stores at `crc_at` the checksum of bytes [begin, end). Nothing if they are not all there.
inline void RepairChecksum(std::vector<uint8_t>& file, uint64_t crc_at, uint64_t begin,
                           uint64_t end) {
  if (begin > end || end > file.size() || file.size() < 4 || crc_at > file.size() - 4) return;
  PutFixed32(file.data() + crc_at, crc32c::Compute(std::span(file).subspan(begin, end - begin)));
}

}  // namespace tsdb::fuzz
