// What a reader sees of one series at one instant: the pointers and counts that page.h's invariants
// make consistent, loaded in the order that they require.
//
// Thread safety: made and used by a thread while it holds one epoch pin.
#pragma once

#include <cstdint>

#include "index/tree/page.h"
#include "index/tree/tree.h"

namespace tsdb::tree {

// The header and the first timestamps of a node.
inline void PrefetchNode(const InnerNode* node) {
  for (size_t line = 0; line < 4; ++line) {
    __builtin_prefetch(reinterpret_cast<const char*>(node) + line * 64);
  }
}

struct SeriesView {
  // Dense: columns [0, open) of version, leaves under root whose first timestamp lies below the
  // open leaf's, late records [0, late_count). All null and 0 for a sparse series.
  const SeriesVersion* version = nullptr;
  const InnerNode* root = nullptr;
  uint32_t open = 0;
  uint32_t late_count = 0;
  const LateBuffer* late = nullptr;
  // Sparse: null when nothing is shared on the page.
  const SharedLeaf* shared = nullptr;
  uint32_t shared_delta = 0;

  static SeriesView Load(const Page& page, uint32_t slot) {
    SeriesView view;
    // All acquires pair with the writers' releases of the same fields.
    view.version = page.dense[slot].load(std::memory_order_acquire);
    if (view.version == nullptr) {
      view.shared = page.shared.load(std::memory_order_acquire);
      // Null before and a shared leaf without the series now: it was promoted in between (invariant
      // 3).
      view.version = page.dense[slot].load(std::memory_order_acquire);
      if (view.version == nullptr) {
        if (view.shared != nullptr) view.shared_delta = view.shared->delta_count();
        return view;
      }
      view.shared = nullptr;
    }
    // The open leaf's first timestamp, needed next, lies in the line after the header's.
    __builtin_prefetch(view.version->times());
    // Late records first: what they came after, and may yield to or replace, is then in the open
    // leaf or the leaves. A version's successor appends to the same buffer, so a buffer's count is
    // good only if the version was the newest when it was taken.
    for (;;) {
      view.late = view.version->late.load(std::memory_order_acquire);
      if (view.late == nullptr) break;
      view.late_count = view.late->count();
      const SeriesVersion* newest = page.dense[slot].load(std::memory_order_acquire);
      if (newest == view.version) break;
      view.version = newest;
      view.late_count = 0;
    }
    // The count before the root: leaves added to this version's root later hold nothing that lies
    // below it.
    view.open = view.version->count();
    view.root = view.version->root.load(std::memory_order_acquire);
    if (view.root != nullptr) PrefetchNode(view.root);
    return view;
  }

  Timestamp open_first() const { return version->times()[0]; }
  // Whether `timestamp` belongs to the open leaf's range rather than to a leaf's.
  bool InOpen(Timestamp timestamp) const {
    return root == nullptr || (open > 0 && timestamp >= open_first());
  }
};

// A leaf found by time, and where its range and the next one's begin.
struct LeafPosition {
  const uint8_t* leaf;
  Timestamp first;
  Timestamp next;
  bool has_next;
  const uint8_t* following;  // the next leaf, where it is in the same node; else null
};

// Asks memory for a version's first two lines. May be null: the address is not one of an object
// then, so it is computed as a number.
inline void PrefetchVersion(const SeriesVersion* version) {
  const auto address = reinterpret_cast<uintptr_t>(version);
  __builtin_prefetch(reinterpret_cast<const void*>(address));
  __builtin_prefetch(reinterpret_cast<const void*>(address + 64));
}

// Asks for all lines of a leaf of usual size at once: header, timestamps and values lie in
// different ones, and one after the other they are three or four misses.
inline void PrefetchLeaf(const uint8_t* leaf) {
  constexpr size_t kLines = 12;
  for (size_t line = 0; line < kLines; ++line) __builtin_prefetch(leaf + line * 64);
}

// REQUIRES: !view.InOpen(timestamp).
inline LeafPosition FindLeaf(const SeriesView& view, Timestamp timestamp) {
  LeafPosition position{nullptr, 0, 0, false, nullptr};
  const InnerNode* node = view.root;
  for (;;) {
    const uint32_t count = node->count();
    const uint32_t i = node->Find(timestamp, count);
    if (i + 1 < count) {
      position.next = node->first(i + 1);
      position.has_next = true;
    }
    if (node->level() == 0) {
      position.leaf = node->leaf(i);
      position.first = node->first(i);
      if (i + 1 < count) position.following = node->leaf_address(i + 1);
      break;
    }
    node = node->node(i);
  }
  // Leaves from the open leaf's first timestamp on are newer than this view.
  if (view.open > 0 && (!position.has_next || position.next > view.open_first())) {
    position.next = view.open_first();
    position.has_next = true;
  }
  return position;
}

}  // namespace tsdb::tree
