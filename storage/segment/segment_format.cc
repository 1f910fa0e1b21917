#include "storage/segment/segment_format.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/base/crc32c.h"
#include "storage/base/string_view_bridge.h"

namespace tsdb::segment {
namespace {

constexpr std::string_view kHeaderMagic = "tsdbsegm";
constexpr std::string_view kFooterMagic = "tsdbsegf";
constexpr std::string_view kSuffix = ".segment";
constexpr size_t kNumberDigits = 10;
constexpr size_t kHeaderCrcAt = 28;
// From the footer's end.
constexpr size_t kFooterVersionAt = 16;
constexpr size_t kFooterCrcAt = 12;
constexpr size_t kFooterMagicAt = 8;

void AppendText(std::string_view text, std::vector<uint8_t>* to) {
  to->insert(to->end(), text.begin(), text.end());
}

bool HasText(std::span<const uint8_t> bytes, size_t at, std::string_view text) {
  return std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

absl::Status CheckVersion(uint32_t version) {
  if (version == kPlainVersion || version == kPackedVersion) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("segment format version ", version,
                                               " is unknown; this program reads versions up to ",
                                               kPackedVersion, ", a newer one wrote the file"));
}

}  // namespace

std::string SegmentFileName(uint64_t number) {
  const std::string digits = std::to_string(number);
  const size_t zeros = kNumberDigits - std::min(kNumberDigits, digits.size());
  return absl::StrCat(std::string(zeros, '0'), digits, ToAbsl(kSuffix));
}

std::optional<uint64_t> ParseSegmentFileName(std::string_view name) {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  const std::string_view digits = name.substr(0, name.size() - kSuffix.size());
  uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  // One name a number; where there is none, or more than it, the names differ, too.
  if (SegmentFileName(number) != name) return std::nullopt;
  return number;
}

void AppendHeader(const SegmentHeader& header, std::vector<uint8_t>* to) {
  const size_t start = to->size();
  AppendText(kHeaderMagic, to);
  AppendFixed32(to, header.version);
  AppendFixed32(to, 0);
  AppendFixed64(to, header.number);
  AppendFixed32(to, 0);
  AppendFixed32(to, crc32c::Compute(std::span(*to).subspan(start)));
  TSDB_CHECK(to->size() - start == kSegmentHeaderBytes);
}

absl::StatusOr<SegmentHeader> ParseHeader(std::span<const uint8_t> bytes) {
  TSDB_CHECK(bytes.size() == kSegmentHeaderBytes);
  if (!HasText(bytes, 0, kHeaderMagic)) {
    return absl::DataLossError("offset 0: the magic number of a segment is not there");
  }
  if (crc32c::Compute(bytes.first(kHeaderCrcAt)) != GetFixed32(bytes.data() + kHeaderCrcAt)) {
    return absl::DataLossError("offset 0: the header's checksum does not match");
  }
  if (absl::Status status = CheckVersion(GetFixed32(bytes.data() + 8)); !status.ok()) return status;
  if (GetFixed32(bytes.data() + 12) != 0 || GetFixed32(bytes.data() + 24) != 0) {
    return absl::DataLossError("offset 12: reserved fields of the header are not zero");
  }
  return SegmentHeader{GetFixed64(bytes.data() + 16), GetFixed32(bytes.data() + 8)};
}

void AppendFooter(const SegmentFooter& footer, std::vector<uint8_t>* to) {
  const size_t start = to->size();
  for (size_t i = 0; i < SectionsOf(footer.version); ++i) {
    const SectionEntry& section = footer.sections[i];
    AppendFixed64(to, section.offset);
    AppendFixed64(to, section.length);
    AppendFixed32(to, section.entries);
    AppendFixed32(to, section.crc);
  }
  const SegmentSummary& summary = footer.summary;
  AppendFixed64(to, summary.number);
  AppendFixed64(to, summary.records);
  AppendFixed64(to, static_cast<uint64_t>(summary.time_first));
  AppendFixed64(to, static_cast<uint64_t>(summary.time_last));
  AppendFixed64(to, summary.log_sequence);
  AppendFixed64(to, summary.bytes);
  AppendFixed32(to, summary.series_first);
  AppendFixed32(to, summary.series_last);
  AppendFixed32(to, footer.version);
  AppendFixed32(to, crc32c::Compute(std::span(*to).subspan(start)));
  AppendText(kFooterMagic, to);
  TSDB_CHECK(to->size() - start == FooterBytes(footer.version));
}

absl::StatusOr<SegmentFooter> ParseFooter(std::span<const uint8_t> bytes) {
  TSDB_CHECK(bytes.size() >= kSegmentFooterBytes);
  if (!HasText(bytes, bytes.size() - kFooterMagicAt, kFooterMagic)) {
    return absl::DataLossError("no footer ends the file: it was cut short or overwritten");
  }
  // The version first: it tells the length. One that was hit fails the checksum of either.
  SegmentFooter footer;
  const uint32_t version = GetFixed32(bytes.data() + bytes.size() - kFooterVersionAt);
  const size_t length = FooterBytes(version);
  if (bytes.size() < length) return absl::DataLossError("the footer is cut short");
  bytes = bytes.last(length);
  if (crc32c::Compute(bytes.first(length - kFooterCrcAt)) !=
      GetFixed32(bytes.data() + length - kFooterCrcAt)) {
    return absl::DataLossError("the footer's checksum does not match");
  }
  if (absl::Status status = CheckVersion(version); !status.ok()) return status;
  footer.version = version;
  const uint8_t* from = bytes.data();
  for (size_t i = 0; i < SectionsOf(version); ++i) {
    footer.sections[i] = {GetFixed64(from), GetFixed64(from + 8), GetFixed32(from + 16),
                          GetFixed32(from + 20)};
    from += 24;
  }
  SegmentSummary& summary = footer.summary;
  summary.number = GetFixed64(from);
  summary.records = GetFixed64(from + 8);
  summary.time_first = static_cast<Timestamp>(GetFixed64(from + 16));
  summary.time_last = static_cast<Timestamp>(GetFixed64(from + 24));
  summary.log_sequence = GetFixed64(from + 32);
  summary.bytes = GetFixed64(from + 40);
  summary.series_first = GetFixed32(from + 48);
  summary.series_last = GetFixed32(from + 52);
  summary.leaves = footer.sections[kLeafIndex].entries;
  summary.series = footer.sections[kSeriesTable].entries;
  summary.superseded = footer.sections[kSuperseded].entries;
  return footer;
}

std::optional<std::span<const uint8_t>> WholeSection(std::span<const uint8_t> file,
                                                     const SectionEntry& section) {
  if (section.offset > file.size() || section.length > file.size() - section.offset) {
    return std::nullopt;
  }
  const std::span<const uint8_t> bytes = file.subspan(section.offset, section.length);
  if (crc32c::Compute(bytes) != section.crc) return std::nullopt;
  return bytes;
}

absl::StatusOr<codec::BlockStatistics> CheckLeaf(std::span<const uint8_t> leaf) {
  if (leaf.size() < kLeafPrefixBytes) return absl::DataLossError("it is cut short");
  if (crc32c::Compute(leaf.subspan(4)) != GetFixed32(leaf.data())) {
    return absl::DataLossError("its checksum does not match");
  }
  const std::span<const uint8_t> block = leaf.subspan(kLeafPrefixBytes);
  absl::StatusOr<codec::BlockView> view = codec::BlockView::Parse(block);
  if (!view.ok()) return view.status();
  if (view->bytes() != block.size()) {
    return absl::DataLossError("its block does not fill its place");
  }
  Timestamp timestamps[codec::kBlockSamplesMax];
  view->DecodeTimestamps(timestamps);
  const uint32_t count = view->count();
  bool increasing = true;  // without a branch a sample: it vectorises
  for (uint32_t i = 1; i < count; ++i) increasing &= timestamps[i] > timestamps[i - 1];
  if (!increasing) return absl::DataLossError("its timestamps do not increase");
  const codec::BlockStatistics statistics = view->Statistics();
  if (statistics.time_first != timestamps[0] || statistics.time_last != timestamps[count - 1]) {
    return absl::DataLossError("its statistics do not match its timestamps");
  }
  return statistics;
}

}  // namespace tsdb::segment
