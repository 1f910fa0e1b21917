// Unpacked leaves of packed segments, as many as there is memory for.
//
// Every packed segment has an image: a stretch of address space in which its leaves have the places
// they would have if they were not packed. A group of leaves is unpacked into its place when one of
// them is first read, and its memory given back when the cache wants it for another. So a leaf's
// address is good for as long as its segment is open, and may be read after MakeReadable, until the
// reader's pin ends.
//
//   image | head: whose it is | group 0 | group 1 | ...      aligned to kImageAlignment, so that
//                                                             a leaf's address tells its image
//
// States of a group: absent -> resident -> leaving -> absent, or back from leaving to resident.
//  1. Only a resident group is read. Whoever finds it resident is pinned, and reads until that pin
//     ends.
//  2. A group's memory goes when all readers that were pinned when it began to leave are done.
//  3. absent -> resident is done holding the group's load mutex, every change of state holding
//     mutex_; `resident` is stored with release after the bytes, and loaded with acquire.
//
// Thread safety: every method from any thread, but an image's segment must have left the tree, and
// its readers be done, before the image is destroyed. Lock order: a load mutex, then mutex_.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "storage/base/mutex.h"
#include "storage/cache/leaf_group.h"
#include "storage/cache/s3_fifo.h"

namespace tsdb::cache {

class PackedImage;

// How the cache learns that readers are done: tree::EpochDomain's Advance and AllReadersAfter.
struct ReaderGrace {
  std::function<uint64_t()> advance;
  std::function<bool(uint64_t)> over;
};

class LeafCache {
 public:
  struct Counts {
    uint64_t hits = 0;   // leaves found unpacked, less up to kHitBatch - 1 for each thread
    uint64_t loads = 0;  // groups unpacked
    uint64_t bytes = 0;  // of groups in memory
  };

  // `capacity`: bytes that may be used now; asked at every load. At least kBytesMin are used.
  LeafCache(ReaderGrace grace, std::function<uint64_t()> capacity);
  ~LeafCache();  // REQUIRES: no images.
  LeafCache(const LeafCache&) = delete;
  LeafCache& operator=(const LeafCache&) = delete;

  // After it, `leaf` (of some image of whatever cache) can be read until the caller's pin ends.
  // Cost: some 4 ns if it is there, else some 10 us, or a read of the disk. A file that has changed
  // since it was checked ends the process: there is no right answer any more.
  static inline void MakeReadable(const uint8_t* leaf);

  // Whether it would find it there. It may not be any more when this returns.
  static inline bool Resident(const uint8_t* leaf);

  // Gives back what is over the capacity, as far as readers allow.
  void Trim() ABSL_LOCKS_EXCLUDED(mutex_);
  Counts counts() const;

 private:
  friend class PackedImage;
  static constexpr uint64_t kBytesMin = uint64_t{64} << kGroupBits;
  static constexpr size_t kLoadMutexes = 64;
  static constexpr uint32_t kHitBatch = 1024;

  struct Leaving {
    PackedImage* image;
    uint32_t group;
    uint64_t epoch;
  };

  void Load(PackedImage& image, uint32_t group) ABSL_LOCKS_EXCLUDED(mutex_);
  void MakeRoom(uint64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropLeft() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(PackedImage& image) ABSL_LOCKS_EXCLUDED(mutex_);

  const ReaderGrace grace_;
  const std::function<uint64_t()> capacity_;
  std::array<Mutex, kLoadMutexes> load_mutexes_;
  Mutex mutex_;
  S3Fifo policy_;                                        // but for Touch, guarded by mutex_
  std::deque<Leaving> leaving_ ABSL_GUARDED_BY(mutex_);  // oldest first
  std::atomic<uint64_t> hits_{0};
  std::atomic<uint64_t> loads_{0};
  std::atomic<uint64_t> resident_{0};  // groups in memory
};

class PackedImage {
 public:
  // Of a segment file with these frames, each checked before. kResourceExhausted when there is no
  // address space. `file` and `cache` must outlive it.
  static absl::StatusOr<std::unique_ptr<PackedImage>> Create(LeafCache* cache, std::string path,
                                                             std::span<const uint8_t> file,
                                                             std::vector<uint64_t> frame_offsets);
  ~PackedImage();
  PackedImage(const PackedImage&) = delete;
  PackedImage& operator=(const PackedImage&) = delete;

  // Where group 0 begins.
  const uint8_t* base() const { return base_; }

  static PackedImage& Of(const uint8_t* leaf) {
    return **reinterpret_cast<PackedImage* const*>(reinterpret_cast<uintptr_t>(leaf) &
                                                   ~(kImageAlignment - 1));
  }

  static constexpr uintptr_t kImageAlignment = uintptr_t{128} << 20;
  // What fits behind the head.
  static constexpr size_t kGroupsMax = (kImageAlignment >> kGroupBits) - 1;

 private:
  friend class LeafCache;
  enum State : uint8_t { kAbsent, kResident, kLeaving };
  struct Group {
    CacheEntry entry;  // first: the policy's pointer to it is the group's
    std::atomic<uint8_t> state{kAbsent};
    uint32_t number = 0;
    PackedImage* image = nullptr;
    uint64_t epoch = 0;  // when it last began to leave; guarded by the cache's mutex_
  };

  PackedImage(LeafCache* cache, std::string path, std::span<const uint8_t> file,
              std::vector<uint64_t> frame_offsets);
  uint32_t NumberOf(const uint8_t* leaf) const {
    return static_cast<uint32_t>((leaf - base_) >> kGroupBits);
  }
  uint8_t* GroupBytes(uint32_t group) const { return base_ + (size_t{group} << kGroupBits); }

  LeafCache* const cache_;
  const std::string path_;
  const std::span<const uint8_t> file_;
  const std::vector<uint64_t> frame_offsets_;
  const std::unique_ptr<Group[]> groups_;
  void* mapping_ = nullptr;  // begins with the head
  uint8_t* base_ = nullptr;
};

inline bool LeafCache::Resident(const uint8_t* leaf) {
  const PackedImage& image = PackedImage::Of(leaf);
  return image.groups_[image.NumberOf(leaf)].state.load(std::memory_order_acquire) ==
         PackedImage::kResident;
}

inline void LeafCache::MakeReadable(const uint8_t* leaf) {
  PackedImage& image = PackedImage::Of(leaf);
  const uint32_t number = image.NumberOf(leaf);
  PackedImage::Group& group = image.groups_[number];
  if (group.state.load(std::memory_order_acquire) == PackedImage::kResident) [[likely]] {
    image.cache_->policy_.Touch(group.entry);
    thread_local uint32_t hits = 0;
    if (++hits % kHitBatch == 0) {
      image.cache_->hits_.fetch_add(kHitBatch, std::memory_order_relaxed);
    }
    return;
  }
  image.cache_->Load(image, number);
}

}  // namespace tsdb::cache
