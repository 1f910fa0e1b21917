// Inner nodes of one series' part of the tree: sorted first timestamps and what starts there. Level
// 0 points to encoded leaves (codec blocks), level n to nodes of level n - 1.
//
//   [header 16 B][first timestamp: int64 x capacity][child: pointer x capacity]
//
// A leaf lies in the tree's memory or in a mapped file, there plain or packed. Blocks are 8-byte
// aligned, and the lowest bits of the child pointer tell: one of a file is not the tree's to free,
// and a packed one has to be unpacked before it is read (storage/cache/leaf_cache.h).
//
// Thread safety: one task at a time changes a series (it owns the page); readers run beside it.
//  1. Entries below `count` never change their first timestamp; a child pointer is replaced only by
//  a
//     larger copy of the same node (growth at the right edge), or by the same leaf elsewhere.
//  2. Entries are added at the right end only: written first, then `count` is stored with release.
//  3. Any other change copies the nodes on the path, the right-most path always, so that a root
//  reached
//     through an older version of the series gains no entries from later ones.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/tree/block_memory.h"
#include "storage/base/types.h"
#include "storage/cache/leaf_cache.h"

namespace tsdb::tree {

inline constexpr uint32_t kFanout = 64;

class alignas(8) InnerNode {
 public:
  static size_t BytesFor(uint32_t capacity) { return sizeof(InnerNode) + capacity * size_t{16}; }
  static InnerNode* Create(BlockMemory& memory, uint32_t level, uint32_t capacity);

  size_t bytes() const { return BytesFor(capacity_); }
  uint32_t level() const { return level_; }
  uint32_t capacity() const { return capacity_; }
  // Acquire pairs with Push's release: entries below it are whole.
  uint32_t count() const { return count_.load(std::memory_order_acquire); }
  Timestamp first(uint32_t i) const { return firsts()[i]; }
  // Acquire pairs with SetChild's release: what the child points to is whole.
  const void* child(uint32_t i) const { return children()[i].load(std::memory_order_acquire); }
  const InnerNode* node(uint32_t i) const { return static_cast<const InnerNode*>(child(i)); }
  // A leaf's bytes, readable until the caller's pin ends, and where they lie, for prefetching.
  // REQUIRES, for those that are read: the epoch is pinned.
  const uint8_t* leaf(uint32_t i) const { return LeafOf(child(i)); }
  const uint8_t* leaf_address(uint32_t i) const { return AddressOf(child(i)); }
  bool leaf_mapped(uint32_t i) const { return IsMapped(child(i)); }

  // The child pointer for a leaf in a mapped file; what it points to; whether it is one.
  static const void* MappedChild(const uint8_t* leaf, bool packed) {
    return reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(leaf) | kMapped |
                                         (packed ? kPacked : 0));
  }
  static const uint8_t* AddressOf(const void* child) {
    return reinterpret_cast<const uint8_t*>(reinterpret_cast<uintptr_t>(child) &
                                            ~(kMapped | kPacked));
  }
  static const uint8_t* LeafOf(const void* child) {
    const uint8_t* leaf = AddressOf(child);
    if ((reinterpret_cast<uintptr_t>(child) & kPacked) != 0) [[unlikely]] {
      cache::LeafCache::MakeReadable(leaf);
    }
    return leaf;
  }
  static bool IsMapped(const void* child) {
    return (reinterpret_cast<uintptr_t>(child) & kMapped) != 0;
  }

  // The entry whose range holds `timestamp`: the last of the first `count` with first <= timestamp,
  // or 0. Interpolates, then walks: one or two probes for regular series. REQUIRES: count > 0.
  uint32_t Find(Timestamp timestamp, uint32_t count) const;

  // For the owner of the page only.
  bool full() const { return count_.load(std::memory_order_relaxed) == capacity_; }
  void Push(Timestamp first, const void* child);  // REQUIRES: !full()
  void SetChild(uint32_t i, const void* child) {
    children()[i].store(child, std::memory_order_release);
  }

 private:
  static constexpr uintptr_t kMapped = 1;
  static constexpr uintptr_t kPacked = 2;

  InnerNode(uint32_t level, uint32_t capacity) : level_(level), capacity_(capacity) {}
  Timestamp* firsts() { return reinterpret_cast<Timestamp*>(this + 1); }
  const Timestamp* firsts() const { return reinterpret_cast<const Timestamp*>(this + 1); }
  std::atomic<const void*>* children() {
    return reinterpret_cast<std::atomic<const void*>*>(firsts() + capacity_);
  }
  const std::atomic<const void*>* children() const {
    return reinterpret_cast<const std::atomic<const void*>*>(firsts() + capacity_);
  }

  uint32_t level_;
  uint32_t capacity_;
  std::atomic<uint32_t> count_{0};
};

// An entry on its way into a node.
struct Entry {
  Timestamp first;
  const void* child;
};

// Adds a leaf (a child pointer) at the right edge of the tree under `root` (null: an empty tree)
// and returns the root, a new one if it had to grow. Full nodes at the edge are not halved: the new
// entry starts a node of its own. Nodes outgrown by copies are retired. Cost: amortised O(1).
InnerNode* AppendLeaf(BlockMemory& memory, InnerNode* root, Timestamp first, const void* child);

// Packs `entries` (children of nodes of `level`) into as few nodes as hold them, of nearly equal
// sizes; appends one entry per node to `out`.
void PackNodes(BlockMemory& memory, uint32_t level, const std::vector<Entry>& entries,
               std::vector<Entry>& out);

}  // namespace tsdb::tree
