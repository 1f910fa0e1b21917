// Files into a database, in memory or on disk, with progress, refused lines and counts told on
// stderr.
//
// Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "tools/exit_code.h"
#include "tools/import/importer.h"
#include "tools/report.h"
#include "tools/terminal.h"
#include "tsdb/database.h"

namespace tsdb::tools {

struct InputOptions {
  std::vector<std::string> files;
  std::string format;  // empty: told from each file
  bool strict = false;
  bool skip_bad_lines = false;
  std::string timestamp;  // of samples without one; empty: the time of import
};

struct LoadedFiles {
  importer::ImportCounts counts;
  double seconds = 0;  // until everything was merged and readable
};

// Not kOk, with the reason on stderr, when the options are mistaken or a file is not there: to be
// asked before anything is opened or made.
ExitCode CheckInput(const InputOptions& options, Color color);

// kOk when all was read (or all but refused lines, if they are to be skipped), has been merged and
// is as durable as the database promises. Anything else was explained on stderr; what was read
// before stays, merged, in the database. REQUIRES: an InterruptScope.
ExitCode LoadFiles(const InputOptions& options, Color color, Database& database,
                   LoadedFiles& loaded);

// Figures of what was read, but for time.
void AddCounts(const importer::ImportCounts& counts, Section& section);
// Figures `seconds` and `samples_per_second`.
void AddRate(uint64_t samples, double seconds, Section& section);

}  // namespace tsdb::tools
