// A slot: one appender's place in the write buffer. The appender writes its open chunk without
// locks; the slot's mutex orders the rare moments in which a part of the chunk is handed to the
// merge: when it is full, at a commit, and when somebody wants a fresh snapshot and takes what is
// published so far.
//
// Invariants
//  1. Parts of a slot's chunks are handed to the merge in the order of their records.
//  2. taken <= published <= capacity; records below `taken` have been handed in, those between are
//     whole, whoever looks.
//
// Thread safety: any thread, under the mutex. Lock order: registry, slot, pipeline.
#pragma once

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "storage/base/mutex.h"
#include "tsdb/ingest/chunk_pool.h"

namespace tsdb::ingest {

class Slot {
 public:
  Mutex mutex;
  Chunk* chunk ABSL_GUARDED_BY(mutex) = nullptr;  // the open one; null before the first append
  uint32_t taken ABSL_GUARDED_BY(mutex) = 0;
  // Records accepted in chunks that are closed.
  uint64_t closed_records ABSL_GUARDED_BY(mutex) = 0;
  // Position in the commit order of the last part handed in.
  uint64_t last_sequence ABSL_GUARDED_BY(mutex) = 0;
};

}  // namespace tsdb::ingest
