#include "tsdb/durability/segment_store.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/status_macros.h"
#include "tsdb/durability/layout.h"

namespace tsdb::durability {
namespace {

constexpr char kDamagedSuffix[] = ".damaged";

segment::DatabaseIdentity RandomIdentity() {
  std::random_device random;
  segment::DatabaseIdentity identity;
  for (uint8_t& byte : identity) byte = static_cast<uint8_t>(random());
  return identity;
}

bool IsTemporary(const std::string& name) { return name.ends_with(segment::kTemporarySuffix); }

segment::LiveSegment LiveOf(const segment::SegmentSummary& summary) {
  return {summary.number, summary.bytes, summary.records, summary.time_first, summary.time_last};
}

}  // namespace

SegmentStore::~SegmentStore() = default;

absl::StatusOr<std::unique_ptr<SegmentStore>> SegmentStore::Open(FileSystem* files,
                                                                 const std::string& directory,
                                                                 cache::LeafCache* cache) {
  std::unique_ptr<SegmentStore> store(
      new SegmentStore(files, JoinPath(directory, kSegmentsName), cache));
  absl::StatusOr<std::unique_ptr<segment::Manifest>> manifest =
      segment::Manifest::Open(files, directory);
  if (absl::IsNotFound(manifest.status())) {
    // Made before the first segment is: segments without it have lost it.
    TSDB_ASSIGN_OR_RETURN(const std::vector<std::string> names, files->List(store->path_));
    for (const std::string& name : names) {
      if (!segment::ParseSegmentFileName(name).has_value()) continue;
      return absl::DataLossError(absl::StrCat(
          "opening '", directory, "': its manifest is missing, but there are segments; restore '",
          JoinPath(directory, segment::kManifestFileName), "' from a backup"));
    }
    manifest = segment::Manifest::Create(files, directory, RandomIdentity());
  }
  TSDB_RETURN_IF_ERROR(manifest.status());
  store->manifest_ = *std::move(manifest);
  store->next_number_ = store->state().next_file_number;
  TSDB_RETURN_IF_ERROR(store->RemoveGarbage());
  return store;
}

absl::StatusOr<std::unique_ptr<SegmentStore>> SegmentStore::OpenReadOnly(
    FileSystem* files, const std::string& directory, cache::LeafCache* cache) {
  std::unique_ptr<SegmentStore> store(
      new SegmentStore(files, JoinPath(directory, kSegmentsName), cache));
  TSDB_ASSIGN_OR_RETURN(segment::ManifestReplay replay, segment::Manifest::Read(files, directory));
  store->read_only_state_ = std::move(replay.state);
  return store;
}

absl::Status SegmentStore::RemoveGarbage() {
  TSDB_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_->List(path_));
  for (const std::string& name : names) {
    const std::optional<uint64_t> number = segment::ParseSegmentFileName(name);
    const bool garbage =
        number.has_value() ? !state().segments.contains(*number) : IsTemporary(name);
    if (garbage) TSDB_RETURN_IF_ERROR(files_->Remove(JoinPath(path_, name)));
  }
  return absl::OkStatus();
}

std::optional<uint64_t> SegmentStore::rest_number() const {
  if (!state().series_checkpoint.has_value()) return std::nullopt;
  return state().series_checkpoint->file;
}

std::string SegmentStore::PathOf(uint64_t number) const {
  return JoinPath(path_, segment::SegmentFileName(number));
}

absl::Status SegmentStore::AddOpen(uint64_t number,
                                   std::unique_ptr<segment::SegmentReader> reader) {
  TSDB_RETURN_IF_ERROR(reader->UseCache(cache_));
  Insert(number, std::move(reader));
  return absl::OkStatus();
}

void SegmentStore::Insert(uint64_t number, std::unique_ptr<segment::SegmentReader> reader) {
  by_address_[reader->leaves()] = number;
  leaf_bytes_ += reader->summary().bytes;
  OpenSegment& open = segments_[number];
  open.reader = std::move(reader);
  open.SetLive(std::vector<uint8_t>(open.reader->leaf_count(), 1));
}

void OpenSegment::SetLive(std::vector<uint8_t> by_leaf) {
  live = std::move(by_leaf);
  live_leaves = 0;
  live_bytes = 0;
  for (uint32_t i = 0; i < live.size(); ++i) {
    if (live[i] == 0) continue;
    ++live_leaves;
    live_bytes += reader->Block(i).size();
  }
}

LeafPlace SegmentStore::Locate(const uint8_t* block) const {
  auto at = by_address_.upper_bound(block);
  TSDB_CHECK(at != by_address_.begin());
  --at;
  const segment::SegmentReader& reader = *segments_.at(at->second).reader;
  const auto offset = static_cast<uint64_t>(block - at->first);
  // Blocks lie in the order of their leaves.
  uint32_t low = 0;
  uint32_t high = reader.leaf_count();
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    (reader.BlockOffset(middle) <= offset ? low : high) = middle;
  }
  TSDB_CHECK(low < reader.leaf_count() && reader.BlockOffset(low) == offset);
  return {at->second, low};
}

// Gives each file that was set aside a second name, before any edit: whoever opens the directory
// after it removes the names that it lacks. Returns those that need not be kept any more; without
// hard links a file is renamed after the edit.
absl::StatusOr<std::vector<uint64_t>> SegmentStore::KeepSetAside() {
  std::vector<uint64_t> kept;
  for (const uint64_t number : set_aside_) {
    const absl::Status linked = files_->Link(PathOf(number), PathOf(number) + kDamagedSuffix);
    // One that is missing cannot be kept; one kept before is.
    if (linked.ok() || absl::IsAlreadyExists(linked) || absl::IsNotFound(linked)) {
      kept.push_back(number);
    }
  }
  if (!kept.empty()) TSDB_RETURN_IF_ERROR(files_->SyncDirectory(path_));
  return kept;
}

absl::Status SegmentStore::Publish(const NewSegments& added) {
  std::vector<std::unique_ptr<segment::SegmentReader>> readers;
  segment::ManifestEdit edit;
  edit.SetNextFileNumber(next_number_);
  for (const segment::SegmentSummary& summary : added.leaves) {
    TSDB_ASSIGN_OR_RETURN(
        readers.emplace_back(),
        segment::SegmentReader::Open(files_, PathOf(summary.number), summary.number));
    TSDB_RETURN_IF_ERROR(readers.back()->UseCache(cache_));
    edit.AddSegment(LiveOf(summary));
  }
  edit.AddSegment(LiveOf(added.rest));
  // One that is not named any more only waits for its file to be removed: that failed before.
  const std::map<uint64_t, segment::LiveSegment>& named = manifest_->state().segments;
  std::set<uint64_t> removed(added.dead.begin(), added.dead.end());
  removed.insert(set_aside_.begin(), set_aside_.end());
  std::erase_if(removed, [&](uint64_t number) { return !named.contains(number); });
  if (const std::optional<uint64_t> rest = rest_number(); rest.has_value()) removed.insert(*rest);
  for (const uint64_t number : removed) edit.RemoveSegment(number);
  edit.TruncateLogBefore(added.log_sequence);
  edit.SetSeriesCheckpoint({added.rest.number, added.series});
  TSDB_ASSIGN_OR_RETURN(const std::vector<uint64_t> kept, KeepSetAside());
  TSDB_RETURN_IF_ERROR(manifest_->Apply(edit));
  for (const uint64_t number : kept) std::erase(set_aside_, number);
  for (std::unique_ptr<segment::SegmentReader>& reader : readers) {
    const uint64_t number = reader->summary().number;
    Insert(number, std::move(reader));
  }
  obsolete_.insert(obsolete_.end(), removed.begin(), removed.end());
  return absl::OkStatus();
}

size_t SegmentStore::leaf_segments() const {
  return static_cast<size_t>(
      std::count_if(segments_.begin(), segments_.end(),
                    [](const auto& open) { return open.second.reader->leaf_count() > 0; }));
}

void SegmentStore::Discard(const NewSegments& added) {
  // Whether the manifest's file names them is not known then.
  if (!manifest_->status().ok()) return;
  std::vector<segment::SegmentSummary> written = added.leaves;
  written.push_back(added.rest);
  for (const segment::SegmentSummary& summary : written) {
    // What stays, because it cannot be removed or was never there, opening the directory removes.
    if (summary.number != 0) files_->Remove(PathOf(summary.number)).IgnoreError();
  }
}

absl::Status SegmentStore::RemoveObsolete(tree::EpochDomain& epochs) {
  for (const uint64_t number : set_aside_) {
    std::erase(obsolete_, number);
    const absl::Status renamed = files_->Rename(PathOf(number), PathOf(number) + kDamagedSuffix);
    if (!renamed.ok() && !absl::IsNotFound(renamed)) return renamed;
  }
  set_aside_.clear();
  const uint64_t epoch = epochs.Advance();
  absl::Status status;  // the first failure: what cannot be removed does not hold the others up
  for (const uint64_t number : std::exchange(obsolete_, {})) {
    const absl::Status removed = files_->Remove(PathOf(number));
    if (!removed.ok() && !absl::IsNotFound(removed)) {
      obsolete_.push_back(number);
      status.Update(removed);
      continue;
    }
    const auto at = segments_.find(number);
    if (at == segments_.end()) continue;  // a rest segment, which is not mapped
    by_address_.erase(at->second.reader->leaves());
    leaf_bytes_ -= at->second.reader->summary().bytes;
    unmapping_.push_back({epoch, std::move(at->second.reader)});
    segments_.erase(at);
  }
  std::erase_if(unmapping_, [&](const Unmapping& unmapping) {
    return epochs.AllReadersAfter(unmapping.epoch);
  });
  status.Update(files_->SyncDirectory(path_));
  return status;
}

}  // namespace tsdb::durability
