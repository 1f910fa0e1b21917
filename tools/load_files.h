// What `--from FILE...` means to every command that has it: files into a database in memory, with
// progress, refused lines and counts told on stderr.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/exit_code.h"
#include "tools/import/importer.h"
#include "tools/terminal.h"
#include "tsdb/database.h"

namespace tsdb::tools {

struct FromOptions {
  std::vector<std::string> files;
  std::string input_format;  // empty: told from each file
  bool strict = false;
  bool skip_bad_lines = false;
  std::string timestamp;  // of samples without one; empty: the time of import
  uint64_t memory_budget_bytes = 0;
  Color color = Color::kAuto;
};

struct LoadedFiles {
  std::unique_ptr<Database> database;
  importer::ImportCounts counts;
  double seconds = 0;  // until everything was merged and readable
};

// kOk when all was read (or all but refused lines, if they are to be skipped) and has been merged.
// Anything else was explained on stderr.
ExitCode LoadFiles(const FromOptions& options, LoadedFiles& loaded);

// "tsdb: error: MESSAGE" on stderr.
void PrintError(const std::string& message, Color color);

}  // namespace tsdb::tools
