#include "storage/segment/segment_salvage.h"

#include <algorithm>
#include <utility>

#include "storage/base/coding.h"
#include "storage/base/crc32c.h"
#include "storage/base/status_macros.h"
#include "storage/codec/block.h"

namespace tsdb::segment {
namespace {

// The bytes of `section` if it lies in the file and its checksum holds.
std::optional<std::span<const uint8_t>> WholeSection(std::span<const uint8_t> file,
                                                     const SectionEntry& section) {
  if (section.offset > file.size() || section.length > file.size() - section.offset) {
    return std::nullopt;
  }
  const std::span<const uint8_t> bytes = file.subspan(section.offset, section.length);
  if (crc32c::Compute(bytes) != section.crc) return std::nullopt;
  return bytes;
}

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

// Looks for leaves in file[kSegmentHeaderBytes, end).
void SalvageLeaves(std::span<const uint8_t> file, uint64_t end, Salvage* salvage) {
  // What may be spent on checksums of bytes that turn out to be no leaf.
  uint64_t budget = 16 * file.size();
  uint64_t place = kSegmentHeaderBytes, whole_end = place;
  const auto damaged_until = [&](uint64_t begin) {
    if (begin > whole_end) salvage->damaged.push_back({whole_end, begin - whole_end});
  };
  while (place + kLeafPrefixBytes < end && budget > 0) {
    const std::span<const uint8_t> rest = file.subspan(place, end - place);
    // The cheap check first: where this is no leaf it mostly is no block.
    const auto view = codec::BlockView::Parse(rest.subspan(kLeafPrefixBytes));
    if (view.ok()) {
      const uint64_t bytes = kLeafPrefixBytes + view->bytes();
      const auto found = CheckLeaf(rest.first(bytes));
      if (found.ok()) {
        damaged_until(place);
        salvage->leaves.push_back(
            {{GetFixed32(rest.data() + 4), found->count, found->time_first, found->time_last},
             place,
             rest.subspan(kLeafPrefixBytes, bytes - kLeafPrefixBytes)});
        place += bytes;
        whole_end = place;
        continue;
      }
      budget -= std::min(budget, bytes);
    }
    place += 8;
  }
  damaged_until(end);
}

}  // namespace

absl::StatusOr<Salvage> SalvageSegment(FileSystem* files, const std::string& path) {
  Salvage salvage;
  TSDB_ASSIGN_OR_RETURN(salvage.file, files->Map(path));
  const std::span<const uint8_t> file = salvage.file->bytes();
  uint64_t leaves_end = file.size();
  if (file.size() >= kSegmentHeaderBytes + kSegmentFooterBytes) {
    const auto footer = ParseFooter(file.last(kSegmentFooterBytes));
    if (footer.ok()) {
      salvage.summary = footer->summary;
      salvage.series = SalvageSeries(file, footer->sections[kSeriesTable]);
      salvage.superseded = SalvageSuperseded(file, footer->sections[kSuperseded]);
      leaves_end = std::min(leaves_end, footer->sections[kLeafIndex].offset);
    }
  }
  SalvageLeaves(file, leaves_end, &salvage);
  return salvage;
}

}  // namespace tsdb::segment
