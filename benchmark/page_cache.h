// Dropping what the kernel has cached of a database's files, so that reading them is cold.
//
// Thread safety: any thread; the directory's files are not to be written meanwhile.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tsdb::benchmark {

enum class CacheDrop : uint8_t {
  kSystem,        // all clean pages of all processes
  kFiles,         // by asking for it, for each file in and below the directory
  kNotPermitted,  // neither: what is read may be cached
};

// "/proc/sys/vm/drop_caches", "posix_fadvise" or "not permitted".
const char* CacheDropName(CacheDrop drop);

struct DroppedCache {
  CacheDrop by = CacheDrop::kNotPermitted;
  uint64_t file_bytes = 0;    // of the directory
  uint64_t cached_bytes = 0;  // of them still in memory: a file in use, or on tmpfs, stays
};

// Writes the files back first: only clean pages can go. `system`: tries kSystem before kFiles; it
// slows down everything else that runs on the machine. `control`: what is written to for kSystem.
// An error when the directory cannot be read.
absl::StatusOr<DroppedCache> DropPageCache(const std::string& directory, bool system,
                                           const std::string& control = "/proc/sys/vm/drop_caches");

// Sum of the lengths of the files in and below `directory` whose names end with `suffix`.
absl::StatusOr<uint64_t> FileBytes(const std::string& directory, const std::string& suffix = "");

}  // namespace tsdb::benchmark
