#include "storage/segment/segment_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "storage/codec/block.h"

namespace tsdb::segment {
namespace {

constexpr uint64_t kBlockBytesMax = uint64_t{1} << 20;
constexpr std::string_view kSectionNames[kSectionCount] = {"leaf index", "series table",
                                                           "superseded list", "frame table"};

bool AllZero(std::span<const uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace

SegmentReader::SegmentReader(std::string path, std::unique_ptr<MappedFile> file)
    : path_(std::move(path)), file_(std::move(file)) {}

absl::StatusOr<std::unique_ptr<SegmentReader>> SegmentReader::Open(FileSystem* files,
                                                                   std::string path,
                                                                   uint64_t number) {
  absl::StatusOr<std::unique_ptr<MappedFile>> file = files->Map(path);
  if (absl::IsDataLoss(file.status())) {
    return absl::UnavailableError(
        absl::StrCat(std::string(file.status().message()),
                     "; the file may be whole, so nothing is done to it: check the disk, and open "
                     "again"));
  }
  TSDB_RETURN_IF_ERROR(file.status());
  std::unique_ptr<SegmentReader> reader(new SegmentReader(std::move(path), *std::move(file)));
  TSDB_RETURN_IF_ERROR(reader->Load(number));
  return reader;
}

absl::Status SegmentReader::Damaged(uint64_t offset, std::string_view what) const {
  return absl::DataLossError(absl::StrCat("segment '", path_, "', offset ", offset, ": ",
                                          ToAbsl(what),
                                          "; restore the file from a backup, or salvage it"));
}

absl::Status SegmentReader::Load(uint64_t number) {
  const std::span<const uint8_t> bytes = file_->bytes();
  if (bytes.size() < kSegmentHeaderBytes + kSegmentFooterBytes || bytes.size() % 8 != 0) {
    return Damaged(bytes.size(), "the file ends here, which no whole segment does");
  }
  const auto in_file = [this](const absl::Status& status) {
    return absl::Status(status.code(),
                        absl::StrCat("cannot open segment '", path_, "': ", status.message()));
  };
  const absl::StatusOr<SegmentHeader> header = ParseHeader(bytes.first(kSegmentHeaderBytes));
  if (!header.ok()) return in_file(header.status());
  const absl::StatusOr<SegmentFooter> footer = ParseFooter(bytes.subspan(kSegmentHeaderBytes));
  if (!footer.ok()) return in_file(footer.status());
  if (header->version != footer->version) {
    return Damaged(0, absl::StrCat("the header says version ", header->version, ", the footer ",
                                   footer->version));
  }
  packed_ = footer->version == kPackedVersion;
  summary_ = footer->summary;
  std::copy(std::begin(footer->sections), std::end(footer->sections), sections_);
  if (header->number != number || summary_.number != number) {
    return Damaged(0, absl::StrCat("expected segment ", number, ", the header says ",
                                   header->number, ", the footer ", summary_.number));
  }
  TSDB_RETURN_IF_ERROR(CheckPlaces());
  layout_ = LeafIndexLayout(summary_.leaves);
  index_ = SectionBytes(kLeafIndex).data();
  for (size_t i = 0; i < SectionsOf(footer->version); ++i) {
    TSDB_RETURN_IF_ERROR(CheckSectionChecksum(static_cast<Section>(i)));
  }
  if (packed_) {
    frames_ = SectionBytes(kFrames).data();
    TSDB_RETURN_IF_ERROR(CheckFrames());
  } else {
    leaves_ = file_->data();
  }
  TSDB_RETURN_IF_ERROR(CheckLeafIndex());
  TSDB_RETURN_IF_ERROR(CheckSeriesTable());
  return CheckSuperseded();
}

// The sections lie one behind the other up to the footer, each as long as its entries need.
absl::Status SegmentReader::CheckPlaces() const {
  const uint32_t version = packed_ ? kPackedVersion : kPlainVersion;
  const uint64_t footer = file_->size() - FooterBytes(version);
  if (footer < kSegmentHeaderBytes) return Damaged(footer, "the footer begins in the header");
  if (summary_.bytes != file_->size()) {
    return Damaged(footer, absl::StrCat("the footer says that the file has ", summary_.bytes,
                                        " bytes; it has ", file_->size()));
  }
  uint64_t place = sections_[kLeafIndex].offset;
  if (place < kSegmentHeaderBytes || place > footer || place % 8 != 0) {
    return Damaged(footer, "the leaf index begins outside the file");
  }
  for (size_t i = 0; i < SectionsOf(version); ++i) {
    const SectionEntry& section = sections_[i];
    if (section.offset != place || section.length > footer - place || section.length % 8 != 0) {
      return Damaged(footer, "the sections do not follow each other");
    }
    place += section.length;
  }
  if (place != footer) return Damaged(footer, "the sections do not reach the footer");
  // At most 2^32 entries of 34 bytes: no overflow.
  if (sections_[kLeafIndex].length != LeafIndexLayout(summary_.leaves).bytes ||
      sections_[kSuperseded].length !=
          PaddedTo8(kSupersededBytesPerLeaf * uint64_t{summary_.superseded}) ||
      (packed_ &&
       sections_[kFrames].length != FrameTableLayout(sections_[kFrames].entries).bytes)) {
    return Damaged(footer, "a section is not as long as its entries need");
  }
  return absl::OkStatus();
}

absl::Status SegmentReader::CheckSectionChecksum(Section which) const {
  if (WholeSection(file_->bytes(), sections_[which]).has_value()) return absl::OkStatus();
  return Damaged(sections_[which].offset,
                 absl::StrCat("the checksum of the ", ToAbsl(kSectionNames[which]), ", ",
                              sections_[which].length, " bytes, does not match"));
}

// Frames follow each other from the header to the leaf index.
absl::Status SegmentReader::CheckFrames() const {
  const SectionEntry& section = sections_[kFrames];
  const auto bad = [&](uint32_t i, std::string_view what) {
    return Damaged(section.offset,
                   absl::StrCat("entry ", i, " of the frame table: ", ToAbsl(what)));
  };
  if (section.entries == 0 || section.entries > cache::PackedImage::kGroupsMax ||
      summary_.leaves == 0) {
    return Damaged(section.offset, absl::StrCat("there cannot be ", section.entries, " frames"));
  }
  for (uint32_t i = 0; i < section.entries; ++i) {
    const uint64_t begin = FrameOffset(i);
    if (i == 0 && begin != kSegmentHeaderBytes) return bad(i, "it does not begin after the header");
    if (FrameEnd(i) <= begin || FrameEnd(i) > sections_[kLeafIndex].offset) {
      return bad(i, "its frame has no possible place");
    }
    if (UsedOf(i) == 0 || UsedOf(i) > cache::kGroupBytes)
      return bad(i, "its group has no possible length");
  }
  const FrameTableLayout layout(section.entries);
  if (!AllZero({frames_ + 4 * size_t{section.entries}, frames_ + layout.used}) ||
      !AllZero({frames_ + layout.used + 4 * size_t{section.entries}, frames_ + layout.bytes})) {
    return Damaged(section.offset, "the padding of the frame table is not zero");
  }
  return absl::OkStatus();
}

absl::Status SegmentReader::UseCache(cache::LeafCache* cache) {
  if (!packed_) return absl::OkStatus();
  std::vector<uint64_t> offsets;
  for (uint32_t i = 0; i < sections_[kFrames].entries; ++i) offsets.push_back(FrameOffset(i));
  TSDB_ASSIGN_OR_RETURN(
      image_, cache::PackedImage::Create(cache, path_, file_->bytes(), std::move(offsets)));
  leaves_ = image_->base();
  return absl::OkStatus();
}

uint64_t SegmentReader::leaf_bytes() const {
  if (!packed_) return sections_[kLeafIndex].offset - kSegmentHeaderBytes;
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < sections_[kFrames].entries; ++i) bytes += UsedOf(i);
  return bytes;
}

absl::Status SegmentReader::CheckLeafEntry(uint32_t i) const {
  const auto bad = [&](std::string_view what) {
    return Damaged(sections_[kLeafIndex].offset,
                   absl::StrCat("entry ", i, " of the leaf index: ", ToAbsl(what)));
  };
  const LeafEntry entry = leaf(i);
  if (entry.count > codec::kBlockSamplesMax || !CanIncrease(entry.first, entry.last, entry.count)) {
    return bad("so many samples cannot lie between its timestamps");
  }
  const uint64_t begin = BlockOffset(i);
  const uint64_t area_end = packed_ ? uint64_t{sections_[kFrames].entries} << cache::kGroupBits
                                    : sections_[kLeafIndex].offset;
  uint64_t due = packed_ ? 0 : kSegmentHeaderBytes;
  if (i > 0) {
    const bool next_group = packed_ && begin >> cache::kGroupBits == uint64_t{GroupOf(i - 1)} + 1;
    due = next_group ? begin >> cache::kGroupBits << cache::kGroupBits : BlockEnd(i - 1);
  }
  if (begin != due + kLeafPrefixBytes || begin >= area_end) {
    return bad("its block does not follow the one before it");
  }
  const uint64_t end = BlockEnd(i);
  if (end <= begin || end > area_end || end - begin > kBlockBytesMax) {
    return bad("its block has no possible length");
  }
  if (packed_ && i + 1 == summary_.leaves && GroupOf(i) + 1 != sections_[kFrames].entries) {
    return bad("there are frames after it, and no leaf in them");
  }
  if (i == 0) return absl::OkStatus();
  const LeafEntry before = leaf(i - 1);
  if (entry.series < before.series ||
      (entry.series == before.series && entry.first <= before.last)) {
    return bad("it is not in order of series and time");
  }
  return absl::OkStatus();
}

absl::Status SegmentReader::CheckLeafIndex() const {
  SegmentSummary found;
  if (summary_.leaves > 0) {
    found.time_first = kTimestampMax;
    found.time_last = kTimestampMin;
    found.series_first = series(0);
    found.series_last = series(summary_.leaves - 1);
  } else if (sections_[kLeafIndex].offset != kSegmentHeaderBytes) {
    return Damaged(kSegmentHeaderBytes, "there are bytes but no leaves");
  }
  for (uint32_t i = 0; i < summary_.leaves; ++i) {
    TSDB_RETURN_IF_ERROR(CheckLeafEntry(i));
    const LeafEntry entry = leaf(i);
    found.records += entry.count;
    found.time_first = std::min(found.time_first, entry.first);
    found.time_last = std::max(found.time_last, entry.last);
  }
  const uint64_t leaves = summary_.leaves;
  const uint8_t* const end = index_ + layout_.bytes;
  if (!AllZero({index_ + 4 * leaves, index_ + layout_.first}) ||
      !AllZero({index_ + layout_.offset + 4 * leaves, index_ + layout_.count}) ||
      !AllZero({index_ + layout_.count + 2 * leaves, end})) {
    return Damaged(sections_[kLeafIndex].offset, "the padding of the leaf index is not zero");
  }
  if (found.records != summary_.records || found.time_first != summary_.time_first ||
      found.time_last != summary_.time_last || found.series_first != summary_.series_first ||
      found.series_last != summary_.series_last) {
    return Damaged(sections_[kLeafIndex].offset, "the footer's totals are not the leaf index's");
  }
  return absl::OkStatus();
}

bool SegmentReader::SeriesCursor::Read() {
  uint32_t step, length;
  std::span<const uint8_t> labels;
  if (!table_.ReadVarint32(&step) || !table_.ReadVarint32(&length) ||
      !table_.ReadBytes(length, &labels)) {
    return false;
  }
  if (at_ > 0 && (step == 0 || step > UINT32_MAX - entry_.id)) return false;
  entry_.id = at_ == 0 ? step : entry_.id + step;
  entry_.labels = {reinterpret_cast<const char*>(labels.data()), labels.size()};
  ++at_;
  return true;
}

bool SegmentReader::SeriesCursor::Next() { return at_ < entries_ && Read(); }

absl::Status SegmentReader::CheckSeriesTable() const {
  const std::span<const uint8_t> table = SectionBytes(kSeriesTable);
  const auto bad = [&](const SeriesCursor& cursor, std::string_view what) {
    return Damaged(sections_[kSeriesTable].offset + cursor.table_.position(),
                   absl::StrCat("series table, entry ", cursor.at_, ": ", ToAbsl(what)));
  };
  SeriesCursor cursor = series_table();
  uint32_t at = 0;  // leaves whose series has been found
  while (cursor.Next()) {
    while (at < summary_.leaves && series(at) == cursor.entry().id) ++at;
  }
  if (cursor.at_ != cursor.entries_) return bad(cursor, "it is cut short or out of order");
  if (at != summary_.leaves) {
    return bad(cursor, absl::StrCat("series ", series(at), ", which has leaves, is missing"));
  }
  const std::span<const uint8_t> rest = table.subspan(cursor.table_.position());
  if (rest.size() >= 8 || !AllZero(rest)) return bad(cursor, "there are bytes after the last one");
  return absl::OkStatus();
}

absl::Status SegmentReader::CheckSuperseded() const {
  const SectionEntry& section = sections_[kSuperseded];
  for (uint32_t i = 0; i < summary_.superseded; ++i) {
    const LeafReference leaf = superseded(i);
    if (leaf.segment >= summary_.number || (i > 0 && leaf <= superseded(i - 1))) {
      return Damaged(section.offset + 8 * uint64_t{i},
                     absl::StrCat("entry ", i,
                                  " of the superseded list is not in order or of no "
                                  "older segment"));
    }
  }
  const std::span<const uint8_t> bytes = SectionBytes(kSuperseded);
  if (!AllZero(bytes.subspan(kSupersededBytesPerLeaf * size_t{summary_.superseded}))) {
    return Damaged(section.offset, "the padding of the superseded list is not zero");
  }
  return absl::OkStatus();
}

std::span<const uint8_t> SegmentReader::ReadLeaf(uint32_t i, cache::LeafGroup& group) const {
  const uint64_t begin = BlockOffset(i) - kLeafPrefixBytes;
  if (!packed_) return file_->bytes().subspan(begin, BlockEnd(i) - begin);
  const uint32_t number = GroupOf(i);
  if (group.owner != this || group.number != number) {
    const uint64_t offset = FrameOffset(number);
    const auto frame = file_->bytes().subspan(offset, FrameEnd(number) - offset);
    const auto used = cache::UnpackFrame(frame, group.data());
    const auto head = cache::ParseFrameHead(frame);
    group.damaged = !used.ok() || *used != UsedOf(number) || head->frame_bytes() != frame.size();
    if (group.damaged) cache::UnpackDamagedFrame(frame, UsedOf(number), group.data());
    group.owner = this;
    group.number = number;
  }
  const uint64_t in_group = begin - (uint64_t{number} << cache::kGroupBits);
  return {group.data() + in_group, BlockEnd(i) - begin};
}

std::span<const uint8_t> SegmentReader::ReadBlock(uint32_t i, cache::LeafGroup& group) const {
  return ReadLeaf(i, group).subspan(kLeafPrefixBytes);
}

absl::Status SegmentReader::VerifyBlock(uint32_t i, cache::LeafGroup& group) const {
  const LeafEntry entry = leaf(i);
  const std::span<const uint8_t> bytes = ReadLeaf(i, group);
  const absl::StatusOr<codec::BlockStatistics> found = CheckLeaf(bytes);
  if (!found.ok()) return DamagedLeaf(i, ToStd(found.status().message()));
  if (GetFixed32(bytes.data() + 4) == entry.series && found->count == entry.count &&
      found->time_first == entry.first && found->time_last == entry.last) {
    return absl::OkStatus();
  }
  return DamagedLeaf(i, "it is not the leaf that the index says");
}

absl::Status SegmentReader::VerifyFrame(uint32_t i, const cache::LeafGroup& group) const {
  if (!packed_ || !group.damaged) return absl::OkStatus();
  const uint64_t begin = FrameOffset(GroupOf(i));
  return Damaged(begin, absl::StrCat("frame ", GroupOf(i), ", ", FrameEnd(GroupOf(i)) - begin,
                                     " bytes: it is not what was written"));
}

absl::Status SegmentReader::DamagedLeaf(uint32_t i, std::string_view what) const {
  const LeafEntry entry = leaf(i);
  const uint64_t bytes = BlockEnd(i) - BlockOffset(i) + kLeafPrefixBytes;
  return Damaged(FileOffset(i),
                 absl::StrCat("leaf ", i, ", ", bytes, packed_ ? " bytes unpacked: " : " bytes: ",
                              ToAbsl(what), "; lost are the ", entry.count, " records of series ",
                              entry.series, " from time ", entry.first, " to ", entry.last));
}

std::vector<absl::Status> SegmentReader::VerifyAll() const {
  std::vector<absl::Status> damage;
  const std::span<const uint8_t> bytes = file_->bytes();
  const auto header = ParseHeader(bytes.first(kSegmentHeaderBytes));
  if (!header.ok()) damage.push_back(Damaged(0, ToStd(header.status().message())));
  const auto footer = ParseFooter(bytes.subspan(kSegmentHeaderBytes));
  if (!footer.ok()) {
    damage.push_back(Damaged(bytes.size() - kSegmentFooterBytes, ToStd(footer.status().message())));
  }
  for (size_t i = 0; i < SectionsOf(packed_ ? kPackedVersion : kPlainVersion); ++i) {
    absl::Status status = CheckSectionChecksum(static_cast<Section>(i));
    if (!status.ok()) damage.push_back(std::move(status));
  }
  // A mapped index that has changed since Open may point anywhere: the leaves are not looked at.
  if (!damage.empty()) return damage;
  cache::LeafGroup group;
  absl::Status last_frame;  // said once for all its leaves
  for (uint32_t i = 0; i < summary_.leaves; ++i) {
    const absl::Status leaf = VerifyBlock(i, group);
    const absl::Status frame = VerifyFrame(i, group);
    for (const absl::Status& status : {frame, leaf}) {
      if (!status.ok() && status != last_frame) damage.push_back(status);
    }
    last_frame = frame;
  }
  return damage;
}

}  // namespace tsdb::segment
