// `tsdb list --db DIR`: the segments of a database, out of their indexes.
#pragma once

#include <string>

#include "tools/exit_code.h"
#include "tools/terminal.h"

namespace tsdb::tools {

enum class RowFormat { kAuto, kTable, kCsv, kJson };  // auto: a table on a terminal, else CSV

// What --sort takes, in words separated by "|".
inline constexpr const char* kListSortNames =
    "file|bytes|leaves|samples|series|from|to|bytes_per_sample|ratio|dead_share";

struct SegmentListOptions {
  std::string directory;
  RowFormat format = RowFormat::kAuto;
  std::string sort = "file";
  Color color = Color::kAuto;
};

// kFindings when a segment is damaged or gone, kFailure when one cannot be read: each is warned of,
// and listed with what the manifest says of it.
ExitCode RunListSegments(const SegmentListOptions& options);

}  // namespace tsdb::tools
