// Runs Prometheus's test files against the engine, each in databases of its own, as promqltest
// does: instants are asked over a range around them, too, and pinned to their time with @ from
// other times.
//
// Thread safety: one thread per call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tsdb/promql.h"

namespace tsdb::conformance {

enum class Verdict : uint8_t { kPassed, kFailed, kUnsupported };

struct CaseReport {
  Verdict verdict = Verdict::kPassed;
  size_t line = 0;
  std::string command;  // the line that begins it
  std::string detail;   // how it failed, or why it is unsupported
};

struct FileReport {
  std::string file;
  std::vector<CaseReport> cases;

  size_t Count(Verdict verdict) const;
};

// An evaluation is a case; what cannot be parsed or loaded is a failed one.
absl::StatusOr<FileReport> RunTestFile(const std::string& path, const PromqlOptions& options);

}  // namespace tsdb::conformance
