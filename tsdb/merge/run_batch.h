// A batch: one part of a chunk on its way through the merge, its records grouped into runs, the
// runs into pages. Batches and their scratch memory belong to the merge, not to writers, and are
// few.
//
// Thread safety: one task at a time until its items are handed to pages; from then on everything
// but `unfinished` is read-only until the last item is done.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "index/tree/owner_queue.h"
#include "index/tree/page.h"
#include "storage/base/memory.h"
#include "storage/base/types.h"
#include "storage/codec/run.h"
#include "tsdb/ingest/chunk_pool.h"
#include "tsdb/merge/page_task.h"

namespace tsdb::merge {

// Records of one series, in order of arrival: positions of the batch's columns.
using codec::Run;

// Leaves that a run of the batch will probably fill, encoded while another thread owned its page:
// leaves [first, first + count) of the batch, of the run's samples from position begin on.
struct RunAhead {
  uint32_t run = 0;
  uint32_t first = 0;
  uint32_t count = 0;
  uint32_t begin = 0;
};

struct RunBatch;

// A batch's runs of one page, or what its task is to do there, as queued there.
struct PageItem : tree::WorkItem {
  RunBatch* batch = nullptr;
  tree::Page* page = nullptr;
  SeriesId first_series = 0;  // of the page, for tasks
  uint32_t runs_begin = 0;
  uint32_t runs_end = 0;
};

// What is handed to the merge: a part of a chunk, or, with no chunk, a task for the pages of series
// [series_begin, series_end).
struct Part {
  ingest::Chunk* chunk = nullptr;
  uint32_t begin = 0;
  uint32_t end = 0;
  PageTask* task = nullptr;
  SeriesId series_begin = 0;
  SeriesId series_end = 0;
  uint64_t sequence = 0;  // position in the order of submission, from 1
  uint64_t after = 0;     // handed out once all parts up to this position are
  const void* writer = nullptr;
};

struct RunBatch {
  Part part;
  // Columns of the runs: the scratch below or, when the records came in runs already, the chunk's
  // own.
  const Timestamp* times = nullptr;
  const double* values = nullptr;
  std::vector<Run> runs;
  std::vector<PageItem> items;
  std::vector<RunAhead> ahead;  // by run
  std::vector<const uint8_t*> ahead_leaves;
  std::vector<uint8_t> payload_scratch;
  std::span<const uint8_t> payload;  // for the log, where there is one
  bool holds_chunk = false;          // the columns are the chunk's: it is released with the batch
  // Items not yet applied, plus one while the items are being handed out.
  std::atomic<uint32_t> unfinished{0};

  uint32_t processor = UINT32_MAX;  // that used the scratch last; none yet

  // Scratch for sorting so many records; mapped when first needed, given back when it was not used
  // for long.
  uint32_t capacity = 0;
  bool used = false;  // since the last Trim
  HugeRegion memory;
  Timestamp* sorted_times = nullptr;
  double* sorted_values = nullptr;
  std::vector<uint32_t> counts;
  std::vector<uint64_t> keys, keys_swap;
};

}  // namespace tsdb::merge
