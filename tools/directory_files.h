// What the files of a database directory are and how long they are (docs/durability.md).
// Thread safety: pure functions but for the file system.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/report.h"

namespace tsdb::tools {

struct DirectoryFiles {
  uint64_t files = 0;  // all of them, and their bytes
  uint64_t bytes = 0;
  uint64_t linked = 0;  // of these, those that have a name elsewhere too, as backups leave them
  uint64_t segment_files = 0;
  uint64_t segment_bytes = 0;
  uint64_t log_files = 0;
  uint64_t log_bytes = 0;
  std::vector<std::string> damaged;  // paths of those kept aside; they count in `files` only
};

// Beside a writer: a file that goes away meanwhile is left out.
absl::StatusOr<DirectoryFiles> ListFiles(const std::string& directory);

// Figures about them, into a section that has others.
void AddFiles(const DirectoryFiles& files, Section& section);

}  // namespace tsdb::tools
