#include "test/storage/segment/segments.h"

#include <stdexcept>

#include "storage/base/status_macros.h"
#include "storage/codec/block.h"

namespace tsdb::segment {

LeafContent MakeLeaf(SeriesId series, Timestamp first, uint32_t count) {
  LeafContent leaf{series, {}, {}};
  for (uint32_t i = 0; i < count; ++i) {
    leaf.timestamps.push_back(first + Timestamp{i} * 1000 + Timestamp{i * 5 % 7});
    leaf.values.push_back((series * 100 + i * 37 % 11) / 4.0);
  }
  return leaf;
}

std::vector<uint8_t> Encode(const LeafContent& leaf) {
  std::vector<uint8_t> bytes(codec::EncodedBytesMax(leaf.timestamps.size()));
  codec::EncodeHint hint;
  bytes.resize(codec::EncodeBlock(leaf.timestamps.data(), leaf.values.data(),
                                  leaf.timestamps.size(), hint, bytes.data()));
  return bytes;
}

SegmentContent SmallContent() {
  SegmentContent content;
  content.series = {{3, "alpha"}, {4, ""}, {700, std::string(200, 'x')}};
  content.leaves = {MakeLeaf(3, -5000, 40), MakeLeaf(3, 100'000, 1), MakeLeaf(4, 7, 17),
                    MakeLeaf(700, 1'700'000'000'000, 33), MakeLeaf(700, 1'700'000'100'000, 2)};
  content.superseded = {{1, 9}, {4, 0}};
  return content;
}

SegmentContent LargeContent(uint32_t leaves) {
  SegmentContent content;
  for (uint32_t i = 0; i < leaves; ++i) {
    const SeriesId series = i / 8;
    if (i % 8 == 0) content.series.push_back({series, "series " + std::to_string(series)});
    content.leaves.push_back(MakeLeaf(series, Timestamp{i} * 1'000'000, 512));
  }
  return content;
}

SegmentContent PackableContent() {
  SegmentContent content = LargeContent(70);
  content.superseded = {{1, 9}, {4, 0}};
  return content;
}

std::unique_ptr<cache::LeafCache> SmallCache() {
  auto epoch = std::make_shared<uint64_t>(0);
  return std::make_unique<cache::LeafCache>(
      cache::ReaderGrace{[epoch] { return (*epoch)++; }, [](uint64_t) { return true; }},
      [] { return uint64_t{0}; });
}

absl::StatusOr<SegmentSummary> Write(FileSystem* files, uint64_t number,
                                     const SegmentContent& content, uint64_t log_sequence,
                                     Packing packing) {
  TSDB_ASSIGN_OR_RETURN(auto builder, SegmentBuilder::Create(files, kDirectory, number, packing));
  for (const SeriesContent& series : content.series) {
    TSDB_RETURN_IF_ERROR(builder->AddSeries(series.id, series.labels));
  }
  for (const LeafContent& leaf : content.leaves) {
    TSDB_RETURN_IF_ERROR(builder->AddLeaf(leaf.series, Encode(leaf)));
  }
  for (const LeafReference& leaf : content.superseded) {
    TSDB_RETURN_IF_ERROR(builder->Supersede(leaf));
  }
  return builder->Finish(log_sequence);
}

SegmentContent Read(const SegmentReader& reader) {
  SegmentContent content;
  for (auto cursor = reader.series_table(); cursor.Next();) {
    content.series.push_back({cursor.entry().id, std::string(cursor.entry().labels)});
  }
  cache::LeafGroup group;
  for (uint32_t i = 0; i < reader.leaf_count(); ++i) {
    const absl::Status status = reader.VerifyBlock(i, group);
    if (!status.ok()) throw std::runtime_error(std::string(status.message()));
    const LeafEntry entry = reader.leaf(i);
    const auto view = codec::BlockView::Trusted(reader.ReadBlock(i, group).data());
    LeafContent leaf{entry.series, std::vector<Timestamp>(codec::kBlockSamplesMax),
                     std::vector<double>(codec::kBlockSamplesMax)};
    view.DecodeTimestamps(leaf.timestamps.data());
    view.DecodeValues(leaf.values.data());
    leaf.timestamps.resize(entry.count);
    leaf.values.resize(entry.count);
    content.leaves.push_back(std::move(leaf));
  }
  for (uint32_t i = 0; i < reader.summary().superseded; ++i) {
    content.superseded.push_back(reader.superseded(i));
  }
  return content;
}

std::string PathOf(uint64_t number) { return JoinPath(kDirectory, SegmentFileName(number)); }

absl::StatusOr<std::unique_ptr<SegmentReader>> OpenSegment(FileSystem* files, uint64_t number) {
  return SegmentReader::Open(files, PathOf(number), number);
}

}  // namespace tsdb::segment
