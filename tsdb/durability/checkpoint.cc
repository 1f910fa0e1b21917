#include "tsdb/durability/checkpoint.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "index/tree/series_export.h"
#include "storage/base/status_macros.h"
#include "storage/segment/segment_builder.h"

namespace tsdb::durability {
namespace {

// Labels that fit this are written twice: the table has one checksum, and with it every series that
// is in no leaf segment would be lost.
constexpr uint64_t kCopiedLabelBytesMax = uint64_t{16} << 20;
// A leaf segment as large as this ends with a series.
constexpr uint64_t kEnoughLeafBytes = segment::kSegmentBytesMax / 8 * 7;

class CheckpointWriter {
 public:
  CheckpointWriter(SegmentStore& store, uint64_t log_sequence, const tree::Tree& tree,
                   const label::SeriesTable& table, Compaction compaction, segment::Packing packing)
      : store_(store),
        tree_(tree),
        table_(table),
        packing_(packing),
        rest_packing_(packing),
        compacted_(ChooseForCompaction(store, compaction)) {
    added_.log_sequence = log_sequence;
  }

  absl::StatusOr<WrittenCheckpoint> Write(absl::FunctionRef<absl::Status()> before_publish) {
    absl::Status status = WriteFiles();
    if (rest_is_full_) {
      // Only now is it known how much there is. Of plain leaves it takes all.
      StartOver();
      status = WriteFiles();
    }
    if (status.ok()) status = before_publish();
    if (status.ok()) status = store_.Publish(added_);
    if (!status.ok()) {
      store_.Discard(added_);
      return status;
    }
    for (auto& [number, live] : live_) {
      store_.segments().at(number).SetLive(std::move(live));
    }
    return Written();
  }

 private:
  void StartOver() {
    store_.Discard(added_);
    const uint64_t log_sequence = added_.log_sequence;
    added_ = NewSegments();
    added_.log_sequence = log_sequence;
    rest_ = nullptr;
    leaves_ = nullptr;
    copied_bytes_ = 0;
    rest_packing_ = segment::Packing::kPlain;
    rest_is_full_ = false;
  }

  absl::Status WriteFiles() {
    live_leaves_.clear();
    for (const auto& [number, open] : store_.segments()) {
      live_[number].assign(open.live.size(), 0);
    }
    TSDB_ASSIGN_OR_RETURN(rest_, NewBuilder(rest_packing_));
    tree::SeriesExporter exporter(&tree_);
    const SeriesId count = table_.Count();
    rest_->ReserveSeries(count, table_.Bytes());
    for (SeriesId series = 0; series < count; ++series) {
      TSDB_RETURN_IF_ERROR(rest_->AddSeries(series, table_.BytesOf(series)));
      TSDB_RETURN_IF_ERROR(exporter.Export(
          series, [&](tree::SeriesExporter::Kind kind, std::span<const uint8_t> block) {
            return Take(series, kind, block);
          }));
      TSDB_RETURN_IF_ERROR(WriteGathered());
    }
    TSDB_RETURN_IF_ERROR(FinishLeaves());
    TSDB_RETURN_IF_ERROR(CopyLabels(count));
    TSDB_RETURN_IF_ERROR(SupersedeDead());
    TSDB_ASSIGN_OR_RETURN(added_.rest, rest_->Finish(added_.log_sequence));
    added_.series = count;
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<segment::SegmentBuilder>> NewBuilder(segment::Packing packing) {
    return segment::SegmentBuilder::Create(store_.files(), store_.path(), store_.TakeNumber(),
                                           packing);
  }

  absl::Status Take(SeriesId series, tree::SeriesExporter::Kind kind,
                    std::span<const uint8_t> block) {
    switch (kind) {
      case tree::SeriesExporter::Kind::kRest: {
        absl::Status added = rest_->AddLeaf(series, block);
        rest_is_full_ =
            !added.ok() && !rest_->TakesMore() && rest_packing_ != segment::Packing::kPlain;
        return added;
      }
      case tree::SeriesExporter::Kind::kMapped: {
        const LeafPlace place = store_.Locate(block.data());
        if (compacted_.contains(place.segment)) {
          const segment::SegmentReader& reader = *store_.segments().at(place.segment).reader;
          // The exporter has pinned the epoch.
          if (reader.packed()) cache::LeafCache::MakeReadable(block.data());
          block = reader.Block(place.leaf);
          copied_bytes_ += block.size();
          return AddLeaf(series, block);
        }
        live_.at(place.segment)[place.leaf] = 1;
        ++live_leaves_[place.segment];
        return absl::OkStatus();
      }
      case tree::SeriesExporter::Kind::kLeaf:
        break;
    }
    return AddLeaf(series, block);
  }

  absl::Status AddLeaf(SeriesId series, std::span<const uint8_t> block) {
    if (leaves_ != nullptr && LeafSegmentBytes() + block.size() >= segment::kSegmentBytesMax) {
      TSDB_RETURN_IF_ERROR(FinishLeaves());
    }
    if (leaves_ == nullptr) {
      TSDB_ASSIGN_OR_RETURN(leaves_, NewBuilder(packing_));
      any_series_ = false;
    }
    if (!any_series_ || last_series_ != series) {
      // Again in every segment: each can be read for itself.
      TSDB_RETURN_IF_ERROR(leaves_->AddSeries(series, table_.BytesOf(series)));
      any_series_ = true;
      last_series_ = series;
    }
    return leaves_->AddLeaf(series, block);
  }

  // While a series is exported the epoch is pinned, and what writers replace meanwhile is kept: the
  // disk is waited for between two series. (Unless one alone has more than the builder gathers.)
  absl::Status WriteGathered() {
    TSDB_RETURN_IF_ERROR(rest_->WriteGathered());
    if (leaves_ == nullptr) return absl::OkStatus();
    return LeafSegmentBytes() >= kEnoughLeafBytes ? FinishLeaves() : leaves_->WriteGathered();
  }

  uint64_t LeafSegmentBytes() const { return std::max(leaves_->bytes(), leaves_->leaf_bytes()); }

  absl::Status FinishLeaves() {
    if (leaves_ == nullptr) return absl::OkStatus();
    TSDB_ASSIGN_OR_RETURN(added_.leaves.emplace_back(), leaves_->Finish(added_.log_sequence));
    leaves_ = nullptr;
    return absl::OkStatus();
  }

  // Into a segment without leaves, which the next checkpoint replaces as one that has no live ones.
  absl::Status CopyLabels(SeriesId count) {
    if (table_.Bytes() > kCopiedLabelBytesMax || count == 0) return absl::OkStatus();
    TSDB_ASSIGN_OR_RETURN(leaves_, NewBuilder(packing_));
    for (SeriesId series = 0; series < count; ++series) {
      TSDB_RETURN_IF_ERROR(leaves_->AddSeries(series, table_.BytesOf(series)));
    }
    return FinishLeaves();
  }

  absl::Status SupersedeDead() {
    for (const auto& [number, live] : live_) {
      if (live_leaves_[number] == 0) {
        added_.dead.push_back(number);
        continue;
      }
      for (uint32_t leaf = 0; leaf < live.size(); ++leaf) {
        if (live[leaf] == 0) TSDB_RETURN_IF_ERROR(rest_->Supersede({number, leaf}));
      }
    }
    return absl::OkStatus();
  }

  WrittenCheckpoint Written() const {
    WrittenCheckpoint written;
    written.rest_bytes = added_.rest.bytes;
    written.copied_bytes = copied_bytes_;
    written.bytes = added_.rest.bytes;
    for (const segment::SegmentSummary& summary : added_.leaves) {
      written.bytes += summary.bytes;
      const segment::SegmentReader& reader = *store_.segments().at(summary.number).reader;
      for (uint32_t i = 0; i < reader.leaf_count(); ++i) {
        const segment::LeafEntry entry = reader.leaf(i);
        written.leaves.push_back(
            {entry.series, entry.first, reader.Block(i).data(), reader.packed()});
      }
    }
    return written;
  }

  SegmentStore& store_;
  const tree::Tree& tree_;
  const label::SeriesTable& table_;
  const segment::Packing packing_;
  segment::Packing rest_packing_;
  bool rest_is_full_ = false;
  const std::set<uint64_t> compacted_;  // segments whose leaves are written anew
  uint64_t copied_bytes_ = 0;
  std::unique_ptr<segment::SegmentBuilder> rest_;
  std::unique_ptr<segment::SegmentBuilder> leaves_;  // null: the next leaf starts one
  bool any_series_ = false;
  SeriesId last_series_ = 0;  // of leaves_
  NewSegments added_;
  // Of the leaves that were in files before, those the tree still uses.
  std::map<uint64_t, std::vector<uint8_t>> live_;
  std::map<uint64_t, uint64_t> live_leaves_;
};

}  // namespace

absl::StatusOr<WrittenCheckpoint> WriteCheckpoint(
    SegmentStore& store, uint64_t log_sequence, const tree::Tree& tree,
    const label::SeriesTable& table, Compaction compaction, segment::Packing packing,
    absl::FunctionRef<absl::Status()> before_publish) {
  return CheckpointWriter(store, log_sequence, tree, table, compaction, packing)
      .Write(before_publish);
}

}  // namespace tsdb::durability
