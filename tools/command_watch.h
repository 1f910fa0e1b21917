// `tsdb watch --db DIR`: what happens in a database that another process writes, from what that
// process publishes (tsdb/published_stats.h).
#pragma once

#include <cstdint>
#include <string>

#include "tools/exit_code.h"
#include "tools/terminal.h"

namespace tsdb::tools {

enum class WatchFormat : uint8_t { kAuto, kTable, kCsv, kJson, kJsonLines };

struct WatchOptions {
  std::string directory;
  std::string interval = "1s";
  uint64_t count = 0;  // intervals; 0: until the writer closes the database
  WatchFormat format = WatchFormat::kAuto;
  Color color = Color::kAuto;
};

// kFailure if there is nothing to watch, or its writer is gone without a word.
ExitCode RunWatch(const WatchOptions& options);

}  // namespace tsdb::tools
