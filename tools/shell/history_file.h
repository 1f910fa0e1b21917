// Where the shell keeps what was asked: $XDG_STATE_HOME/tsdb/history, or
// ~/.local/state/tsdb/history. Folders are made for their owner alone, and so is the file.
//
// Thread safety: one thread. Several shells may add to the file at once.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tsdb::tools {

// kFailedPrecondition if neither variable says where.
absl::StatusOr<std::string> HistoryPath();

// Makes what is missing of the folders of `path`.
absl::Status MakeHistoryFolder(const std::string& path);

}  // namespace tsdb::tools
