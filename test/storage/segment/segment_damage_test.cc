// Segments that are not as they were written: nothing may be read from them that was not written.
#include <unistd.h>
#include <algorithm>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "storage/base/coding.h"
#include "storage/base/crc32c.h"
#include "storage/segment/segment_salvage.h"
#include "test/faults/memory_file_system.h"
#include "test/storage/segment/segments.h"
#include "test/storage/segment/status_text.h"

namespace tsdb::segment {
namespace {

using Bytes = std::vector<uint8_t>;

class Damaged {
 public:
  Damaged() : files_({kDirectory}) {
    REQUIRE(Write(&files_, 7, content_).ok());
    intact_ = files_.Content(PathOf(7));
  }
  const Bytes& intact() const { return intact_; }
  const SegmentContent& content() const { return content_; }
  absl::StatusOr<std::unique_ptr<SegmentReader>> Open(Bytes bytes) {
    files_.SetContent(PathOf(7), std::move(bytes));
    return OpenSegment(&files_, 7);
  }
  Salvage SalvageOf(Bytes bytes) {
    files_.SetContent(PathOf(7), std::move(bytes));
    auto salvage = SalvageSegment(&files_, PathOf(7));
    REQUIRE(salvage.ok());
    return *std::move(salvage);
  }
  // Of the leaf, from its checksum on.
  std::pair<uint64_t, uint64_t> RangeOf(uint32_t leaf) {
    const auto reader = *Open(intact_);
    const uint64_t begin = reader->BlockOffset(leaf);
    return {begin - kLeafPrefixBytes, begin + reader->Block(leaf).size()};
  }

 private:
  const SegmentContent content_ = SmallContent();
  MemoryFileSystem files_;
  Bytes intact_;
};

TEST_CASE("segment: a flip in any byte is found, and only its leaf is lost", "[segment]") {
  Damaged segment;
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (uint32_t i = 0; i < 5; ++i) ranges.push_back(segment.RangeOf(i));
  for (size_t at = 0; at < segment.intact().size(); ++at) {
    for (const uint8_t mask : {0x01, 0x80, 0xff}) {
      CAPTURE(at, mask);
      Bytes bytes = segment.intact();
      bytes[at] ^= mask;
      const bool in_leaf = at >= ranges.front().first && at < ranges.back().second;
      const auto reader = segment.Open(bytes);
      REQUIRE(reader.ok() == in_leaf);
      if (!in_leaf) {
        // Of another version, as far as an older program can tell, is found by the checksum first.
        REQUIRE(absl::IsDataLoss(reader.status()));
        REQUIRE(Contains(reader.status(), PathOf(7)));
        continue;
      }
      REQUIRE((*reader)->VerifyAll().size() == 1);
      cache::LeafGroup group;
      for (uint32_t i = 0; i < 5; ++i) {
        const bool hit = at >= ranges[i].first && at < ranges[i].second;
        REQUIRE((*reader)->VerifyBlock(i, group).ok() == !hit);
      }
    }
  }
}

TEST_CASE("segment: damage names file, offset, series and time range", "[segment]") {
  Damaged segment;
  Bytes bytes = segment.intact();
  const uint64_t offset = segment.RangeOf(2).first;
  bytes[offset + 30] ^= 4;
  const auto reader = *segment.Open(bytes);
  cache::LeafGroup group;
  const absl::Status status = reader->VerifyBlock(2, group);
  CHECK(absl::IsDataLoss(status));
  const auto& leaf = segment.content().leaves[2];
  for (const std::string& text : {PathOf(7), "offset " + std::to_string(offset),
                                  std::string("leaf 2"), std::string("17 records of series 4"),
                                  "from time 7 to " + std::to_string(leaf.timestamps.back())}) {
    CAPTURE(text, std::string(status.message()));
    CHECK(Contains(status, text));
  }
}

TEST_CASE("segment: cut at any length it does not open", "[segment]") {
  Damaged segment;
  for (size_t length = 0; length < segment.intact().size(); ++length) {
    CAPTURE(length);
    const Bytes& intact = segment.intact();
    const auto reader = segment.Open({intact.begin(), intact.begin() + static_cast<long>(length)});
    REQUIRE(absl::IsDataLoss(reader.status()));
  }
}

TEST_CASE("segment: grown it does not open", "[segment]") {
  Damaged segment;
  for (const size_t more : {1, 8, 144, 4096}) {
    Bytes bytes = segment.intact();
    bytes.resize(bytes.size() + more);
    CHECK(absl::IsDataLoss(segment.Open(bytes).status()));
    // Nor with its own footer put behind the growth.
    std::copy(segment.intact().end() - kSegmentFooterBytes, segment.intact().end(),
              bytes.end() - kSegmentFooterBytes);
    CHECK(absl::IsDataLoss(segment.Open(bytes).status()));
  }
}

TEST_CASE("segment: under another's number it does not open", "[segment]") {
  MemoryFileSystem files({kDirectory});
  REQUIRE(Write(&files, 7, SmallContent()).ok());
  REQUIRE(files.Rename(PathOf(7), PathOf(8)).ok());
  const absl::Status status = OpenSegment(&files, 8).status();
  CHECK(absl::IsDataLoss(status));
  CHECK(Contains(status, "offset 0: expected segment 8, the header says 7, the footer 7"));
  CHECK(absl::IsNotFound(OpenSegment(&files, 7).status()));
}

// Makes the checksums of header, sections and footer fit the bytes again, as whoever forges a file
// would, so that the checks behind them are reached.
void Reseal(Bytes* bytes) {
  const size_t footer = bytes->size() - kSegmentFooterBytes;
  PutFixed32(bytes->data() + 28, crc32c::Compute(std::span(*bytes).first(28)));
  for (size_t i = 0; i < SectionsOf(kPlainVersion); ++i) {
    uint8_t* entry = bytes->data() + footer + 24 * i;
    const uint64_t offset = GetFixed64(entry), length = GetFixed64(entry + 8);
    if (offset > bytes->size() || length > bytes->size() - offset) continue;
    PutFixed32(entry + 20, crc32c::Compute(std::span(*bytes).subspan(offset, length)));
  }
  PutFixed32(bytes->data() + footer + 132, crc32c::Compute(std::span(*bytes).subspan(footer, 132)));
}

// Everything a reader offers must be in bounds, whatever it says.
size_t TouchAll(const SegmentReader& reader) {
  size_t sum = reader.VerifyAll().size();
  for (uint32_t i = 0; i < reader.leaf_count(); ++i) {
    for (const uint8_t byte : reader.Block(i)) sum += byte;
    sum += reader.leaf(i).count;
  }
  for (auto cursor = reader.series_table(); cursor.Next();) {
    for (const char c : cursor.entry().labels) sum += static_cast<uint8_t>(c);
  }
  for (uint32_t i = 0; i < reader.summary().superseded; ++i) sum += reader.superseded(i).leaf;
  return sum;
}

TEST_CASE("segment: forged fields with fitting checksums stay in bounds", "[segment]") {
  Damaged segment;
  const uint64_t index = segment.RangeOf(4).second;
  size_t opened = 0, refused = 0, sum = 0;
  for (size_t at = 0; at < segment.intact().size(); ++at) {
    if (at >= kSegmentHeaderBytes && at < index) continue;  // leaves have the flip test
    for (const uint8_t value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      Bytes bytes = segment.intact();
      if (bytes[at] == value) continue;
      bytes[at] = value;
      Reseal(&bytes);
      const auto reader = segment.Open(bytes);
      reader.ok() ? ++opened : ++refused;
      if (reader.ok()) sum += TouchAll(**reader);
    }
  }
  CHECK(sum > 0);
  CHECK(opened > 0);  // labels, log sequence: nothing says what they ought to be
  CHECK(refused > 1000);
}

TEST_CASE("segment: forged footers are refused", "[segment]") {
  Damaged segment;
  const size_t footer = segment.intact().size() - kSegmentFooterBytes;
  // Offsets in the footer of each 8-byte field but the log sequence, and of the 4-byte ones.
  for (const size_t field : {0, 8, 24, 32, 48, 56, 72, 80, 88, 96, 112}) {
    for (const uint64_t value : {uint64_t{0}, uint64_t{8}, uint64_t{1} << 32, uint64_t{1} << 63,
                                 UINT64_MAX, UINT64_MAX - 7}) {
      CAPTURE(field, value);
      Bytes bytes = segment.intact();
      PutFixed64(bytes.data() + footer + field, value);
      Reseal(&bytes);
      REQUIRE(absl::IsDataLoss(segment.Open(bytes).status()));
    }
  }
  for (const size_t field : {16, 40, 64, 120, 124}) {
    for (const uint32_t value : {0u, 1u, UINT32_MAX, UINT32_MAX / 34}) {
      CAPTURE(field, value);
      Bytes bytes = segment.intact();
      PutFixed32(bytes.data() + footer + field, value);
      Reseal(&bytes);
      REQUIRE(absl::IsDataLoss(segment.Open(bytes).status()));
    }
  }
}

TEST_CASE("segment: a section that goes on beyond the file is not read", "[segment]") {
  // What lies beyond has the right checksum.
  const Bytes bytes(64, 5);
  SectionEntry section{.offset = 32, .length = 24, .entries = 1};
  section.crc = crc32c::Compute(std::span(bytes).subspan(32, 24));
  CHECK(WholeSection(bytes, section).has_value());
  CHECK(WholeSection(std::span(bytes).first(56), section).has_value());
  CHECK_FALSE(WholeSection(std::span(bytes).first(48), section).has_value());
  CHECK_FALSE(WholeSection(std::span(bytes).first(24), section).has_value());
  section.crc ^= 1;
  CHECK_FALSE(WholeSection(bytes, section).has_value());
}

TEST_CASE("segment: a leaf that ends where its block begins is refused", "[segment]") {
  Damaged segment;
  const SegmentFooter footer = *ParseFooter(segment.intact());
  const LeafIndexLayout layout(footer.summary.leaves);
  const uint64_t offsets = footer.sections[kLeafIndex].offset + layout.offset;
  Bytes bytes = segment.intact();
  const uint32_t begin = GetFixed32(bytes.data() + offsets + 4);
  PutFixed32(bytes.data() + offsets + 8, begin + kLeafPrefixBytes / 8);
  Reseal(&bytes);
  const absl::Status status = segment.Open(bytes).status();
  CHECK(absl::IsDataLoss(status));
  CHECK(Contains(status, "its block has no possible length"));
}

TEST_CASE("segment: a word of zeros after the last series is refused", "[segment]") {
  // With every length of what pads the table, none among them.
  for (size_t more = 0; more < 8; ++more) {
    CAPTURE(more);
    SegmentContent content = SmallContent();
    content.series.back().labels.append(more, 'x');
    MemoryFileSystem files({kDirectory});
    REQUIRE(Write(&files, 7, content).ok());
    Bytes bytes = files.Content(PathOf(7));
    const SegmentFooter footer = *ParseFooter(bytes);
    const SectionEntry& table = footer.sections[kSeriesTable];
    bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(table.offset + table.length), 8, 0);
    uint8_t* entries = bytes.data() + bytes.size() - kSegmentFooterBytes;
    PutFixed64(entries + 24 * kSeriesTable + 8, table.length + 8);
    PutFixed64(entries + 24 * kSuperseded, footer.sections[kSuperseded].offset + 8);
    PutFixed64(entries + 112, bytes.size());
    Reseal(&bytes);
    files.SetContent(PathOf(7), bytes);
    const absl::Status status = OpenSegment(&files, 7).status();
    CHECK(absl::IsDataLoss(status));
    CHECK(Contains(status, "there are bytes after the last one"));
  }
}

TEST_CASE("segment: a series that comes twice, or is numbered beyond 32 bits, is refused",
          "[segment]") {
  // The last one, which has no leaves that would have to be missed.
  const auto status_of = [](SeriesId last, auto forge) {
    SegmentContent content = SmallContent();
    content.series.push_back({last, "zz"});
    MemoryFileSystem files({kDirectory});
    REQUIRE(Write(&files, 7, content).ok());
    Bytes bytes = files.Content(PathOf(7));
    const std::string_view labels = "zz";
    // After the entry's step, a varint, and the labels' length.
    const auto at = std::search(bytes.begin(), bytes.end(), labels.begin(), labels.end());
    REQUIRE(at[-1] == labels.size());
    forge(&at[-2]);
    Reseal(&bytes);
    files.SetContent(PathOf(7), bytes);
    return OpenSegment(&files, 7).status();
  };
  CHECK(status_of(701, [](uint8_t* step) { REQUIRE(*step == 1); }).ok());
  const absl::Status twice = status_of(701, [](uint8_t* step) { *step = 0; });
  CHECK(absl::IsDataLoss(twice));
  CHECK(Contains(twice, "entry 3: it is cut short or out of order"));
  // Five bytes of seven bits, the lowest first.
  CHECK(status_of(UINT32_MAX - 1, [](uint8_t* step) { REQUIRE(*step == 0x0f); }).ok());
  const absl::Status beyond =
      status_of(UINT32_MAX - 1, [](uint8_t* step) { step[-4] = 0xff, step[-3] = 0xff; });
  CHECK(absl::IsDataLoss(beyond));
  CHECK(Contains(beyond, "entry 3: it is cut short or out of order"));
}

TEST_CASE("segment: a superseded leaf of the segment itself, or named twice, is refused",
          "[segment]") {
  Damaged segment;
  const SegmentFooter footer = *ParseFooter(segment.intact());
  const uint64_t list = footer.sections[kSuperseded].offset;
  REQUIRE(footer.summary.superseded == 2);
  struct Forged {
    uint64_t number;
    uint32_t leaf;
    bool refused;
  };
  // After leaf 9 of segment 1.
  for (const auto& [number, leaf, refused] :
       {Forged{6, 0, false}, Forged{7, 0, true}, Forged{1, 10, false}, Forged{1, 9, true}}) {
    CAPTURE(number, leaf);
    Bytes bytes = segment.intact();
    PutFixed64(bytes.data() + list + 8, number);
    PutFixed32(bytes.data() + list + 16 + 4, leaf);
    Reseal(&bytes);
    const absl::Status status = segment.Open(bytes).status();
    REQUIRE(absl::IsDataLoss(status) == refused);
    if (refused) CHECK(Contains(status, "offset " + std::to_string(list + 8) + ":"));
  }
}

TEST_CASE("segment: an unknown version is refused by name", "[segment]") {
  Damaged segment;
  for (const size_t at : {size_t{8}, segment.intact().size() - 16}) {
    Bytes bytes = segment.intact();
    PutFixed32(bytes.data() + at, 3);
    Reseal(&bytes);
    const absl::Status status = segment.Open(bytes).status();
    CHECK(absl::IsUnimplemented(status));
    CHECK(Contains(status, "version 3"));
  }
}

TEST_CASE("salvage: an intact segment gives everything", "[segment]") {
  Damaged segment;
  const Salvage salvage = segment.SalvageOf(segment.intact());
  CHECK(salvage.damaged.empty());
  REQUIRE(salvage.leaves.size() == 5);
  for (size_t i = 0; i < 5; ++i) {
    CHECK(salvage.leaves[i].entry.series == segment.content().leaves[i].series);
    CHECK(Bytes(salvage.leaves[i].block.begin(), salvage.leaves[i].block.end()) ==
          Encode(segment.content().leaves[i]));
  }
  REQUIRE(salvage.series);
  CHECK(salvage.series->size() == 3);
  CHECK(salvage.series->at(0).labels == "alpha");
  REQUIRE(salvage.superseded);
  CHECK(*salvage.superseded == segment.content().superseded);
}

TEST_CASE("salvage: whatever byte is damaged, all other leaves are had", "[segment]") {
  Damaged segment;
  for (size_t at = 0; at < segment.intact().size(); ++at) {
    CAPTURE(at);
    Bytes bytes = segment.intact();
    bytes[at] ^= 0xff;
    const Salvage salvage = segment.SalvageOf(bytes);
    std::vector<std::pair<uint64_t, uint64_t>> found;
    for (const auto& leaf : salvage.leaves) found.emplace_back(leaf.offset, leaf.block.size());
    size_t expected = 0;
    for (uint32_t i = 0; i < 5; ++i) {
      const auto [begin, end] = segment.RangeOf(i);
      if (at >= begin && at < end) continue;
      ++expected;
      const std::pair leaf(begin, end - begin - kLeafPrefixBytes);
      REQUIRE(std::find(found.begin(), found.end(), leaf) != found.end());
    }
    REQUIRE(found.size() == expected);
  }
}

TEST_CASE("salvage: cut at any length, the whole leaves before are had", "[segment]") {
  Damaged segment;
  const Bytes& intact = segment.intact();
  for (size_t length = 0; length < intact.size(); ++length) {
    CAPTURE(length);
    const Salvage salvage =
        segment.SalvageOf({intact.begin(), intact.begin() + static_cast<long>(length)});
    size_t whole = 0;
    for (uint32_t i = 0; i < 5; ++i) whole += segment.RangeOf(i).second <= length ? 1 : 0;
    REQUIRE(salvage.leaves.size() == whole);
    REQUIRE_FALSE(salvage.summary);
  }
}

TEST_CASE("salvage: what is salvaged makes a segment again", "[segment]") {
  Damaged segment;
  Bytes bytes = segment.intact();
  bytes[segment.RangeOf(1).first] ^= 1;
  const Salvage salvage = segment.SalvageOf(bytes);
  REQUIRE(salvage.damaged.size() == 1);
  CHECK(salvage.damaged[0].offset == segment.RangeOf(1).first);
  MemoryFileSystem files({kDirectory});
  auto builder = *SegmentBuilder::Create(&files, kDirectory, 8);
  for (const auto& series : *salvage.series) {
    REQUIRE(builder->AddSeries(series.id, series.labels).ok());
  }
  for (const auto& leaf : salvage.leaves) {
    REQUIRE(builder->AddLeaf(leaf.entry.series, leaf.block).ok());
  }
  for (const auto& leaf : *salvage.superseded) REQUIRE(builder->Supersede(leaf).ok());
  REQUIRE(builder->Finish(0).ok());
  SegmentContent expected = segment.content();
  expected.leaves.erase(expected.leaves.begin() + 1);
  CHECK(Read(**OpenSegment(&files, 8)) == expected);
}

TEST_CASE("segment: what changes under an open reader is found", "[segment]") {
  const Packing packing = GENERATE(Packing::kPlain, Packing::kWherePays);
  MemoryFileSystem files({kDirectory});
  REQUIRE(Write(&files, 7, PackableContent(), 0, packing).ok());
  const Bytes intact = files.Content(PathOf(7));
  const std::string path =
      (std::filesystem::temp_directory_path() / ("tsdb_" + std::to_string(::getpid()))).string();
  const auto put = [&](const Bytes& bytes) {
    // Over the bytes that are there: they are mapped.
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    if (!file.is_open()) file.open(path, std::ios::binary | std::ios::out);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
    REQUIRE(file.good());
  };
  put(intact);
  const auto reader = SegmentReader::Open(LocalFileSystem(), path, 7);
  REQUIRE(reader.ok());
  CHECK((*reader)->VerifyAll().empty());
  const size_t places[] = {12, intact.size() - kSegmentFooterBytes, intact.size() - 20,
                           kSegmentHeaderBytes + 20};
  for (const size_t at : places) {
    INFO(at);
    Bytes changed = intact;
    changed[at] ^= 1;
    put(changed);
    const auto damage = (*reader)->VerifyAll();
    CHECK_FALSE(damage.empty());
    for (const absl::Status& status : damage) {
      CHECK(absl::IsDataLoss(status));
      CHECK(status.message().find(path) != std::string::npos);
    }
    put(intact);
    CHECK((*reader)->VerifyAll().empty());
  }
  std::filesystem::remove(path);
}

TEST_CASE("segment: parts that end too early, and those that go on, are refused", "[segment]") {
  Bytes leaf(kLeafPrefixBytes);
  PutFixed32(leaf.data() + 4, 3);
  const Bytes block = Encode(SmallContent().leaves[0]);
  leaf.insert(leaf.end(), block.begin(), block.end());
  const auto seal = [&] { PutFixed32(leaf.data(), crc32c::Compute(std::span(leaf).subspan(4))); };
  seal();
  REQUIRE(CheckLeaf(leaf).ok());
  CHECK(absl::IsDataLoss(CheckLeaf(std::span(leaf).first(4)).status()));
  leaf.resize(leaf.size() + 8);
  seal();
  CHECK(absl::IsDataLoss(CheckLeaf(leaf).status()));

  SegmentFooter footer;
  footer.version = kPackedVersion;
  Bytes bytes;
  AppendFooter(footer, &bytes);
  REQUIRE(ParseFooter(bytes).ok());
  CHECK(absl::IsDataLoss(ParseFooter(std::span(bytes).last(kSegmentFooterBytes)).status()));
}

TEST_CASE("salvage: a file that is not there is not found", "[segment]") {
  MemoryFileSystem files({kDirectory});
  CHECK(absl::IsNotFound(SalvageSegment(&files, PathOf(7)).status()));
}

TEST_CASE("segment builder: leaves of a series that the table leaves out are refused",
          "[segment]") {
  MemoryFileSystem files({kDirectory});
  const SeriesId missing = GENERATE(0u, 2u, 4u);
  auto builder = SegmentBuilder::Create(&files, kDirectory, 7);
  REQUIRE(builder.ok());
  for (const SeriesId series : {1u, 3u}) REQUIRE((*builder)->AddSeries(series, "x").ok());
  REQUIRE((*builder)->AddLeaf(missing, Encode(MakeLeaf(missing, 0, 5))).ok());
  const absl::Status refused = (*builder)->Finish(0).status();
  CHECK(absl::IsFailedPrecondition(refused));
  CHECK(refused.message().find("series " + std::to_string(missing)) != std::string::npos);
}

}  // namespace
}  // namespace tsdb::segment
