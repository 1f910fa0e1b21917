#include "index/tree/inner_node.h"

#include <algorithm>
#include <new>

#include "storage/base/check.h"

namespace tsdb::tree {

InnerNode* InnerNode::Create(BlockMemory& memory, uint32_t level, uint32_t capacity) {
  auto* node = new (memory.Allocate(BytesFor(capacity))) InnerNode(level, capacity);
  for (uint32_t i = 0; i < capacity; ++i) {
    new (&node->firsts()[i]) Timestamp(0);
    new (&node->children()[i]) std::atomic<const void*>(nullptr);
  }
  return node;
}

void InnerNode::Push(Timestamp first, const void* child) {
  const uint32_t count = count_.load(std::memory_order_relaxed);
  TSDB_DCHECK(count < capacity_);
  firsts()[count] = first;
  children()[count].store(child, std::memory_order_relaxed);
  count_.store(count + 1, std::memory_order_release);  // pairs with count()
}

uint32_t InnerNode::Find(Timestamp timestamp, uint32_t count) const {
  const Timestamp* first = firsts();
  if (count == 1 || timestamp < first[1]) return 0;
  if (timestamp >= first[count - 1]) return count - 1;
  // Differences in uint64: first[] increases, so they are exact even between the int64 extremes.
  const auto offset =
      static_cast<double>(static_cast<uint64_t>(timestamp) - static_cast<uint64_t>(first[0]));
  const auto width = static_cast<double>(static_cast<uint64_t>(first[count - 1]) -
                                         static_cast<uint64_t>(first[0]));
  auto guess = static_cast<uint32_t>(offset / width * static_cast<double>(count - 1));
  guess = std::min(guess, count - 2);
  // Irregular gaps can put the guess far off: a few steps, then bisection.
  for (int step = 0; step < 4; ++step) {
    if (first[guess] > timestamp) {
      --guess;
    } else if (first[guess + 1] <= timestamp) {
      ++guess;
    } else {
      return guess;
    }
  }
  return static_cast<uint32_t>(std::upper_bound(first, first + count, timestamp) - first) - 1;
}

namespace {

InnerNode* NewNodeOf(BlockMemory& memory, uint32_t level, uint32_t capacity, Timestamp first,
                     const void* child) {
  InnerNode* node = InnerNode::Create(memory, level, capacity);
  node->Push(first, child);
  return node;
}

InnerNode* Grow(BlockMemory& memory, InnerNode* node) {
  InnerNode* grown =
      InnerNode::Create(memory, node->level(), std::min(kFanout, node->capacity() * 2));
  for (uint32_t i = 0; i < node->count(); ++i) grown->Push(node->first(i), node->child(i));
  memory.Retire(node, node->bytes());
  return grown;
}

}  // namespace

InnerNode* AppendLeaf(BlockMemory& memory, InnerNode* root, Timestamp first, const void* child) {
  if (root == nullptr) return NewNodeOf(memory, 0, 4, first, child);
  // The right-most path, from the root down; 2^32 leaves need six levels.
  constexpr uint32_t kLevelsMax = 12;
  InnerNode* path[kLevelsMax];
  const uint32_t height = root->level();
  TSDB_CHECK(height < kLevelsMax);
  path[height] = root;
  for (uint32_t level = height; level > 0; --level) {
    path[level - 1] = const_cast<InnerNode*>(path[level]->node(path[level]->count() - 1));
  }
  for (uint32_t level = 0; level <= height; ++level) {
    InnerNode* node = path[level];
    if (!node->full()) {
      node->Push(first, child);
      return root;
    }
    if (node->capacity() < kFanout) {
      InnerNode* grown = Grow(memory, node);
      grown->Push(first, child);
      if (level == height) return grown;
      path[level + 1]->SetChild(path[level + 1]->count() - 1, grown);
      return root;
    }
    child = NewNodeOf(memory, level, kFanout, first, child);
  }
  InnerNode* taller = InnerNode::Create(memory, height + 1, 4);
  taller->Push(root->first(0), root);
  taller->Push(first, child);
  return taller;
}

void PackNodes(BlockMemory& memory, uint32_t level, const std::vector<Entry>& entries,
               std::vector<Entry>& out) {
  const size_t nodes = (entries.size() + kFanout - 1) / kFanout;
  for (size_t i = 0; i < nodes; ++i) {
    const size_t begin = entries.size() * i / nodes;
    const size_t end = entries.size() * (i + 1) / nodes;
    uint32_t capacity = 4;
    while (capacity < end - begin) capacity *= 2;
    InnerNode* node = InnerNode::Create(memory, level, capacity);
    for (size_t j = begin; j < end; ++j) node->Push(entries[j].first, entries[j].child);
    out.push_back({entries[begin].first, node});
  }
}

}  // namespace tsdb::tree
