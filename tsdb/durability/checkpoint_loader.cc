#include "tsdb/durability/checkpoint_loader.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "index/tree/tree_writer.h"
#include "storage/base/labels.h"
#include "storage/base/mutex.h"
#include "storage/base/parallel.h"
#include "storage/base/status_macros.h"
#include "storage/segment/segment_reader.h"
#include "storage/segment/segment_salvage.h"
#include "tsdb/durability/log_payload.h"

namespace tsdb::durability {
namespace {

// Leaves between publishing counts and looking at the budget.
constexpr size_t kLeavesPerBatch = 1024;
// Leaves that a thread checks at a time.
constexpr size_t kLeavesPerCheck = 256;

class Loader {
 public:
  Loader(SegmentStore& store, uint64_t bytes_max, tree::Tree* tree, label::SeriesTable* table)
      : store_(store), bytes_max_(bytes_max), tree_(tree), table_(table), writer_(tree) {}

  absl::StatusOr<LoadedCheckpoint> Load() {
    const std::optional<uint64_t> rest_number = store_.rest_number();
    for (const auto& [number, live] : store_.state().segments) {
      const bool rest = number == rest_number;
      TSDB_RETURN_IF_ERROR(rest ? OpenRest(number, live) : OpenLeaves(number, live));
    }
    TSDB_RETURN_IF_ERROR(LoadSeries());
    // First what may be older versions of what follows.
    for (const segment::Salvage& salvage : salvaged_) TSDB_RETURN_IF_ERROR(AppendSalvaged(salvage));
    TSDB_RETURN_IF_ERROR(LinkLeaves());
    TSDB_RETURN_IF_ERROR(AppendRest());
    writer_.Finish();
    return std::move(loaded_);
  }

 private:
  using Reader = std::unique_ptr<segment::SegmentReader>;

  // Null if the file cannot be read as it is; what can be had of it is then in `salvage`, but for
  // a file that is missing.
  absl::StatusOr<Reader> Open(uint64_t number, const segment::LiveSegment& live,
                              std::optional<segment::Salvage>& salvage) {
    const std::string path = store_.PathOf(number);
    absl::StatusOr<Reader> reader = segment::SegmentReader::Open(store_.files(), path, number);
    if (reader.ok()) return reader;
    if (absl::IsNotFound(reader.status())) {
      Report(absl::StrCat(path, ": the file is missing, and with it ", live.records,
                          " records from ", live.time_first, " to ", live.time_last));
    } else if (absl::IsDataLoss(reader.status())) {
      Report(std::string(reader.status().message()));
      TSDB_ASSIGN_OR_RETURN(salvage, segment::SalvageSegment(store_.files(), path));
      for (const segment::DamagedRange& range : salvage->damaged) {
        Report(absl::StrCat(path, ": ", range.length, " bytes of leaves at offset ", range.offset,
                            " are damaged"));
      }
    } else {
      return reader.status();
    }
    store_.SetAside(number);
    return nullptr;
  }

  absl::Status OpenLeaves(uint64_t number, const segment::LiveSegment& live) {
    std::optional<segment::Salvage> salvage;
    TSDB_ASSIGN_OR_RETURN(Reader reader, Open(number, live, salvage));
    if (reader != nullptr) TSDB_RETURN_IF_ERROR(store_.AddOpen(number, std::move(reader)));
    if (!salvage.has_value()) return absl::OkStatus();
    // Which of its leaves were dead goes by their places in its index.
    Report(
        absl::StrCat(store_.PathOf(number), ": what was deleted or overwritten in it may be back"));
    salvaged_.push_back(*std::move(salvage));
    return absl::OkStatus();
  }

  absl::Status OpenRest(uint64_t number, const segment::LiveSegment& live) {
    TSDB_ASSIGN_OR_RETURN(rest_, Open(number, live, rest_salvage_));
    if (rest_ == nullptr && !(rest_salvage_.has_value() && rest_salvage_->superseded.has_value())) {
      Report(absl::StrCat(store_.PathOf(number),
                          ": which leaves were replaced is lost; samples that were deleted or "
                          "overwritten late may be back"));
    }
    return absl::OkStatus();
  }

  // Calls `each` for the series of every file that has them, in order of number.
  absl::Status LoadSeries() {
    std::map<SeriesId, std::string_view> found;
    const auto add_table = [&](const segment::SegmentReader& reader) {
      for (auto cursor = reader.series_table(); cursor.Next();) {
        found.emplace(cursor.entry().id, cursor.entry().labels);
      }
    };
    const auto add_salvaged = [&](const segment::Salvage& salvage) {
      if (!salvage.series.has_value()) return;
      for (const segment::SeriesEntry& entry : *salvage.series)
        found.emplace(entry.id, entry.labels);
    };
    if (rest_ != nullptr) {
      // Has them all, in order: no need to gather.
      for (auto cursor = rest_->series_table(); cursor.Next();) {
        TSDB_RETURN_IF_ERROR(AddSeries(cursor.entry().id, cursor.entry().labels));
      }
      return absl::OkStatus();
    }
    if (rest_salvage_.has_value()) add_salvaged(*rest_salvage_);
    for (const auto& [number, open] : store_.segments()) add_table(*open.reader);
    for (const segment::Salvage& salvage : salvaged_) add_salvaged(salvage);
    for (const auto& [id, labels] : found) TSDB_RETURN_IF_ERROR(AddSeries(id, labels));
    return absl::OkStatus();
  }

  absl::Status AddSeries(SeriesId id, std::string_view labels) {
    if (!AreCanonicalLabels(labels)) {
      Report(absl::StrCat(store_.path(), ": the labels of series ", id, " are not well-formed"));
      return absl::OkStatus();
    }
    // Left out it would be gone with the next checkpoint.
    if (id >= table_->series_max()) {
      return absl::ResourceExhaustedError(
          absl::StrCat("loading '", store_.path(), "': there is a series number ", id,
                       "; raise Options::series_max, ", table_->series_max()));
    }
    TSDB_ASSIGN_OR_RETURN(const SeriesId given,
                          table_->FindOrCreate(Labels::FromCanonicalBytes(labels)));
    if (id >= loaded_.numbers.size()) loaded_.numbers.resize(size_t{id} + 1, kUnknownSeries);
    loaded_.numbers[id] = given;
    numbers_kept_ &= given == id;
    return absl::OkStatus();
  }

  SeriesId NumberOf(SeriesId in_file) const {
    return in_file < loaded_.numbers.size() ? loaded_.numbers[in_file] : kUnknownSeries;
  }

  struct Leaf {
    SeriesId series;
    uint32_t leaf;
    Timestamp first;
    OpenSegment* segment;
    bool damaged;
    bool frame_damaged;  // so that its leaves cannot be unpacked there again
  };

  // Takes the live leaves of all open segments, in order of (series, time).
  std::vector<Leaf> LiveLeaves() {
    if (rest_ != nullptr) {
      for (uint32_t i = 0; i < rest_->summary().superseded; ++i) MarkDead(rest_->superseded(i));
    } else if (rest_salvage_.has_value() && rest_salvage_->superseded.has_value()) {
      for (const segment::LeafReference& dead : *rest_salvage_->superseded) MarkDead(dead);
    }
    std::vector<Leaf> leaves;
    for (auto& [number, open] : store_.segments()) {
      open.SetLive(std::vector<uint8_t>(open.live));
      for (uint32_t i = 0; i < open.reader->leaf_count(); ++i) {
        if (open.live[i] == 0) continue;
        const segment::LeafEntry entry = open.reader->leaf(i);
        leaves.push_back({entry.series, i, entry.first, &open, false, false});
      }
    }
    std::sort(leaves.begin(), leaves.end(), [](const Leaf& a, const Leaf& b) {
      return a.series != b.series ? a.series < b.series : a.first < b.first;
    });
    return leaves;
  }

  void MarkDead(const segment::LeafReference& reference) {
    const auto at = store_.segments().find(reference.segment);
    if (at == store_.segments().end() || reference.leaf >= at->second.live.size()) return;
    at->second.live[reference.leaf] = 0;
  }

  // Checks all leaves, on all cores, in the order of the files.
  void CheckLeaves(std::vector<Leaf>& leaves) {
    std::vector<Leaf*> in_file_order;
    in_file_order.reserve(leaves.size());
    for (Leaf& leaf : leaves) in_file_order.push_back(&leaf);
    std::sort(in_file_order.begin(), in_file_order.end(), [](const Leaf* a, const Leaf* b) {
      return a->segment != b->segment ? a->segment < b->segment : a->leaf < b->leaf;
    });
    for (const auto& [number, open] : store_.segments()) {
      open.reader->file().Advise(ReadPattern::kSequential);
    }
    Mutex mutex;
    std::vector<std::pair<size_t, std::string>> found;
    ParallelFor(0, in_file_order.size(), kLeavesPerCheck, 0, [&](size_t begin, size_t end) {
      cache::LeafGroup group;
      for (size_t i = begin; i < end; ++i) {
        Leaf& leaf = *in_file_order[i];
        const absl::Status status = leaf.segment->reader->VerifyBlock(leaf.leaf, group);
        leaf.frame_damaged = leaf.segment->reader->packed() && group.damaged;
        leaf.damaged = !status.ok();
        for (const absl::Status& wrong :
             {leaf.segment->reader->VerifyFrame(leaf.leaf, group), status}) {
          if (wrong.ok()) continue;
          MutexLock lock(&mutex);
          found.emplace_back(i, std::string(wrong.message()));
        }
      }
    });
    std::sort(found.begin(), found.end());
    for (auto& [at, text] : found) ReportOnce(std::move(text));
    for (const auto& [number, open] : store_.segments()) {
      open.reader->file().Advise(ReadPattern::kNormal);
    }
  }

  absl::Status LinkLeaves() {
    std::vector<Leaf> leaves = LiveLeaves();
    CheckLeaves(leaves);
    for (const Leaf& leaf : leaves) {
      if (leaf.damaged) continue;
      TSDB_RETURN_IF_ERROR(Link(leaf));
    }
    return absl::OkStatus();
  }

  absl::Status Link(const Leaf& leaf) {
    const segment::SegmentReader& reader = *leaf.segment->reader;
    const uint32_t count = reader.leaf(leaf.leaf).count;
    if (numbers_kept_ && !leaf.frame_damaged) {
      return Add(leaf.series, count, reader.Block(leaf.leaf),
                 reader.packed() ? Place::kPacked : Place::kMapped);
    }
    return Add(leaf.series, count, reader.ReadBlock(leaf.leaf, group_), Place::kMemory);
  }

  absl::Status AppendSalvaged(const segment::Salvage& salvage) {
    for (const segment::SalvagedLeaf& leaf : salvage.leaves) {
      TSDB_RETURN_IF_ERROR(Add(leaf.entry.series, leaf.entry.count, leaf.block, Place::kMemory));
    }
    return absl::OkStatus();
  }

  absl::Status AppendRest() {
    if (rest_salvage_.has_value()) return AppendSalvaged(*rest_salvage_);
    if (rest_ == nullptr) return absl::OkStatus();
    bool damaged = false;
    for (uint32_t i = 0; i < rest_->leaf_count(); ++i) {
      const absl::Status status = rest_->VerifyBlock(i, group_);
      for (const absl::Status& wrong : {rest_->VerifyFrame(i, group_), status}) {
        if (wrong.ok()) continue;
        ReportOnce(std::string(wrong.message()));
        damaged = true;
      }
      if (!status.ok()) continue;
      const segment::LeafEntry entry = rest_->leaf(i);
      TSDB_RETURN_IF_ERROR(
          Add(entry.series, entry.count, rest_->ReadBlock(i, group_), Place::kMemory));
    }
    // The next checkpoint would remove it.
    if (damaged) store_.SetAside(*store_.rest_number());
    return absl::OkStatus();
  }

  // Where the tree is to have a leaf: in its own memory, or where it lies in a file.
  enum class Place : uint8_t { kMemory, kMapped, kPacked };

  absl::Status Add(SeriesId in_file, uint32_t count, std::span<const uint8_t> block, Place place) {
    const SeriesId series = NumberOf(in_file);
    if (series == kUnknownSeries) {
      loaded_.orphans += count;
      return absl::OkStatus();
    }
    tree::Page& page = *tree_->FindOrCreatePage(series);
    if (place != Place::kMemory) {
      writer_.LinkMapped(page, series, block, place == Place::kPacked);
    } else {
      writer_.AppendBlock(page, series, block);
    }
    loaded_.records += count;
    if (++added_ % kLeavesPerBatch != 0) return absl::OkStatus();
    writer_.Finish();
    if (tree_->memory_bytes() <= bytes_max_) return absl::OkStatus();
    return absl::ResourceExhaustedError(absl::StrCat(
        "loading '", store_.path(), "': what must be in memory takes more than the budget of ",
        bytes_max_, " bytes; raise Options::memory_budget_bytes"));
  }

  // What is wrong with a frame is found with each of its leaves.
  void ReportOnce(std::string damage) {
    if (reported_.insert(damage).second) Report(std::move(damage));
  }
  void Report(std::string damage) { loaded_.damage.push_back(std::move(damage)); }

  SegmentStore& store_;
  const uint64_t bytes_max_;
  tree::Tree* const tree_;
  label::SeriesTable* const table_;
  tree::TreeWriter writer_;
  size_t added_ = 0;
  bool numbers_kept_ = true;
  Reader rest_;
  std::optional<segment::Salvage> rest_salvage_;
  std::vector<segment::Salvage> salvaged_;
  cache::LeafGroup group_;
  std::set<std::string> reported_;
  LoadedCheckpoint loaded_;
};

}  // namespace

absl::StatusOr<LoadedCheckpoint> LoadCheckpoint(SegmentStore& store, uint64_t bytes_max,
                                                tree::Tree* tree, label::SeriesTable* table) {
  return Loader(store, bytes_max, tree, table).Load();
}

}  // namespace tsdb::durability
