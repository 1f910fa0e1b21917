// `tsdb samples --db DIR|--from FILE... SELECTOR`: stored samples, as they are.
#pragma once

#include <cstdint>
#include <optional>

#include "tools/exit_code.h"
#include "tools/select_series.h"
#include "tools/source.h"

namespace tsdb::tools {

enum class SamplesFormat { kAuto, kTable, kJson, kCsv };

struct SamplesOptions {
  SourceOptions source;
  SelectionOptions selection;
  SamplesFormat format = SamplesFormat::kAuto;
  std::optional<uint64_t> limit;  // of series; 0: none
  bool every_sample = false;
};

ExitCode RunSamples(const SamplesOptions& options);

}  // namespace tsdb::tools
