// `tsdb verify --db DIR`: whether a database directory is whole.
#pragma once

#include <cstdint>
#include <string>

#include "tools/exit_code.h"
#include "tools/terminal.h"

namespace tsdb::tools {

struct VerifyOptions {
  std::string directory;
  uint64_t memory_budget_bytes = 0;
  Color color = Color::kAuto;
  bool json = false;
};

// kOk: everything that was made durable is there, was read, and adds up.
ExitCode RunVerify(const VerifyOptions& options);

}  // namespace tsdb::tools
