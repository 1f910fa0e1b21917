#include "tsdb/snapshot.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "index/tree/series_reader.h"
#include "index/tree/series_walk.h"
#include "storage/base/mutex.h"
#include "storage/base/parallel.h"
#include "tsdb/database.h"
#include "tsdb/engine.h"

namespace tsdb {

struct Cursor::State {
  const tree::Tree* tree;
  SeriesId series;
  Timestamp from;
  Timestamp last;
  tree::ColumnSet columns;
  bool more;
  tree::PieceBuffer buffer;
};

Cursor::Cursor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;
Cursor::~Cursor() = default;

bool Cursor::Next(ColumnBlock& block) {
  State& state = *state_;
  if (!state.more) return false;
  const tree::Piece piece = tree::ReadPiece(*state.tree, state.series, state.from, state.last,
                                            state.buffer, state.columns);
  state.more = piece.more;
  state.from = piece.next;
  if (piece.count == 0) return false;
  const bool with_times = state.columns == tree::ColumnSet::kBoth;
  block.timestamps = {piece.times, with_times ? piece.count : 0};
  block.values = {piece.values, piece.count};
  return true;
}

Aggregate::Aggregate()
    : min(std::numeric_limits<double>::infinity()),
      max(-std::numeric_limits<double>::infinity()),
      sum(0) {}

void Aggregate::Merge(const Aggregate& other) {
  count += other.count;
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  sum += other.sum;
}

std::optional<double> Snapshot::Lookup(SeriesId series, Timestamp timestamp) const {
  return tree::Lookup(database_->engine_->tree, series, timestamp);
}

size_t Snapshot::LookupMany(std::span<const SeriesId> series, std::span<const Timestamp> timestamps,
                            std::span<double> results, std::span<bool> found) const {
  return tree::LookupMany(database_->engine_->tree, series, timestamps, results, found);
}

std::optional<Sample> Snapshot::Last(SeriesId series) const {
  return tree::Last(database_->engine_->tree, series);
}

uint64_t Snapshot::Count(SeriesId series, TimeRange range) const {
  return AggregateSeries(series, range).count;
}

Cursor Snapshot::Scan(SeriesId series, TimeRange range, ScanOptions options) const {
  const tree::Tree& tree = database_->engine_->tree;
  tree::PrefetchWalk(tree, series);  // comes from memory meanwhile
  auto state = std::make_unique<Cursor::State>();
  state->tree = &tree;
  state->series = series;
  state->columns = options.timestamps ? tree::ColumnSet::kBoth : tree::ColumnSet::kValues;
  state->more = !range.Empty();
  state->from = range.begin;
  state->last = range.Empty() ? range.begin : range.Last();
  return Cursor(std::move(state));
}

namespace {

Aggregate FromSummary(const tree::Summary& summary) {
  Aggregate aggregate;
  aggregate.count = summary.count;
  aggregate.min = summary.min;
  aggregate.max = summary.max;
  aggregate.sum = summary.sum;
  return aggregate;
}

// Series per task: enough to outweigh handing a task out, few enough to share the work evenly.
constexpr size_t kSeriesPerTask = 16;

size_t QueryThreadsOf(size_t threads) { return threads == 0 ? ProcessorCount() : threads; }

}  // namespace

Aggregate Snapshot::AggregateSeries(SeriesId series, TimeRange range,
                                    AggregateOptions options) const {
  if (range.Empty()) return Aggregate();
  tree::PieceBuffer buffer;
  return FromSummary(tree::Summarize(database_->engine_->tree, series, range.begin, range.Last(),
                                     options.use_statistics, buffer));
}

Aggregate Snapshot::AggregateMany(std::span<const SeriesId> series, TimeRange range,
                                  AggregateOptions options) const {
  Aggregate total;
  if (range.Empty()) return total;
  const merge::MergePipeline::QueryThreads busy(database_->engine_->pipeline.get(),
                                                QueryThreadsOf(options.threads));
  // One partial per block of series, added up in order, so that the sum is the same however many
  // threads there were.
  const size_t blocks = (series.size() + kSeriesPerTask - 1) / kSeriesPerTask;
  std::vector<Aggregate> partials(blocks);
  ParallelFor(0, blocks, 1, options.threads, [&](size_t begin, size_t end) {
    tree::PieceBuffer buffer;
    for (size_t block = begin; block < end; ++block) {
      const size_t last = std::min(series.size(), (block + 1) * kSeriesPerTask);
      tree::Summary summary;
      for (size_t i = block * kSeriesPerTask; i < last; ++i) {
        summary.Add(tree::Summarize(database_->engine_->tree, series[i], range.begin, range.Last(),
                                    options.use_statistics, buffer));
      }
      partials[block] = FromSummary(summary);
    }
  });
  for (const Aggregate& partial : partials) total.Merge(partial);
  return total;
}

void Snapshot::ScanManyErased(std::span<const SeriesId> series, TimeRange range, size_t threads,
                              void (*visit)(void*, SeriesId, Cursor&), void* context) const {
  const merge::MergePipeline::QueryThreads busy(database_->engine_->pipeline.get(),
                                                QueryThreadsOf(threads));
  ParallelFor(0, series.size(), kSeriesPerTask, threads, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      Cursor cursor = Scan(series[i], range);
      visit(context, series[i], cursor);
    }
  });
}

}  // namespace tsdb
