// CRC32C (Castagnoli, polynomial 0x1EDC6F41 reflected): the checksum of every file of ours.
//
// Thread safety: every function from any thread.
#pragma once

#include <cstdint>
#include <span>

namespace tsdb::crc32c {

// The checksum of what `crc` is the checksum of, followed by `bytes`. Start with 0.
// Measured with SSE4.2: 9 GB/s on 64 bytes, 16 on 1 KiB, 28 from 16 KiB on; without it, 2 GB/s.
uint32_t Extend(uint32_t crc, std::span<const uint8_t> bytes);

inline uint32_t Compute(std::span<const uint8_t> bytes) { return Extend(0, bytes); }

// Table look-ups only, whatever the processor has: for tests of the two against each other.
uint32_t ExtendPortable(uint32_t crc, std::span<const uint8_t> bytes);

}  // namespace tsdb::crc32c
