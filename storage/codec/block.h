// A block: up to kBlockSamplesMax samples encoded as two columns (timestamps, values) with
// statistics in front. What a leaf of the tree, a log record and a segment all hold; bytes are the
// same on every instruction set, so a block can be moved, hashed and compared as it is.
//
// Thread safety: encoding writes only to its output and its EncodeHint; a BlockView is an immutable
// view of bytes that the caller keeps alive, and may be used from any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "storage/base/types.h"

namespace tsdb::codec {

inline constexpr size_t kBlockSamplesMax = 2048;

enum class TimestampEncoding : uint8_t { kConstantStride, kLine, kDelta, kFrame, kRaw };
enum class ValueEncoding : uint8_t { kConstant, kAlpFrame, kAlpDelta, kAlpRd, kDictionary, kRaw };

// Over the samples of one block. A NaN takes no part in min and max and makes sum NaN; a block of
// NaNs only has min = +infinity, max = -infinity. `first`, `last`: values of the first and last
// sample. The sum is taken in a fixed order (eight lanes, then the lanes), so it is the same
// everywhere.
struct BlockStatistics {
  uint32_t count = 0;
  Timestamp time_first = 0, time_last = 0;
  double min = 0, max = 0, sum = 0, first = 0, last = 0;
};

// What one series' earlier blocks taught the encoder: which way of holding values, with which
// parameter (decimal digits, or ALP-RD's left bits), and for how many blocks to trust it before
// looking again. Zero-initialised is valid, as is any other content; keep one per series, used by
// one thread at a time. The bytes that a block encodes to depend on its samples and this hint only.
struct EncodeHint {
  uint8_t exponent = 0, mode = 0, countdown = 0;
  // Set by the caller when it expects to encode the block again soon, with records that are still
  // to come: timestamps with gaps are then put on a line, if one is there, whatever else would be
  // shorter.
  bool provisional = false;
};

// Bytes that EncodeBlock may touch at most for `count` samples, its scratch past the end included.
size_t EncodedBytesMax(size_t count);

// Encodes `count` samples into `out`; returns the bytes used, a multiple of 8. Timestamps need not
// be increasing (differences wrap), so that neighbouring short series can share a block. REQUIRES:
// 1 <= count <= kBlockSamplesMax; `out` has EncodedBytesMax(count) bytes, 8-byte aligned.
size_t EncodeBlock(const Timestamp* timestamps, const double* values, size_t count,
                   EncodeHint& hint, uint8_t* out);

// Decoders for one block. All `out` buffers need room for their count rounded up to a multiple of
// 64 (the kernels store whole vectors). Positions are half-open [begin, end) within the block.
class BlockView {
 public:
  BlockView() = default;
  // A view of bytes made by EncodeBlock in this process: not checked.
  static BlockView Trusted(const uint8_t* bytes);
  // Checks every width, count and offset of hostile bytes against their length; after that no
  // decoder reads outside them. kDataLoss names what was wrong.
  static absl::StatusOr<BlockView> Parse(std::span<const uint8_t> bytes);

  uint32_t count() const;
  size_t bytes() const;  // of the whole encoded block
  BlockStatistics Statistics() const;
  TimestampEncoding timestamp_encoding() const;
  ValueEncoding value_encoding() const;
  // Whether the timestamps' encoding shows that they increase strictly: without reading them all.
  // They may if it does not. REQUIRES: a block made by EncodeBlock.
  bool SurelyIncreases() const;

  void DecodeTimestamps(Timestamp* out) const;
  void DecodeValues(double* out) const;
  // Decodes at least [begin, end): writes position p to out[p - aligned], where `aligned`,
  // returned, is the multiple of 64 at or below `begin`; room for (end - aligned) rounded up to 64
  // is needed.
  size_t DecodeTimestampRange(size_t begin, size_t end, Timestamp* out) const;
  size_t DecodeValueRange(size_t begin, size_t end, double* out) const;

  Timestamp TimestampAt(size_t position) const;
  Timestamp LastTimestamp() const;
  double ValueAt(size_t position) const;
  // First position with a timestamp >= `timestamp`, or count(). REQUIRES: increasing timestamps.
  size_t LowerBound(Timestamp timestamp) const;
  // Position of exactly `timestamp`, or count(). REQUIRES: increasing timestamps. Faster than
  // LowerBound: one probe for kConstantStride, one or two for kLine.
  size_t Find(Timestamp timestamp) const;

 private:
  const uint8_t* bytes_ = nullptr;
};

}  // namespace tsdb::codec
