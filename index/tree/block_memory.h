// Where one task's changes to the tree take blocks from, and where replaced blocks wait to be
// retired; counts what it took and gave, so that the tree knows its own size.
//
// Thread safety: one task at a time; the pool behind it is shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/tree/epoch.h"
#include "storage/base/slab_pool.h"

namespace tsdb::tree {

class BlockMemory {
 public:
  BlockMemory(SlabPool* pool, std::vector<Retired>* retired) : pool_(pool), retired_(retired) {}

  void* Allocate(size_t bytes) {
    net_bytes_ += static_cast<int64_t>(SlabPool::RoundUp(bytes));
    return pool_->Allocate(bytes);
  }
  // For a block that readers may still hold: it is freed once they are gone.
  void Retire(const void* block, size_t bytes) {
    net_bytes_ -= static_cast<int64_t>(SlabPool::RoundUp(bytes));
    retired_->push_back({const_cast<void*>(block), bytes});
  }
  // Bytes allocated less bytes retired since the last call.
  int64_t TakeNetBytes() {
    const int64_t bytes = net_bytes_;
    net_bytes_ = 0;
    return bytes;
  }

 private:
  SlabPool* pool_;
  std::vector<Retired>* retired_;
  int64_t net_bytes_ = 0;
};

}  // namespace tsdb::tree
