#include "storage/cache/leaf_cache.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/patience.h"

namespace tsdb::cache {
namespace {

// The disk has lost what it had when it was checked, and a reader is waiting for it in a place that
// has no way to say so.
[[noreturn]] void FileChanged(const std::string& path, uint64_t offset, const absl::Status& why) {
  const std::string reason(why.message());
  std::fprintf(stderr,
               "tsdb: segment '%s', frame at offset %llu, was whole when the database was opened, "
               "and now: %s. Check the disk and open the database again: what is damaged is then "
               "left out and reported.\n",
               path.c_str(), static_cast<unsigned long long>(offset), reason.c_str());
  std::abort();
}

}  // namespace

LeafCache::LeafCache(ReaderGrace grace, std::function<uint64_t()> capacity)
    : grace_(std::move(grace)), capacity_(std::move(capacity)) {}

LeafCache::~LeafCache() { TSDB_CHECK(resident_.load(std::memory_order_relaxed) == 0); }

void LeafCache::Load(PackedImage& image, uint32_t group) {
  const PatientScope patient;
  PackedImage::Group& wanted = image.groups_[group];
  MutexLock loading(&load_mutexes_[(reinterpret_cast<uintptr_t>(&wanted) >> 5) % kLoadMutexes]);
  const uint64_t capacity = capacity_();
  {
    MutexLock lock(&mutex_);
    if (wanted.state.load(std::memory_order_relaxed) == PackedImage::kResident) return;
    if (wanted.state.load(std::memory_order_relaxed) == PackedImage::kLeaving) {
      // Its memory is still there; what waits to drop it finds it resident.
      wanted.state.store(PackedImage::kResident, std::memory_order_release);
      MakeRoom(capacity);
      policy_.Admit(&wanted.entry);
      return;
    }
    MakeRoom(capacity);
  }
  const uint64_t offset = image.frame_offsets_[group];
  const absl::StatusOr<uint32_t> used =
      UnpackFrame(image.file_.subspan(offset), image.GroupBytes(group));
  if (!used.ok()) FileChanged(image.path_, offset, used.status());
  loads_.fetch_add(1, std::memory_order_relaxed);
  resident_.fetch_add(1, std::memory_order_relaxed);
  MutexLock lock(&mutex_);
  policy_.Admit(&wanted.entry);
  wanted.state.store(PackedImage::kResident, std::memory_order_release);
}

// For one more group.
void LeafCache::MakeRoom(uint64_t bytes) {
  DropLeft();
  const uint64_t capacity = std::max(kBytesMin, bytes) >> kGroupBits;
  policy_.SetCapacity(capacity);
  if (policy_.size() < capacity) return;
  size_t leaving = 0;
  for (; policy_.size() >= capacity; ++leaving) {
    auto* group = reinterpret_cast<PackedImage::Group*>(policy_.Evict());
    group->state.store(PackedImage::kLeaving, std::memory_order_relaxed);
    leaving_.push_back({group->image, group->number, 0});
  }
  // Only now: a reader that pins after it must find none of them resident.
  const uint64_t epoch = grace_.advance();
  for (auto left = leaving_.end() - static_cast<std::ptrdiff_t>(leaving); left != leaving_.end();
       ++left) {
    left->epoch = epoch;
    left->image->groups_[left->group].epoch = epoch;
  }
}

void LeafCache::DropLeft() {
  while (!leaving_.empty() && grace_.over(leaving_.front().epoch)) {
    const Leaving left = leaving_.front();
    leaving_.pop_front();
    PackedImage::Group& group = left.image->groups_[left.group];
    // It may have been wanted again since then, and have begun to leave again.
    if (group.state.load(std::memory_order_relaxed) != PackedImage::kLeaving ||
        group.epoch != left.epoch) {
      continue;
    }
    madvise(left.image->GroupBytes(left.group), kGroupBytes, MADV_DONTNEED);
    group.state.store(PackedImage::kAbsent, std::memory_order_relaxed);
    resident_.fetch_sub(1, std::memory_order_relaxed);
  }
}

void LeafCache::Trim() {
  const PatientScope patient;
  const uint64_t capacity = capacity_();
  MutexLock lock(&mutex_);
  MakeRoom(capacity);
}

void LeafCache::Forget(PackedImage& image) {
  MutexLock lock(&mutex_);
  const size_t groups = image.frame_offsets_.size();
  for (size_t i = 0; i < groups; ++i) {
    if (image.groups_[i].state.load(std::memory_order_relaxed) != PackedImage::kAbsent) {
      resident_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  policy_.Forget(&image.groups_.get()->entry, &(image.groups_.get() + groups)->entry);
  std::erase_if(leaving_, [&](const Leaving& leaving) { return leaving.image == &image; });
}

LeafCache::Counts LeafCache::counts() const {
  Counts counts;
  counts.hits = hits_.load(std::memory_order_relaxed);
  counts.loads = loads_.load(std::memory_order_relaxed);
  counts.bytes = resident_.load(std::memory_order_relaxed) << kGroupBits;
  return counts;
}

absl::StatusOr<std::unique_ptr<PackedImage>> PackedImage::Create(
    LeafCache* cache, std::string path, std::span<const uint8_t> file,
    std::vector<uint64_t> frame_offsets) {
  TSDB_CHECK(!frame_offsets.empty() && frame_offsets.size() <= kGroupsMax);
  const size_t bytes = (frame_offsets.size() + 1) << kGroupBits;
  std::unique_ptr<PackedImage> image(
      new PackedImage(cache, std::move(path), file, std::move(frame_offsets)));
  // Twice the alignment holds an aligned stretch of that size; the rest is given back.
  void* reserved = mmap(nullptr, 2 * kImageAlignment, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no address space for segment '", image->path_, "': ", std::strerror(errno)));
  }
  auto* const begin = static_cast<uint8_t*>(reserved);
  const size_t before =
      (kImageAlignment - reinterpret_cast<uintptr_t>(begin) % kImageAlignment) % kImageAlignment;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + bytes, 2 * kImageAlignment - before - bytes);
  image->mapping_ = begin + before;
  if (mprotect(image->mapping_, bytes, PROT_READ | PROT_WRITE) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat("no memory for the leaves of segment '",
                                                     image->path_, "': ", std::strerror(errno)));
  }
  // Groups come and go one by one.
  madvise(image->mapping_, bytes, MADV_NOHUGEPAGE);
  *static_cast<PackedImage**>(image->mapping_) = image.get();
  image->base_ = begin + before + kGroupBytes;
  return image;
}

PackedImage::PackedImage(LeafCache* cache, std::string path, std::span<const uint8_t> file,
                         std::vector<uint64_t> frame_offsets)
    : cache_(cache),
      path_(std::move(path)),
      file_(file),
      frame_offsets_(std::move(frame_offsets)),
      groups_(std::make_unique<Group[]>(frame_offsets_.size())) {
  for (uint32_t i = 0; i < frame_offsets_.size(); ++i) {
    groups_[i].number = i;
    groups_[i].image = this;
  }
}

PackedImage::~PackedImage() {
  cache_->Forget(*this);
  if (mapping_ != nullptr) munmap(mapping_, (frame_offsets_.size() + 1) << kGroupBits);
}

}  // namespace tsdb::cache
