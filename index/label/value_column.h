// The values of one label name by series: series id -> value id, for questions that begin with the
// series.
//
// Ids are taken in chunks of 4,096. A chunk in which an eighth of the series have the name has four
// bytes for each of its ids; of the others only the number of series is kept, and who asks looks
// into the labels of the series.
//
// Thread safety: none of its own; but a chunk's entries below what the index has finished never
// change, and the chunk never moves, so they may be read at any time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "index/label/value_table.h"

namespace tsdb::label {

class ValueColumn {
 public:
  static constexpr uint32_t kChunkIds = 4096;
  static constexpr uint32_t kDenseMin = kChunkIds / 8;

  // An entry is a value id + 1; 0 is a series without the name.
  using Chunk = std::array<uint32_t, kChunkIds>;

  // Says that `count` more series of a chunk have the name. True if the chunk just became dense:
  // the entries of its earlier series are then to be set.
  bool Announce(uint32_t chunk, uint32_t count) {
    if (chunk >= chunks_.size()) {
      chunks_.resize(chunk + 1);
      counts_.resize(chunk + 1);
    }
    counts_[chunk] = static_cast<uint16_t>(counts_[chunk] + count);
    if (chunks_[chunk] != nullptr || counts_[chunk] < kDenseMin) return false;
    chunks_[chunk] = std::make_unique<Chunk>();
    ++dense_;
    return true;
  }
  // Does nothing in a chunk that is not dense. REQUIRES: the chunk was announced.
  void Set(SeriesId series, ValueId value) {
    if (Chunk* chunk = chunks_[series / kChunkIds].get()) {
      (*chunk)[series % kChunkIds] = value + 1;
    }
  }

  // Null for a chunk that is not dense.
  const Chunk* ChunkAt(uint32_t chunk) const {
    return chunk < chunks_.size() ? chunks_[chunk].get() : nullptr;
  }
  // Series of the chunk that have the name.
  uint32_t CountAt(uint32_t chunk) const { return chunk < counts_.size() ? counts_[chunk] : 0; }
  uint32_t chunks() const { return static_cast<uint32_t>(chunks_.size()); }
  uint32_t dense_chunks() const { return dense_; }

  size_t Bytes() const {
    return dense_ * sizeof(Chunk) + chunks_.capacity() * sizeof(chunks_[0]) +
           counts_.capacity() * sizeof(counts_[0]);
  }

 private:
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<uint16_t> counts_;
  uint32_t dense_ = 0;
};

}  // namespace tsdb::label
