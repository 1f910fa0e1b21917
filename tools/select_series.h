// The series of a database, and the stretch of time, that a selector, --start and --end pick.
// Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/base/types.h"
#include "tools/selector.h"
#include "tools/series_printer.h"
#include "tools/terminal.h"
#include "tsdb/database.h"
#include "tsdb/query.h"

namespace tsdb::tools {

struct SelectionOptions {
  std::string selector;
  std::string start;  // empty: the beginning
  std::string end;    // empty: the end
};

// False, with the reason on stderr, when the options are mistaken. Needs no database, so that it
// can be asked before anything is read.
bool ParseSelection(const SelectionOptions& options, Color color, Selector& selector,
                    TimeRange& range);

// The matching series with a sample in the range, in label order: by name and value of each label
// in turn, as Prometheus sorts. REQUIRES: `snapshot` is of the database, which nobody writes to.
absl::StatusOr<std::vector<SelectedSeries>> Select(Database& database, const Snapshot& snapshot,
                                                   const Selector& selector, TimeRange range);

// Questions about all series of a database may take what its labels take.
tsdb::QueryOptions WithoutMemoryLimit();

// "tsdb: no samples match SELECTOR" on stderr.
void SayNothingMatches(const std::string& selector);

}  // namespace tsdb::tools
