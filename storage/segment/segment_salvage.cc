#include "storage/segment/segment_salvage.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "storage/base/coding.h"
#include "storage/base/status_macros.h"
#include "storage/cache/leaf_group.h"
#include "storage/codec/block.h"

namespace tsdb::segment {
namespace {

std::optional<std::vector<SeriesEntry>> SalvageSeries(std::span<const uint8_t> file,
                                                      const SectionEntry& section) {
  const auto bytes = WholeSection(file, section);
  if (!bytes) return std::nullopt;
  std::vector<SeriesEntry> series;
  SegmentReader::SeriesCursor cursor(*bytes, section.entries);
  while (cursor.Next()) series.push_back(cursor.entry());
  if (!cursor.complete()) return std::nullopt;
  return series;
}

std::optional<std::vector<LeafReference>> SalvageSuperseded(std::span<const uint8_t> file,
                                                            const SectionEntry& section) {
  const auto bytes = WholeSection(file, section);
  const uint64_t entries = section.entries;
  if (!bytes || bytes->size() != PaddedTo8(kSupersededBytesPerLeaf * entries)) return std::nullopt;
  std::vector<LeafReference> leaves;
  for (uint64_t i = 0; i < entries; ++i) {
    leaves.push_back(
        {GetFixed64(bytes->data() + 8 * i), GetFixed32(bytes->data() + 8 * entries + 4 * i)});
  }
  return leaves;
}

// Looks for leaves, and frames of leaves, in the file from its header to `end`.
class LeafSearch {
 public:
  LeafSearch(std::span<const uint8_t> file, uint64_t end, Salvage* salvage)
      // What may be spent on checksums of bytes that turn out to be no leaf.
      : file_(file), end_(end), salvage_(salvage), budget_(16 * file.size()) {}

  void Run() {
    uint64_t place = kSegmentHeaderBytes, whole_end = place;
    const auto damaged_until = [&](uint64_t begin) {
      if (begin > whole_end) salvage_->damaged.push_back({whole_end, begin - whole_end});
    };
    while (place + kLeafPrefixBytes < end_ && budget_ > 0) {
      const std::span<const uint8_t> rest = file_.subspan(place, end_ - place);
      uint64_t bytes = TakeLeaf(rest, place);
      if (bytes == 0) bytes = TakeFrame(rest, place);
      if (bytes == 0) {
        place += 8;
        continue;
      }
      damaged_until(place);
      place += bytes;
      whole_end = place;
    }
    damaged_until(end_);
  }

 private:
  // The bytes of the leaf that `rest` begins with; 0: it begins with none.
  uint64_t TakeLeaf(std::span<const uint8_t> rest, uint64_t offset) {
    if (rest.size() <= kLeafPrefixBytes) return 0;
    // The cheap check first: where this is no leaf it mostly is no block.
    const auto view = codec::BlockView::Parse(rest.subspan(kLeafPrefixBytes));
    if (!view.ok()) return 0;
    const uint64_t bytes = kLeafPrefixBytes + view->bytes();
    const auto found = CheckLeaf(rest.first(bytes));
    if (!found.ok()) {
      budget_ -= std::min(budget_, bytes);
      return 0;
    }
    salvage_->leaves.push_back(
        {{GetFixed32(rest.data() + 4), found->count, found->time_first, found->time_last},
         offset,
         rest.subspan(kLeafPrefixBytes, bytes - kLeafPrefixBytes)});
    return bytes;
  }

  // The same for a frame, and takes the leaves in it.
  uint64_t TakeFrame(std::span<const uint8_t> rest, uint64_t offset) {
    const auto head = cache::ParseFrameHead(rest);
    if (!head.ok()) return 0;
    const auto used = cache::UnpackFrame(rest, group_.data());
    const uint64_t bytes = head->frame_bytes();
    if (!used.ok()) {
      budget_ -= std::min(budget_, bytes);
      return 0;
    }
    // As much as is used: a file made up of many small frames must not take the memory of whole
    // groups.
    auto kept = std::make_unique<uint64_t[]>(PaddedTo8(*used) / sizeof(uint64_t));
    std::memcpy(kept.get(), group_.data(), *used);
    std::span<const uint8_t> group(reinterpret_cast<const uint8_t*>(kept.get()), *used);
    const size_t leaves_before = salvage_->leaves.size();
    while (!group.empty()) {
      const uint64_t leaf = TakeLeaf(group, offset);
      if (leaf == 0) {
        // The checksum says that it was written so.
        salvage_->damaged.push_back({offset, bytes});
        break;
      }
      group = group.subspan(leaf);
    }
    if (salvage_->leaves.size() > leaves_before) salvage_->unpacked.push_back(std::move(kept));
    return bytes;
  }

  const std::span<const uint8_t> file_;
  const uint64_t end_;
  Salvage* const salvage_;
  uint64_t budget_;
  cache::LeafGroup group_;  // the last frame unpacked
};

}  // namespace

absl::StatusOr<Salvage> SalvageSegment(FileSystem* files, const std::string& path) {
  Salvage salvage;
  TSDB_ASSIGN_OR_RETURN(salvage.file, files->Map(path));
  const std::span<const uint8_t> file = salvage.file->bytes();
  uint64_t leaves_end = file.size();
  if (file.size() >= kSegmentHeaderBytes + kSegmentFooterBytes) {
    const auto footer = ParseFooter(file.subspan(kSegmentHeaderBytes));
    if (footer.ok()) {
      salvage.summary = footer->summary;
      salvage.series = SalvageSeries(file, footer->sections[kSeriesTable]);
      salvage.superseded = SalvageSuperseded(file, footer->sections[kSuperseded]);
      leaves_end = std::min(leaves_end, footer->sections[kLeafIndex].offset);
    }
  }
  LeafSearch(file, leaves_end, &salvage).Run();
  return salvage;
}

}  // namespace tsdb::segment
