// What `--db DIR` and `--from FILE...` mean to every command that only reads: a database, on disk
// or made in memory of files.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/exit_code.h"
#include "tools/load_files.h"
#include "tools/terminal.h"
#include "tsdb/database.h"

namespace tsdb::tools {

// One of the two: a directory, or input files.
struct SourceOptions {
  std::string directory;
  InputOptions input;
  uint64_t memory_budget_bytes = 0;
  Color color = Color::kAuto;
};

struct Source {
  std::unique_ptr<Database> database;
  std::optional<LoadedFiles> loaded;  // when it came from files
  bool complete = true;               // false: part of what was stored is damaged, which was told
};

// Anything but kOk was explained on stderr. Damage in a directory is no error.
ExitCode OpenSource(const SourceOptions& options, Source& source);

// `--from a b NAME SELECTOR` gives the option all that follows it: the last are these words, unless
// they stood elsewhere.
void TakeFromFiles(std::vector<std::string>& files, std::vector<std::string*> words);

}  // namespace tsdb::tools
