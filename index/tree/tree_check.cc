#include "index/tree/tree_check.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "index/tree/series_view.h"
#include "index/tree/tree_writer.h"
#include "storage/base/status_macros.h"

namespace tsdb::tree {
namespace {

class SeriesCheck {
 public:
  explicit SeriesCheck(SeriesId series) : series_(series) {}

  absl::Status CheckDense(const SeriesVersion& version) {
    const InnerNode* root = version.root.load(std::memory_order_acquire);
    if (root != nullptr) TSDB_RETURN_IF_ERROR(CheckNode(*root));
    if (records_ != version.leaf_records) {
      return Error(absl::StrCat("leaves hold ", records_, " records, their count says ",
                                version.leaf_records));
    }
    return CheckColumn(version.times(), version.count(), "open leaf");
  }

  absl::Status CheckColumn(const Timestamp* times, size_t count, const char* where) {
    for (size_t i = 0; i < count; ++i) {
      if (any_ && times[i] <= last_) {
        return Error(absl::StrCat(where, ": timestamp ", times[i], " at position ", i,
                                  " does not lie above ", last_));
      }
      any_ = true;
      last_ = times[i];
    }
    records_ += count;
    return absl::OkStatus();
  }

  uint64_t records() const { return records_; }

 private:
  absl::Status CheckNode(const InnerNode& node) {
    const uint32_t count = node.count();
    if (count == 0 || count > node.capacity()) {
      return Error(absl::StrCat("inner node of level ", node.level(), " holds ", count,
                                " of at most ", node.capacity(), " entries"));
    }
    for (uint32_t i = 0; i < count; ++i) {
      if (any_ && node.first(i) <= last_) {
        return Error(absl::StrCat("entry ", i, " of a node of level ", node.level(), " begins at ",
                                  node.first(i), ", not above ", last_));
      }
      if (node.level() == 0) {
        TSDB_RETURN_IF_ERROR(CheckLeaf(node.leaf(i), node.first(i)));
      } else {
        if (node.node(i)->level() + 1 != node.level()) return Error("a level is skipped");
        TSDB_RETURN_IF_ERROR(CheckNode(*node.node(i)));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckLeaf(const uint8_t* bytes, Timestamp first) {
    const auto block = codec::BlockView::Trusted(bytes);
    const auto parsed = codec::BlockView::Parse({bytes, block.bytes()});
    if (!parsed.ok()) return Error(parsed.status().ToString());
    times_.resize((block.count() + 63) / 64 * 64);
    block.DecodeTimestamps(times_.data());
    const codec::BlockStatistics statistics = block.Statistics();
    if (times_[0] != first || statistics.time_first != first ||
        statistics.time_last != times_[block.count() - 1]) {
      return Error(absl::StrCat("leaf at ", first, " begins at ", times_[0],
                                " and its statistics cover ", statistics.time_first, " to ",
                                statistics.time_last));
    }
    return CheckColumn(times_.data(), block.count(), "leaf");
  }

  absl::Status Error(const std::string& what) const {
    return absl::DataLossError(absl::StrCat("series ", series_, ": ", what));
  }

  const SeriesId series_;
  std::vector<Timestamp> times_;
  bool any_ = false;
  Timestamp last_ = 0;
  uint64_t records_ = 0;
};

}  // namespace

absl::StatusOr<uint64_t> CheckPage(const Page& page, SeriesId first_series) {
  uint64_t records = 0;
  std::vector<Timestamp> times;
  const SharedLeaf* shared = page.shared.load(std::memory_order_acquire);
  if (shared != nullptr && shared->base_count() > 0) {
    times.resize((shared->base_count() + 63) / 64 * 64);
    TSDB_ASSIGN_OR_RETURN(const auto block,
                          codec::BlockView::Parse({shared->base_bytes(), shared->base_size()}));
    if (block.count() != shared->base_count()) {
      return absl::DataLossError(absl::StrCat("shared leaf of series ", first_series, ": holds ",
                                              block.count(), " records, its index says ",
                                              shared->base_count()));
    }
    block.DecodeTimestamps(times.data());
  }
  for (uint32_t slot = 0; slot < kPageSeries; ++slot) {
    SeriesCheck check(first_series + slot);
    const SeriesVersion* version = page.dense[slot].load(std::memory_order_acquire);
    if (version != nullptr) TSDB_RETURN_IF_ERROR(check.CheckDense(*version));
    if (shared != nullptr) {
      const uint32_t begin = shared->starts[slot];
      const uint32_t count = shared->starts[slot + 1] - begin;
      if (version != nullptr && count > 0) {
        return absl::DataLossError(
            absl::StrCat("series ", first_series + slot, ": both dense and in the shared leaf"));
      }
      TSDB_RETURN_IF_ERROR(check.CheckColumn(times.data() + begin, count, "shared leaf"));
    }
    records += check.records();
  }
  return records;
}

absl::StatusOr<uint64_t> CheckTree(const Tree& tree, SeriesId series) {
  const auto guard = tree.epochs().Pin();
  uint64_t records = 0;
  for (uint64_t first = 0; first < series; first += kPageSeries) {
    const Page* page = tree.FindPage(static_cast<SeriesId>(first));
    if (page == nullptr) continue;
    TSDB_ASSIGN_OR_RETURN(const uint64_t found, CheckPage(*page, static_cast<SeriesId>(first)));
    records += found;
  }
  return records;
}

}  // namespace tsdb::tree
