// Compresses what is written, as a file's name says: .gz, .zst or .lz4.
//
// Thread safety: none.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tsdb::tools {

class Compressor {
 public:
  virtual ~Compressor() = default;
  // Appends to `out` what of the compressed data is ready.
  virtual absl::Status Add(std::string_view text, std::string& out) = 0;
  // Appends the rest and the end mark. No call may follow.
  virtual absl::Status Finish(std::string& out) = 0;
};

// Null for a name with another end. kResourceExhausted without memory.
absl::StatusOr<std::unique_ptr<Compressor>> CompressorFor(std::string_view file_name);

}  // namespace tsdb::tools
