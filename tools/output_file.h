// Where `-o FILE` writes: a file that gets its name only when it is whole and on the disk, so that
// what was there before is replaced by all of the new or not at all.
//
// Thread safety: one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/output.h"

namespace tsdb::tools {

class OutputFile {
 public:
  // Writes to `path` with ".partial" added until Finish. An empty path or "-" is standard output;
  // what exists and is no regular file (a pipe, a device) is written at once. A path that ends with
  // .gz, .zst or .lz4 is compressed so.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Open(const std::string& path);
  // Without Finish, what was written to a regular file is removed.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Output& output() { return *output_; }
  // Puts the file in place. No call may follow.
  absl::Status Finish();

 private:
  OutputFile() = default;
  absl::Status OpenDraft(const std::string& path);
  absl::Status Error(const std::string& doing) const;

  int descriptor_ = -1;  // ours to close, unless it is standard output's
  std::string path_;     // what the user called it
  std::string target_;   // what it becomes, links followed
  std::string draft_;    // empty: written in place
  std::optional<Output> output_;
};

}  // namespace tsdb::tools
