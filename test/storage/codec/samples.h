// Inputs for the codec's tests: named shapes of timestamps and values, made from a seed, that
// between them reach every encoding and its edges. Not thread-safe (a generator has state).
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "storage/base/types.h"
#include "storage/codec/block.h"
#include "test/instruction_sets.h"

namespace tsdb::codec {

using Random = std::mt19937_64;

struct TimestampShape {
  std::string name;
  bool increasing;
  std::function<std::vector<Timestamp>(size_t count, Random& random)> make;
};

struct ValueShape {
  std::string name;
  std::function<std::vector<double>(size_t count, Random& random)> make;
};

const std::vector<TimestampShape>& TimestampShapes();
const std::vector<ValueShape>& ValueShapes();

// One block's bytes, in memory of exactly their length, so that a sanitizer sees any byte read
// beyond them.
class EncodedBlock {
 public:
  EncodedBlock(const std::vector<Timestamp>& timestamps, const std::vector<double>& values,
               EncodeHint& hint);
  std::span<const uint8_t> bytes() const { return {bytes_.data(), bytes_.size()}; }
  BlockView view() const { return BlockView::Trusted(bytes_.data()); }

 private:
  std::vector<uint8_t> bytes_;
};

// Lengths at which something changes: rows, groups, words, blocks.
std::vector<size_t> EdgeLengths();

bool SameBits(double a, double b);
// Room for a decoder's output of `count`.
inline size_t DecodeRoom(size_t count) { return (count + 63) / 64 * 64; }

}  // namespace tsdb::codec
