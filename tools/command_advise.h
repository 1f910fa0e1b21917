// `tsdb advise --db DIR|--from FILE...`: which option of a database to change, to what, and why.
#pragma once

#include <cstdint>

#include "tools/exit_code.h"
#include "tools/source.h"

namespace tsdb::tools {

enum class AdviceFormat : uint8_t { kAuto, kTable, kCsv, kJson };

struct AdviseOptions {
  SourceOptions source;
  AdviceFormat format = AdviceFormat::kAuto;
};

// kOk whether there is something to change or not.
ExitCode RunAdvise(const AdviseOptions& options);

}  // namespace tsdb::tools
