// The segments of a database and the manifest that says which they are.
//
//   leaf segments   encoded leaves, as they lie in memory; mapped, and used by the tree where they
//                   lie, or where the cache unpacks them. Written once, by checkpoints, and removed
//                   when none of their leaves is live.
//   rest segment    one: what a checkpoint found in open and shared leaves, the labels of all
//                   series, and which leaves of leaf segments are dead
//   label copy      one, unless the labels are many: a leaf segment without leaves
//
// Every checkpoint replaces the last two.
//
// Invariants
//  1. A file is durable before the manifest names it, and goes after the manifest has ceased to.
//  2. Which leaves are live is as of the last checkpoint: the log since then says what has changed.
//
// Thread safety: one thread at a time (the engine's checkpoint mutex). Leaves in mapped files may
// be read by any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/tree/epoch.h"
#include "storage/base/file_system.h"
#include "storage/cache/leaf_cache.h"
#include "storage/segment/manifest.h"
#include "storage/segment/segment_reader.h"

namespace tsdb::durability {

// A leaf segment, mapped.
struct OpenSegment {
  std::unique_ptr<segment::SegmentReader> reader;
  std::vector<uint8_t> live;  // by leaf: 1 or 0
  uint64_t live_leaves = 0;
  uint64_t live_bytes = 0;  // of their blocks

  // Sets which are live, and counts them.
  void SetLive(std::vector<uint8_t> by_leaf);
};

// A leaf of an open segment.
struct LeafPlace {
  uint64_t segment = 0;  // number
  uint32_t leaf = 0;
};

// What a checkpoint has written and wants to become part of the database.
struct NewSegments {
  std::vector<segment::SegmentSummary> leaves;
  segment::SegmentSummary rest;
  uint64_t series = 0;         // labels in the rest segment
  uint64_t log_sequence = 0;   // from which the log is needed from then on
  std::vector<uint64_t> dead;  // leaf segments without a live leaf
};

class SegmentStore {
 public:
  // Opens the manifest in `directory`, or makes one for a new database, and removes files in its
  // segments folder that no manifest names, as crashes leave behind. kDataLoss when there are
  // segments but no manifest, or the manifest is damaged.
  static absl::StatusOr<std::unique_ptr<SegmentStore>> Open(FileSystem* files,
                                                            const std::string& directory,
                                                            cache::LeafCache* cache);
  // The same for reading only: changes nothing, and Publish and what goes with it must not be
  // called. kNotFound when there is no manifest.
  static absl::StatusOr<std::unique_ptr<SegmentStore>> OpenReadOnly(FileSystem* files,
                                                                    const std::string& directory,
                                                                    cache::LeafCache* cache);
  ~SegmentStore();
  SegmentStore(const SegmentStore&) = delete;
  SegmentStore& operator=(const SegmentStore&) = delete;

  FileSystem* files() const { return files_; }
  const std::string& path() const { return path_; }  // of the folder with the segments
  const segment::ManifestState& state() const {
    return manifest_ == nullptr ? read_only_state_ : manifest_->state();
  }
  // The number of the rest segment, if there is one yet.
  std::optional<uint64_t> rest_number() const;
  std::string PathOf(uint64_t number) const;

  // A file number that was never given before in this process or a manifest.
  uint64_t TakeNumber() { return next_number_++; }

  std::map<uint64_t, OpenSegment>& segments() { return segments_; }
  const std::map<uint64_t, OpenSegment>& segments() const { return segments_; }
  // Its leaves get addresses. kResourceExhausted when there is no address space.
  absl::Status AddOpen(uint64_t number, std::unique_ptr<segment::SegmentReader> reader);
  // The leaf whose block begins at `block`. REQUIRES: it is one of an open segment.
  LeafPlace Locate(const uint8_t* block) const;
  // A segment too damaged to be mapped: the next Publish takes it out of the manifest, after it has
  // given the file a second name, under which it stays.
  void SetAside(uint64_t number) { set_aside_.push_back(number); }

  // Makes `added` part of the database, in one edit of the manifest, and maps the leaf segments.
  // On error none of the new files is in use, and the database is as before; after an error of the
  // manifest's file every later Publish fails (segment::Manifest::Apply).
  absl::Status Publish(const NewSegments& added);
  // Removes files that were to be published, after an error; as far as that can be done.
  void Discard(const NewSegments& added);
  // Removes the files that the last Publish took out of the manifest. Mappings stay until no reader
  // can be in them.
  absl::Status RemoveObsolete(tree::EpochDomain& epochs);

  uint64_t leaf_bytes() const { return leaf_bytes_; }  // of all leaf segments' files
  size_t leaf_segments() const;                        // without the label copy

 private:
  SegmentStore(FileSystem* files, std::string path, cache::LeafCache* cache)
      : files_(files), path_(std::move(path)), cache_(cache) {}
  void Insert(uint64_t number, std::unique_ptr<segment::SegmentReader> reader);
  absl::Status RemoveGarbage();
  absl::StatusOr<std::vector<uint64_t>> KeepSetAside();

  struct Unmapping {
    uint64_t epoch;
    std::unique_ptr<segment::SegmentReader> reader;
  };

  FileSystem* const files_;
  const std::string path_;
  cache::LeafCache* const cache_;
  std::unique_ptr<segment::Manifest> manifest_;  // null: read-only
  segment::ManifestState read_only_state_;
  uint64_t next_number_ = 1;
  uint64_t leaf_bytes_ = 0;
  std::map<uint64_t, OpenSegment> segments_;       // by number
  std::map<const uint8_t*, uint64_t> by_address_;  // number, by where its leaves' addresses begin
  std::vector<uint64_t> set_aside_;                // to be kept under another name
  std::vector<uint64_t> obsolete_;                 // files to remove
  std::vector<Unmapping> unmapping_;
};

}  // namespace tsdb::durability
