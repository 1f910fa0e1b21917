// Files into a database, in memory or on disk, with progress, refused lines and counts told on
// stderr.
//
// Thread safety: one thread.
#pragma once

#include <optional>
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

  // CSV; as importer::CsvOptions, but as written on the command line.
  std::string delimiter;
  std::string time_column;
  std::string time_format = "auto";
  std::vector<std::string> value_columns;
  std::vector<std::string> label_columns;
  std::string metric_column;
  std::optional<std::string> metric;
  std::vector<std::string> labels;  // name=value

  std::string precision = "ns";  // of timestamps in InfluxDB's line protocol
};

struct LoadedFiles {
  importer::ImportCounts counts;
  importer::ImportPosition position;  // where reading ended
  // Of what was read; first_time > last_time: nothing was.
  Timestamp first_time = kTimestampMax;
  Timestamp last_time = kTimestampMin;
  double seconds = 0;  // until everything was merged and readable
  // Of CheckFiles.
  uint64_t series = 0;
  uint64_t new_series = 0;
};

// Not kOk, with the reason on stderr, when the options are mistaken or a file is not there: to be
// asked before anything is opened or made.
ExitCode CheckInput(const InputOptions& options, Color color);

// Whether the line that counts what was read is for everybody, or, as long as there is nothing to
// say against it, for people alone. With an error, or lines that were rejected, it is always told.
enum class CountsFor { kAll, kTerminals };

// kOk when all was read (or all but refused lines, if they are to be skipped), has been merged and
// is as durable as the database promises. Anything else was explained on stderr; what was read
// before stays, merged, in the database. REQUIRES: an InterruptScope.
ExitCode LoadFiles(const InputOptions& options, Color color, CountsFor counts, Database& database,
                   LoadedFiles& loaded);

// The same, of samples that are counted and dropped. `known` may be null; else series it has are
// not new.
ExitCode CheckFiles(const InputOptions& options, Color color, const Database* known,
                    LoadedFiles& loaded);

// Says on stderr how much of which file was stored, after LoadFiles or CheckFiles failed.
void SayHowFar(const LoadedFiles& loaded);

// Figures of what was read, but for time.
void AddCounts(const importer::ImportCounts& counts, Section& section);
// Figures `seconds` and `samples_per_second`.
void AddRate(uint64_t samples, double seconds, Section& section);

}  // namespace tsdb::tools
