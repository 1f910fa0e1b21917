#include "storage/segment/segment_builder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/base/crc32c.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "storage/cache/leaf_cache.h"
#include "storage/cache/leaf_group.h"
#include "storage/codec/block.h"

namespace tsdb::segment {
namespace {

// Large enough that a write costs no more than its bytes, small beside a flush's other memory.
constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr size_t kBufferBytesMax = 8 * kBufferBytes;

// Of ten bytes of leaves, those that a packed segment may take: unpacking costs a read of memory.
constexpr uint64_t kWorthOfTen = 9;

void PadTo8(std::vector<uint8_t>* bytes) { bytes->resize(PaddedTo8(bytes->size())); }

}  // namespace

absl::StatusOr<std::unique_ptr<SegmentBuilder>> SegmentBuilder::Create(FileSystem* files,
                                                                       const std::string& directory,
                                                                       uint64_t number,
                                                                       Packing packing) {
  const std::string path = JoinPath(directory, SegmentFileName(number));
  const absl::StatusOr<uint64_t> size = files->FileSize(path);
  if (size.ok()) {
    return absl::AlreadyExistsError(
        absl::StrCat("cannot write segment ", number, ": '", path,
                     "' exists; if no manifest names it, it can be removed"));
  }
  if (!absl::IsNotFound(size.status())) return size.status();
  TSDB_ASSIGN_OR_RETURN(
      std::unique_ptr<WritableFile> file,
      files->Create(absl::StrCat(path, ToAbsl(kTemporarySuffix)), CreateMode::kTruncate));
  return std::unique_ptr<SegmentBuilder>(
      new SegmentBuilder(files, directory, number, std::move(file), packing));
}

SegmentBuilder::SegmentBuilder(FileSystem* files, std::string directory, uint64_t number,
                               std::unique_ptr<WritableFile> file, Packing packing)
    : files_(files),
      directory_(std::move(directory)),
      number_(number),
      final_path_(JoinPath(directory_, SegmentFileName(number))),
      temporary_path_(absl::StrCat(final_path_, ToAbsl(kTemporarySuffix))),
      file_(std::move(file)),
      form_(packing == Packing::kPlain ? Form::kPlain : Form::kUndecided) {
  buffer_.reserve(kBufferBytes + kBufferBytes / 16);
  AppendHeader({number, kPlainVersion}, &buffer_);
}

SegmentBuilder::~SegmentBuilder() {
  file_.reset();
  // What cannot be removed stays as a temporary file, which nobody reads.
  if (temporary_exists_) (void)files_->Remove(temporary_path_);
}

absl::Status SegmentBuilder::Refuse(std::string_view what, SeriesId series) const {
  return absl::InvalidArgumentError(absl::StrCat("segment ", number_, ", leaf ", leaf_count(),
                                                 ", series ", series, ": ", ToAbsl(what)));
}

absl::Status SegmentBuilder::CheckLeaf(SeriesId series, std::span<const uint8_t> block) const {
  if (!series_.empty() && series < series_.back()) {
    return Refuse("its series is below the one before it", series);
  }
  const absl::StatusOr<codec::BlockView> view = codec::BlockView::Parse(block);
  if (!view.ok()) return Refuse(ToStd(view.status().message()), series);
  if (view->bytes() != block.size()) return Refuse("there are bytes after the block", series);
  const codec::BlockStatistics statistics = view->Statistics();
  if (!CanIncrease(statistics.time_first, statistics.time_last, statistics.count)) {
    return Refuse("its timestamps do not increase", series);
  }
  if (!series_.empty() && series == series_.back() && statistics.time_first <= last_.back()) {
    return Refuse("it begins before the leaf before it ends", series);
  }
  if (bytes() + block.size() + kLeafPrefixBytes + kLeafIndexBytesPerLeaf > kSegmentBytesLimit) {
    return Refuse("the file would pass the format's limit; go on in another segment", series);
  }
  if (form_ == Form::kPlain) return absl::OkStatus();
  if (kLeafPrefixBytes + block.size() > cache::kGroupBytes) {
    return Refuse("its block is larger than a group of a packed segment", series);
  }
  if (!TakesMore()) {
    return Refuse("a packed segment holds no more groups; go on in another segment", series);
  }
  return absl::OkStatus();
}

bool SegmentBuilder::TakesMore() const {
  if (form_ == Form::kPacked) return frame_used_.size() + 1 < cache::PackedImage::kGroupsMax;
  return bytes() + cache::kGroupBytes <= kSegmentBytesLimit;
}

absl::Status SegmentBuilder::AddLeaf(SeriesId series, std::span<const uint8_t> block) {
  TSDB_RETURN_IF_ERROR(error_);
  TSDB_RETURN_IF_ERROR(CheckLeaf(series, block));
  const codec::BlockStatistics statistics = codec::BlockView::Trusted(block.data()).Statistics();
  series_.push_back(series);
  first_.push_back(statistics.time_first);
  last_.push_back(statistics.time_last);
  count_.push_back(static_cast<uint16_t>(statistics.count));
  records_ += statistics.count;

  leaf_.clear();
  AppendFixed32(&leaf_, 0);
  AppendFixed32(&leaf_, series);
  leaf_.insert(leaf_.end(), block.begin(), block.end());
  PutFixed32(leaf_.data(), crc32c::Compute(std::span(leaf_).subspan(4)));
  leaf_bytes_ += leaf_.size();
  Place(leaf_);
  if (buffer_.size() < kBufferBytes) return absl::OkStatus();
  if (form_ == Form::kUndecided) Decide(/*all=*/false);
  return buffer_.size() < kBufferBytesMax ? absl::OkStatus() : WriteBuffer();
}

absl::Status SegmentBuilder::WriteGathered() {
  TSDB_RETURN_IF_ERROR(error_);
  return buffer_.size() < kBufferBytes || form_ == Form::kUndecided ? absl::OkStatus()
                                                                    : WriteBuffer();
}

void SegmentBuilder::Place(std::span<const uint8_t> leaf) {
  if (form_ != Form::kPacked) {
    offset_.push_back(static_cast<uint32_t>((written_ + buffer_.size() + kLeafPrefixBytes) / 8));
    buffer_.insert(buffer_.end(), leaf.begin(), leaf.end());
    return;
  }
  if (group_.size() + leaf.size() > cache::kGroupBytes) FlushGroup();
  const uint64_t group_begin = uint64_t{frame_used_.size()} << cache::kGroupBits;
  offset_.push_back(static_cast<uint32_t>((group_begin + group_.size() + kLeafPrefixBytes) / 8));
  group_.insert(group_.end(), leaf.begin(), leaf.end());
}

void SegmentBuilder::FlushGroup() {
  if (group_.empty()) return;
  frame_offset_.push_back(static_cast<uint32_t>((written_ + buffer_.size()) / 8));
  frame_used_.push_back(static_cast<uint32_t>(group_.size()));
  cache::AppendFrame(group_, &buffer_);
  group_.clear();
}

void SegmentBuilder::Decide(bool all) {
  std::vector<uint8_t> plain = std::exchange(buffer_, {});
  std::vector<uint32_t> plain_offset = std::exchange(offset_, {});
  form_ = Form::kPacked;
  buffer_.reserve(kBufferBytes + 2 * cache::kGroupBytes);
  AppendHeader({number_, kPackedVersion}, &buffer_);
  for (size_t i = 0; i < plain_offset.size(); ++i) {
    const size_t begin = size_t{8} * plain_offset[i] - kLeafPrefixBytes;
    const size_t end = i + 1 < plain_offset.size()
                           ? size_t{8} * plain_offset[i + 1] - kLeafPrefixBytes
                           : plain.size();
    Place(std::span(plain).subspan(begin, end - begin));
  }
  if (all) FlushGroup();
  const uint64_t of = plain.size() - kSegmentHeaderBytes - group_.size();
  if (of > 0 && 10 * (buffer_.size() - kSegmentHeaderBytes) <= kWorthOfTen * of) return;
  form_ = Form::kPlain;
  buffer_ = std::move(plain);
  offset_ = std::move(plain_offset);
  group_ = {};
  frame_offset_ = {};
  frame_used_ = {};
}

absl::Status SegmentBuilder::AddSeries(SeriesId series, std::string_view labels) {
  TSDB_RETURN_IF_ERROR(error_);
  if (!table_ids_.empty() && series <= table_ids_.back()) {
    return Refuse("a series was added out of order", series);
  }
  if (labels.size() > UINT32_MAX) return Refuse("its labels are over 4 GiB", series);
  AppendVarint64(&table_, table_ids_.empty() ? series : series - table_ids_.back());
  AppendVarint64(&table_, labels.size());
  table_.insert(table_.end(), labels.begin(), labels.end());
  table_ids_.push_back(series);
  return absl::OkStatus();
}

void SegmentBuilder::ReserveSeries(uint64_t count, uint64_t label_bytes) {
  table_.reserve(label_bytes);
  table_ids_.reserve(count);
}

absl::Status SegmentBuilder::Supersede(LeafReference leaf) {
  TSDB_RETURN_IF_ERROR(error_);
  if (leaf.segment >= number_) {
    return absl::InvalidArgumentError(absl::StrCat("segment ", number_,
                                                   " cannot supersede a leaf of segment ",
                                                   leaf.segment, ", which is not older"));
  }
  superseded_.push_back(leaf);
  return absl::OkStatus();
}

uint64_t SegmentBuilder::bytes() const {
  return written_ + buffer_.size() + LeafIndexLayout(series_.size()).bytes +
         PaddedTo8(table_.size()) + PaddedTo8(kSupersededBytesPerLeaf * superseded_.size()) +
         (group_.empty() ? 0 : cache::kFramePrefixBytes + PaddedTo8(group_.size())) +
         (form_ == Form::kPacked ? FrameTableLayout(frame_used_.size() + 1).bytes : 0) +
         FooterBytes(form_ == Form::kPlain ? kPlainVersion : kPackedVersion);
}

absl::Status SegmentBuilder::WriteBuffer() {
  error_ = file_->Append(buffer_);
  written_ += buffer_.size();
  buffer_.clear();
  return error_;
}

std::vector<uint8_t> SegmentBuilder::EncodeLeafIndex() const {
  const LeafIndexLayout layout(series_.size());
  std::vector<uint8_t> bytes(layout.bytes);
  for (size_t i = 0; i < series_.size(); ++i) {
    PutFixed32(&bytes[4 * i], series_[i]);
    PutFixed64(&bytes[layout.first + 8 * i], static_cast<uint64_t>(first_[i]));
    PutFixed64(&bytes[layout.last + 8 * i], static_cast<uint64_t>(last_[i]));
    PutFixed32(&bytes[layout.offset + 4 * i], offset_[i]);
    bytes[layout.count + 2 * i] = static_cast<uint8_t>(count_[i]);
    bytes[layout.count + 2 * i + 1] = static_cast<uint8_t>(count_[i] >> 8);
  }
  return bytes;
}

std::vector<uint8_t> SegmentBuilder::EncodeSuperseded() const {
  std::vector<uint8_t> bytes;
  bytes.reserve(PaddedTo8(kSupersededBytesPerLeaf * superseded_.size()));
  for (const LeafReference& leaf : superseded_) AppendFixed64(&bytes, leaf.segment);
  for (const LeafReference& leaf : superseded_) AppendFixed32(&bytes, leaf.leaf);
  PadTo8(&bytes);
  return bytes;
}

std::vector<uint8_t> SegmentBuilder::EncodeFrameTable() const {
  const FrameTableLayout layout(frame_used_.size());
  std::vector<uint8_t> bytes(layout.bytes);
  for (size_t i = 0; i < frame_used_.size(); ++i) {
    PutFixed32(&bytes[4 * i], frame_offset_[i]);
    PutFixed32(&bytes[layout.used + 4 * i], frame_used_[i]);
  }
  return bytes;
}

absl::Status SegmentBuilder::WriteSection(Section which, uint32_t entries,
                                          std::vector<uint8_t> section, SegmentFooter* footer) {
  footer->sections[which] = {written_ + buffer_.size(), section.size(), entries,
                             crc32c::Compute(section)};
  if (section.size() < kBufferBytes) {
    buffer_.insert(buffer_.end(), section.begin(), section.end());
    return WriteBuffer();
  }
  // Not through the buffer: of ten million series the labels alone take more than a gigabyte.
  TSDB_RETURN_IF_ERROR(WriteBuffer());
  error_ = file_->Append(section);
  written_ += section.size();
  return error_;
}

absl::Status SegmentBuilder::WriteRest(uint64_t log_sequence, SegmentFooter* footer) {
  std::sort(superseded_.begin(), superseded_.end());
  superseded_.erase(std::unique(superseded_.begin(), superseded_.end()), superseded_.end());
  PadTo8(&table_);
  if (form_ == Form::kUndecided) Decide(/*all=*/true);
  FlushGroup();
  footer->version = form_ == Form::kPacked ? kPackedVersion : kPlainVersion;

  TSDB_RETURN_IF_ERROR(WriteSection(kLeafIndex, leaf_count(), EncodeLeafIndex(), footer));
  TSDB_RETURN_IF_ERROR(WriteSection(kSeriesTable, static_cast<uint32_t>(table_ids_.size()),
                                    std::move(table_), footer));
  TSDB_RETURN_IF_ERROR(WriteSection(kSuperseded, static_cast<uint32_t>(superseded_.size()),
                                    EncodeSuperseded(), footer));
  if (form_ == Form::kPacked) {
    TSDB_RETURN_IF_ERROR(WriteSection(kFrames, static_cast<uint32_t>(frame_used_.size()),
                                      EncodeFrameTable(), footer));
  }
  SegmentSummary& summary = footer->summary;
  summary.number = number_;
  summary.bytes = written_ + FooterBytes(footer->version);
  summary.records = records_;
  summary.leaves = leaf_count();
  summary.series = static_cast<uint32_t>(table_ids_.size());
  summary.superseded = static_cast<uint32_t>(superseded_.size());
  summary.log_sequence = log_sequence;
  if (!series_.empty()) {
    summary.time_first = *std::min_element(first_.begin(), first_.end());
    summary.time_last = *std::max_element(last_.begin(), last_.end());
    summary.series_first = series_.front();
    summary.series_last = series_.back();
  }
  AppendFooter(*footer, &buffer_);
  return WriteBuffer();
}

absl::Status SegmentBuilder::Publish() {
  TSDB_RETURN_IF_ERROR(file_->Sync());
  TSDB_RETURN_IF_ERROR(std::exchange(file_, nullptr)->Close());
  TSDB_RETURN_IF_ERROR(files_->Rename(temporary_path_, final_path_));
  temporary_exists_ = false;
  absl::Status synced = files_->SyncDirectory(directory_);
  if (synced.ok()) return synced;
  // Whether the name survives a power loss is unknown now; so that nobody takes it for granted:
  const absl::Status removed = files_->Remove(final_path_);
  if (removed.ok()) return synced;
  return absl::Status(synced.code(),
                      absl::StrCat(synced.message(), "; and then: ", removed.message()));
}

absl::Status SegmentBuilder::CheckSeriesComplete() const {
  size_t at = 0;
  for (const SeriesId series : series_) {
    while (at < table_ids_.size() && table_ids_[at] < series) ++at;
    if (at == table_ids_.size() || table_ids_[at] != series) {
      return absl::FailedPreconditionError(absl::StrCat(
          "segment ", number_, ": there are leaves of series ", series, " but not its labels"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<SegmentSummary> SegmentBuilder::Finish(uint64_t log_sequence) {
  TSDB_RETURN_IF_ERROR(error_);
  TSDB_CHECK(file_ != nullptr);
  TSDB_RETURN_IF_ERROR(CheckSeriesComplete());
  SegmentFooter footer;
  error_ = WriteRest(log_sequence, &footer);
  if (error_.ok()) error_ = Publish();
  TSDB_RETURN_IF_ERROR(error_);
  error_ = absl::FailedPreconditionError(absl::StrCat("segment ", number_, " is finished"));
  return footer.summary;
}

}  // namespace tsdb::segment
