#include "tsdb/merge/pipeline.h"

#include <time.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "storage/base/patience.h"
#include "storage/base/processor.h"
#include "tsdb/merge/sort_into_runs.h"

namespace tsdb::merge {
namespace {

// Parts that a sealing writer merges before it goes on writing, its own among them.
constexpr size_t kPartsAtOnce = 4;
constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();
// Merges for one whose processor time is taken.
constexpr uint64_t kTimedEvery = 8;

uint64_t ThreadCpuNs() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Takes one that this core used last, its scratch still in cache, or else any. REQUIRES: not empty.
template <typename T>
T* TakeNearest(std::vector<T*>& free) {
  const uint32_t processor = CurrentProcessor();
  auto at = std::find_if(free.rbegin(), free.rend(),
                         [processor](const T* item) { return item->processor == processor; });
  if (at == free.rend()) at = free.rbegin();
  T* taken = *at;
  free.erase(std::next(at).base());
  taken->processor = processor;
  return taken;
}

tree::EncodedAhead AheadOf(const RunBatch& batch, uint32_t run) {
  for (const RunAhead& ahead : batch.ahead) {
    if (ahead.run != run) continue;
    return {ahead.begin, {batch.ahead_leaves.data() + ahead.first, ahead.count}};
  }
  return {};
}

}  // namespace

uint64_t MergePipeline::Submit(ingest::Chunk* chunk, uint32_t begin, uint32_t end,
                               const void* writer) {
  if (discard_.load(std::memory_order_relaxed)) {
    discarded_records_.fetch_add(end - begin, std::memory_order_relaxed);
    DropChunk(chunk);
    return submitted();
  }
  const PatientScope patient;  // the chunk was taken from its writer
  submitted_records_.fetch_add(end - begin, std::memory_order_relaxed);
  MutexLock lock(&mutex_);
  Part part;
  part.chunk = chunk;
  part.begin = begin;
  part.end = end;
  part.sequence = next_sequence_++;
  part.after = committed_;
  part.writer = writer;
  recent_writers_[part.sequence % kRecent] = writer;
  queue_.push_back(part);
  return part.sequence;
}

void MergePipeline::Commit() {
  MutexLock lock(&mutex_);
  committed_ = next_sequence_ - 1;
}

uint64_t MergePipeline::SubmitTask(PageTask* task, SeriesId begin, SeriesId end) {
  Wakes wakes;
  const uint64_t last = QueueTask(task, begin, end, wakes);
  Fire(wakes);
  return last;
}

uint64_t MergePipeline::QueueTask(PageTask* task, SeriesId begin, SeriesId end, Wakes& wakes) {
  const PatientScope patient;
  MutexLock lock(&mutex_);
  const uint64_t before = next_sequence_ - 1;
  // As many parts as can run at once, times a few, so that all contexts take their share. One that
  // is logged has one place in the order.
  const uint64_t first_page = begin / tree::kPageSeries;
  const uint64_t pages = (uint64_t{end} + tree::kPageSeries - 1) / tree::kPageSeries - first_page;
  const bool one = task->in_turn() || !task->payload().empty();
  const uint64_t parts = one ? 1 : std::clamp<uint64_t>(pages / 4, 1, 4 * concurrency_);
  uint64_t page = first_page;
  for (uint64_t i = 1; i <= parts; ++i) {
    const uint64_t page_end = first_page + pages * i / parts;
    Part part;
    part.task = task;
    part.series_begin = static_cast<SeriesId>(page * tree::kPageSeries);
    part.series_end = static_cast<SeriesId>(std::min<uint64_t>(page_end * tree::kPageSeries, end));
    part.sequence = next_sequence_++;
    part.after = before;
    queue_.push_back(part);
    page = page_end;
  }
  WakeForWork(wakes);
  return next_sequence_ - 1;
}

size_t MergePipeline::ActiveWriters() const {
  size_t active = 0;
  for (size_t i = 0; i < kRecent; ++i) {
    if (recent_writers_[i] == nullptr) continue;
    bool seen = false;
    for (size_t j = 0; j < i; ++j) seen |= recent_writers_[j] == recent_writers_[i];
    active += !seen;
  }
  return active;
}

void MergePipeline::MergeOrHandOver() {
  Work work;
  Wakes wakes;
  {
    MutexLock lock(&mutex_);
    if (queue_.empty()) return;
    // Writers that sealed lately keep a core busy each, and so do queries' threads. A core beyond
    // those can merge while this thread writes on; else this thread merges, its chunk still in its
    // cache.
    const size_t busy = ActiveWriters() + query_threads_.load(std::memory_order_relaxed);
    if (busy < concurrency_ && queue_.size() <= 2 * concurrency_) {
      ScheduleDrain(wakes);
    } else if (CanMerge()) {
      work = Take();
    }
  }
  // Parts that found all contexts taken lie in the queue; whoever merges takes some of those along.
  // Leaving them to another thread would cost two context switches each.
  if (work.batch != nullptr) MergeUpTo(kPartsAtOnce, work);
  Fire(wakes);
}

void MergePipeline::ScheduleDrain(Wakes& wakes) {
  if (drains_ == concurrency_) return;
  ++drains_;
  wakes.drain = true;
}

void MergePipeline::Drain() {
  for (;;) {
    Work work;
    {
      MutexLock lock(&mutex_);
      if (!CanMerge()) {
        // Parts left here are taken by whoever frees what is missing (WakeForWork).
        --drains_;
        return;
      }
      work = Take();
    }
    MergeUpTo(kUnlimited, work);
  }
}

// Called when parts or batches become available, and by every thread that leaves off merging:
// invariant 3.
void MergePipeline::WakeForWork(Wakes& wakes) {
  if (!CanMerge()) return;
  if (merged_waiters_ > 0) {
    wakes.one_for_merged = true;
  } else if (chunk_waiters_.load(std::memory_order_relaxed) > 0) {
    wakes.one_for_chunk = true;
  } else if (free_contexts_.size() == contexts_.size() || ActiveWriters() < concurrency_) {
    // With all cores busy writing, a merge under way is enough: its thread looks here when it ends.
    ScheduleDrain(wakes);
  }
}

// With nothing to merge no release is to be expected: each writer that gets a chunk wakes the next.
void MergePipeline::WakeNextWaiter(Wakes& wakes) {
  if (queue_.empty() && in_flight_.empty()) wakes.one_for_chunk = true;
}

void MergePipeline::Fire(const Wakes& wakes) {
  if (wakes.all_for_merged) {
    merged_or_work_.NotifyAll();
  } else if (wakes.one_for_merged) {
    merged_or_work_.NotifyOne();
  }
  if (wakes.one_for_chunk) chunk_or_work_.NotifyOne();
  if (wakes.drain) pool_.Submit([this] { Drain(); });
}

MergePipeline::Work MergePipeline::Take() {
  const PatientScope patient;
  Work work{TakeNearest(free_contexts_), TakeNearest(free_batches_)};
  work.batch->part = queue_.front();
  queue_.pop_front();
  in_flight_.push_back(work.batch->part.sequence);
  not_handed_out_.push_back({work.batch->part.sequence, work.batch->part.writer});
  return work;
}

void MergePipeline::MergeUpTo(size_t most, Work work) {
  const PatientScope patient;  // what is applied in half cannot be taken back
  for (size_t merged = 1;; ++merged) {
    RunPasses(work);
    FinishItems(*work.context);
    Wakes wakes;
    bool more = false;
    {
      MutexLock lock(&mutex_);
      RecordFinished(*work.context, wakes);
      free_contexts_.push_back(work.context);
      if (merged < most && CanMerge()) {
        work = Take();
        more = true;
      } else {
        WakeForWork(wakes);
      }
    }
    Fire(wakes);
    if (!more) return;
  }
}

bool MergePipeline::MergeOne() {
  Work work;
  {
    MutexLock lock(&mutex_);
    if (!CanMerge()) return false;
    work = Take();
  }
  MergeUpTo(1, work);
  return true;
}

void MergePipeline::RunPasses(const Work& work) {
  Context& context = *work.context;
  RunBatch* batch = work.batch;
  // The processor's time costs a system call to read: one merge in so many stands for the rest.
  const bool timed = batch->part.sequence % kTimedEvery == 1;
  const uint64_t start_ns = timed ? ThreadCpuNs() : 0;
  if (batch->part.chunk != nullptr) {
    SortIntoRuns(*batch, [this, batch] { MakeRoom(*batch); });
    BuildItems(*batch);
    EncodeAhead(context, *batch);
    if (logger_ != nullptr) {
      batch->payload = durability::RunLogger::Encode(batch->runs, batch->times, batch->values,
                                                     batch->part.end - batch->part.begin,
                                                     context.runs_encoder, batch->payload_scratch);
    }
    if (!batch->holds_chunk) DropChunk(batch->part.chunk);
  }
  const uint64_t sorted_ns = timed ? ThreadCpuNs() : 0;
  HandOut(context, batch);
  for (RunBatch* handed_out : context.handed_out) Apply(context, *handed_out);
  context.writer.Finish();
  if (!timed) return;
  sort_ns_.fetch_add(kTimedEvery * (sorted_ns - start_ns), std::memory_order_relaxed);
  merge_ns_.fetch_add(kTimedEvery * (ThreadCpuNs() - start_ns), std::memory_order_relaxed);
}

void MergePipeline::BuildItems(RunBatch& batch) {
  batch.items.clear();
  const auto runs = static_cast<uint32_t>(batch.runs.size());
  for (uint32_t begin = 0; begin < runs;) {
    const SeriesId page = batch.runs[begin].series >> tree::kPageSeriesBits;
    uint32_t end = begin + 1;
    while (end < runs && batch.runs[end].series >> tree::kPageSeriesBits == page) ++end;
    PageItem item;
    item.batch = &batch;
    item.runs_begin = begin;
    item.runs_end = end;
    batch.items.push_back(item);
    begin = end;
  }
}

// One hot series must not leave all merging to its page's owner.
void MergePipeline::EncodeAhead(Context& context, RunBatch& batch) {
  batch.ahead.clear();
  batch.ahead_leaves.clear();
  for (const PageItem& item : batch.items) {
    const tree::Page* page = tree_->FindPage(batch.runs[item.runs_begin].series);
    if (page == nullptr || !page->queue.Busy()) continue;
    for (uint32_t i = item.runs_begin; i < item.runs_end; ++i) {
      const Run& run = batch.runs[i];
      const auto first = static_cast<uint32_t>(batch.ahead_leaves.size());
      const size_t begin =
          context.writer.EncodeAhead(*page, run.series, batch.times + run.begin,
                                     batch.values + run.begin, run.count, batch.ahead_leaves);
      const auto count = static_cast<uint32_t>(batch.ahead_leaves.size()) - first;
      if (count > 0) batch.ahead.push_back({i, first, count, static_cast<uint32_t>(begin)});
    }
  }
  encoded_ahead_.fetch_add(batch.ahead_leaves.size(), std::memory_order_relaxed);
}

void MergePipeline::BuildTaskItems(RunBatch& batch) {
  batch.items.clear();
  const Part& part = batch.part;
  for (uint64_t series = part.series_begin; series < part.series_end; series += tree::kPageSeries) {
    const auto first = static_cast<SeriesId>(series);
    tree::Page* page =
        part.task->in_turn() ? tree_->FindOrCreatePage(first) : tree_->FindPage(first);
    if (page == nullptr) continue;
    PageItem item;
    item.batch = &batch;
    item.page = page;
    item.first_series = static_cast<SeriesId>(series);
    batch.items.push_back(item);
  }
}

// Takes a sorted batch that nothing which must come before it is in the way of, or null. Parts
// still queued come after all those taken from the queue. As good as handed out: whoever asks next
// holds order_mutex_, which the caller keeps until it has handed the batch out.
RunBatch* MergePipeline::TakeTurn() {
  MutexLock lock(&mutex_);
  for (size_t i = 0; i < sorted_.size(); ++i) {
    RunBatch* batch = sorted_[i];
    const Part& part = batch->part;
    const bool waits =
        std::any_of(not_handed_out_.begin(), not_handed_out_.end(), [&part](const Turn& other) {
          return other.sequence <= part.after ||
                 (other.sequence < part.sequence && other.writer == part.writer);
        });
    if (waits) continue;
    sorted_.erase(sorted_.begin() + static_cast<std::ptrdiff_t>(i));
    not_handed_out_.erase(
        std::find_if(not_handed_out_.begin(), not_handed_out_.end(),
                     [&part](const Turn& turn) { return turn.sequence == part.sequence; }));
    return batch;
  }
  return nullptr;
}

void MergePipeline::HandOut(Context& context, RunBatch* batch) {
  context.handed_out.clear();
  MutexLock lock(&order_mutex_);
  sorted_.push_back(batch);
  while (!sorted_.empty()) {
    RunBatch* turn = TakeTurn();
    if (turn == nullptr) return;
    // The log before its items can be applied: what the tree holds is in the log.
    if (turn->part.chunk == nullptr) {
      const PageTask& task = *turn->part.task;
      if (logger_ != nullptr && !task.payload().empty()) {
        logger_->Append(task.payload_kind(), task.payload());
      }
      BuildTaskItems(*turn);
    } else {
      if (logger_ != nullptr) logger_->AppendRecords(turn->payload, turn->part.sequence);
      for (PageItem& item : turn->items) {
        item.page = tree_->FindOrCreatePage(turn->runs[item.runs_begin].series);
      }
    }
    // One more than items, so that the batch stays while this thread walks them (Apply).
    turn->unfinished.store(static_cast<uint32_t>(turn->items.size()) + 1,
                           std::memory_order_relaxed);
    for (PageItem& item : turn->items) item.page->queue.Add(&item);
    context.handed_out.push_back(turn);
    if (turn->part.chunk == nullptr && turn->part.task->in_turn()) {
      // By this thread, or by the page's owner, who needs nothing that this thread holds.
      for (PageItem& item : turn->items) WorkOff(context, *item.page);
      turn->part.task->AwaitRun();
    }
  }
}

void MergePipeline::Apply(Context& context, RunBatch& batch) {
  for (PageItem& item : batch.items) WorkOff(context, *item.page);
  context.done.push_back(&batch);
}

void MergePipeline::WorkOff(Context& context, tree::Page& page) {
  tree::WorkItem* work;
  if (!page.queue.TryOwn(work)) return;  // done already, or left to the owner
  do {
    while (work != nullptr) {
      tree::WorkItem* next = work->next;
      ApplyItem(context, static_cast<PageItem&>(*work));
      work = next;
    }
  } while (!page.queue.Release(work));
}

void MergePipeline::ApplyItem(Context& context, PageItem& item) {
  const RunBatch& batch = *item.batch;
  if (batch.part.chunk == nullptr) {
    batch.part.task->Run(context.writer, *item.page, item.first_series);
  } else {
    for (uint32_t i = item.runs_begin; i < item.runs_end; ++i) {
      const Run& run = batch.runs[i];
      if (i + 1 < item.runs_end) {
        const Run& next = batch.runs[i + 1];
        tree::TreeWriter::PrefetchTail(*item.page, next.series, next.count);
      }
      if (i + 3 < item.runs_end) {
        tree::TreeWriter::PrefetchVersion(*item.page, batch.runs[i + 3].series);
      }
      context.writer.AppendRun(*item.page, run.series, batch.times + run.begin,
                               batch.values + run.begin, run.count, AheadOf(batch, i));
    }
  }
  context.done.push_back(item.batch);
}

// Counts the applied items; batches of which they were the last remain in `done`.
void MergePipeline::FinishItems(Context& context) {
  std::erase_if(context.done, [this](RunBatch* batch) {
    // Acquire and release: the last to arrive sees what every other applier did to the batch.
    if (batch->unfinished.fetch_sub(1, std::memory_order_acq_rel) != 1) return true;
    const Part& part = batch->part;
    if (part.chunk != nullptr && batch->holds_chunk) DropChunk(part.chunk);
    // Release pairs with the acquire in applied_records: the counts published before are seen.
    applied_records_.fetch_add(part.end - part.begin, std::memory_order_release);
    return false;
  });
}

void MergePipeline::RecordFinished(Context& context, Wakes& wakes) {
  if (context.done.empty()) return;
  for (RunBatch* batch : context.done) {
    in_flight_.erase(std::find(in_flight_.begin(), in_flight_.end(), batch->part.sequence));
    free_batches_.push_back(batch);
  }
  context.done.clear();
  if (merged_waiters_ > 0) wakes.all_for_merged = true;
  // A writer without a chunk must look again when nothing is in flight any more: see AcquireChunk.
  if (in_flight_.empty()) wakes.one_for_chunk = true;
}

uint64_t MergePipeline::MergedLocked() const {
  if (!in_flight_.empty()) return *std::min_element(in_flight_.begin(), in_flight_.end()) - 1;
  return queue_.empty() ? next_sequence_ - 1 : queue_.front().sequence - 1;
}

uint64_t MergePipeline::submitted() const {
  MutexLock lock(&mutex_);
  return next_sequence_ - 1;
}

uint64_t MergePipeline::merged() const {
  MutexLock lock(&mutex_);
  return MergedLocked();
}

}  // namespace tsdb::merge
