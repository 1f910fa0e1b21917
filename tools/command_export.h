// `tsdb export --db DIR|--from FILE... [SELECTOR]`: samples as text that other programs, and
// `tsdb import`, read.
#pragma once

#include <string>

#include "tools/exit_code.h"
#include "tools/select_series.h"
#include "tools/source.h"

namespace tsdb::tools {

enum class ExportFormat { kOpenMetrics, kPrometheus, kCsv, kJsonLines, kInflux };

struct ExportOptions {
  SourceOptions source;
  SelectionOptions selection;  // an empty selector picks everything
  ExportFormat format = ExportFormat::kOpenMetrics;
  std::string file;  // empty or "-": standard output
};

// kFailure, too, when the database is damaged: what is left of it was exported whole.
ExitCode RunExport(const ExportOptions& options);

}  // namespace tsdb::tools
