// One series out of the tree as encoded blocks, for files that hold what memory holds: leaves as
// they are, everything else (open leaf, late records, shared leaf) encoded.
//
// Thread safety: any thread, one at a time per SeriesExporter; writers may run beside it. What
// comes out is the series as of some instant during the call, but for records that wait, late, to
// be merged into leaves: settle first if there are to be none.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "index/tree/series_reader.h"
#include "index/tree/series_view.h"
#include "index/tree/tree.h"

namespace tsdb::tree {

class SeriesExporter {
 public:
  enum class Kind : uint8_t {
    kLeaf,    // of the tree
    kMapped,  // a leaf that lies in a mapped file
    kRest,    // made of an open or shared leaf: there will be others with more
  };
  // A block of codec::EncodeBlock, 8-byte aligned, valid during the call.
  // One in a mapped file has no bytes but where they begin, unless Mapped::kRead was asked for.
  using Visitor = absl::FunctionRef<absl::Status(Kind kind, std::span<const uint8_t> block)>;

  enum class Mapped : uint8_t { kLocate, kRead };
  explicit SeriesExporter(const Tree* tree, Mapped mapped = Mapped::kLocate);

  // Passes the blocks of `series` on in order of time. An error of `visit` ends it. The epoch is
  // pinned meanwhile, so `visit` should not take long.
  absl::Status Export(SeriesId series, Visitor visit);

 private:
  absl::Status ExportLeaves(const InnerNode& node, const SeriesView& view, Visitor visit);
  absl::Status ExportShared(SeriesId series, Visitor visit);
  absl::Status Encode(const Timestamp* times, const double* values, size_t count, Visitor visit);

  const Tree* const tree_;
  const Mapped mapped_;
  codec::EncodeHint hint_;
  PieceBuffer buffer_;
  std::vector<uint64_t> encoded_;
};

}  // namespace tsdb::tree
