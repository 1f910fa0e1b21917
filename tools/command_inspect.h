// `tsdb inspect wal|manifest|segment FILE`: what is in one file, offset by offset.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/exit_code.h"
#include "tools/terminal.h"

namespace tsdb::tools {

struct InspectFileOptions {
  std::string kind;  // "wal", "manifest" or "segment"
  std::string file;
  std::optional<uint64_t> limit;  // rows of each table; 0: all. None: 40 in tables, all in JSON
  bool blocks = false;
  bool json = false;
  Color color = Color::kAuto;
};

// kFindings when something in the file is not as it was written.
ExitCode RunInspect(const InspectFileOptions& options);

}  // namespace tsdb::tools
