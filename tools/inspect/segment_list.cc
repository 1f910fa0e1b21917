#include "tools/inspect/segment_list.h"

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "storage/base/status_macros.h"
#include "storage/segment/manifest.h"
#include "storage/segment/segment_format.h"
#include "storage/segment/segment_reader.h"
#include "tsdb/durability/layout.h"

namespace tsdb::tools {
namespace {

using segment::SegmentReader;

// Tries, each overtaken by a writer's checkpoint, before giving up.
constexpr int kTriesMax = 8;

// Counts what the index says.
void ReadIndex(const SegmentReader& reader, const std::set<uint32_t>& dead, ListedSegment& listed) {
  listed.packed = reader.packed();
  listed.leaves = reader.leaf_count();
  listed.labelled_series = reader.summary().series;
  listed.leaf_bytes = reader.leaf_bytes();
  const auto footer =
      segment::ParseFooter(reader.file().bytes().subspan(segment::kSegmentHeaderBytes));
  if (footer.ok()) {  // as it was when the reader was opened
    listed.leaf_file_bytes =
        footer->sections[segment::kLeafIndex].offset - segment::kSegmentHeaderBytes;
  }
  for (uint32_t i = 0; i < reader.leaf_count(); ++i) {
    const segment::LeafEntry leaf = reader.leaf(i);
    listed.series += i == 0 || leaf.series != reader.leaf(i - 1).series;
    if (!dead.contains(i)) continue;
    ++listed.dead_leaves;
    listed.dead_samples += leaf.count;
  }
}

// NotFound if a segment is gone, unless `missing_too`.
absl::StatusOr<SegmentList> ListOnce(FileSystem* files, const std::string& directory,
                                     bool missing_too) {
  TSDB_ASSIGN_OR_RETURN(const segment::ManifestReplay manifest,
                        segment::Manifest::Read(files, directory));
  const segment::ManifestState& state = manifest.state;
  const std::string folder = JoinPath(directory, durability::kSegmentsName);
  std::map<uint64_t, absl::StatusOr<std::unique_ptr<SegmentReader>>> readers;
  for (const auto& [number, live] : state.segments) {
    auto reader =
        SegmentReader::Open(files, JoinPath(folder, segment::SegmentFileName(number)), number);
    if (absl::IsNotFound(reader.status()) && !missing_too) return reader.status();
    readers.emplace(number, std::move(reader));
  }
  SegmentList list;
  std::map<uint64_t, std::set<uint32_t>> dead;
  const uint64_t rest = state.series_checkpoint ? state.series_checkpoint->file : 0;
  if (const auto found = readers.find(rest); found != readers.end() && found->second.ok()) {
    const SegmentReader& reader = **found->second;
    for (uint32_t i = 0; i < reader.summary().superseded; ++i) {
      dead[reader.superseded(i).segment].insert(reader.superseded(i).leaf);
    }
  } else {
    list.dead_known = state.segments.empty();
  }
  for (const auto& [number, live] : state.segments) {
    ListedSegment listed;
    listed.number = number;
    listed.bytes = live.bytes;
    listed.samples = live.records;
    listed.first = live.time_first;
    listed.last = live.time_last;
    listed.rest = state.series_checkpoint && number == rest;
    const auto& reader = readers.at(number);
    listed.status = reader.status();
    if (reader.ok()) ReadIndex(**reader, dead[number], listed);
    list.segments.push_back(std::move(listed));
  }
  return list;
}

}  // namespace

absl::StatusOr<SegmentList> ListSegments(FileSystem* files, const std::string& directory) {
  auto list = ListOnce(files, directory, /*missing_too=*/false);
  for (int tried = 1; tried <= kTriesMax && absl::IsNotFound(list.status()); ++tried) {
    list = ListOnce(files, directory, /*missing_too=*/tried == kTriesMax);
  }
  return list;
}

}  // namespace tsdb::tools
