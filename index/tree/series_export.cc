#include "index/tree/series_export.h"

#include <algorithm>

#include "storage/base/status_macros.h"

namespace tsdb::tree {

SeriesExporter::SeriesExporter(const Tree* tree, Mapped mapped)
    : tree_(tree),
      mapped_(mapped),
      encoded_(codec::EncodedBytesMax(kLeafSamples) / sizeof(uint64_t) + 1) {}

absl::Status SeriesExporter::Export(SeriesId series, Visitor visit) {
  hint_ = codec::EncodeHint();
  const auto guard = tree_->epochs().Pin();
  const Page* page = tree_->FindPage(series);
  if (page == nullptr) return absl::OkStatus();
  const SeriesView view = SeriesView::Load(*page, Tree::SlotOf(series));
  if (view.version == nullptr) return ExportShared(series, visit);
  if (view.root != nullptr) TSDB_RETURN_IF_ERROR(ExportLeaves(*view.root, view, visit));
  return Encode(view.version->times(), view.version->values(), view.open, visit);
}

absl::Status SeriesExporter::ExportLeaves(const InnerNode& node, const SeriesView& view,
                                          Visitor visit) {
  const uint32_t count = node.count();
  for (uint32_t i = 0; i < count; ++i) {
    // Leaves from the open leaf's first timestamp on are newer than this view.
    if (view.open > 0 && node.first(i) >= view.open_first()) break;
    if (node.level() > 0) {
      TSDB_RETURN_IF_ERROR(ExportLeaves(*node.node(i), view, visit));
    } else {
      // Those in files are not looked at: that would read all there is from the disk.
      const bool mapped = node.leaf_mapped(i);
      const bool read = !mapped || mapped_ == Mapped::kRead;
      const uint8_t* leaf = read ? node.leaf(i) : node.leaf_address(i);
      const size_t bytes = read ? codec::BlockView::Trusted(leaf).bytes() : 0;
      TSDB_RETURN_IF_ERROR(visit(mapped ? Kind::kMapped : Kind::kLeaf, {leaf, bytes}));
    }
  }
  return absl::OkStatus();
}

absl::Status SeriesExporter::ExportShared(SeriesId series, Visitor visit) {
  Timestamp from = kTimestampMin;
  for (;;) {
    const Piece piece = ReadPiece(*tree_, series, from, kTimestampMax, buffer_);
    TSDB_RETURN_IF_ERROR(Encode(piece.times, piece.values, piece.count, visit));
    if (!piece.more) return absl::OkStatus();
    from = piece.next;
  }
}

absl::Status SeriesExporter::Encode(const Timestamp* times, const double* values, size_t count,
                                    Visitor visit) {
  for (size_t at = 0; at < count; at += kLeafSamples) {
    const size_t samples = std::min<size_t>(kLeafSamples, count - at);
    auto* out = reinterpret_cast<uint8_t*>(encoded_.data());
    const size_t bytes = codec::EncodeBlock(times + at, values + at, samples, hint_, out);
    TSDB_RETURN_IF_ERROR(visit(Kind::kRest, {out, bytes}));
  }
  return absl::OkStatus();
}

}  // namespace tsdb::tree
