// Reads files of metrics into a Sink: file -> decompression -> lines -> parser -> sink, one pass,
// memory bounded by the longest line.
//
// Thread safety: none; one thread imports.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "tools/import/csv_columns.h"
#include "tools/import/input_format.h"
#include "tools/import/line_parser.h"
#include "tools/import/sink.h"
#include "tools/import/text_time.h"

namespace tsdb::importer {

inline constexpr size_t kLineBytesMax = size_t{128} << 20;

struct ImportOptions {
  std::optional<InputFormat> format;  // nothing: told from each file
  bool strict = false;                // OpenMetrics by all its rules
  bool skip_bad_lines = false;        // report and go on, rather than stop at the first
  Timestamp default_timestamp = 0;    // of samples without one
  size_t line_bytes_max = kLineBytesMax;
  CsvOptions csv;
  TimeUnit precision = TimeUnit::kNanoseconds;  // of timestamps in the line protocol
};

struct ImportCounts {
  uint64_t files = 0;
  uint64_t file_bytes = 0;  // as they lie on disk
  uint64_t text_bytes = 0;  // decompressed
  uint64_t lines = 0;       // comments and empty ones too
  uint64_t samples = 0;
  uint64_t untimed_samples = 0;  // of which got the default timestamp
  std::array<uint64_t, kReasons> lines_rejected{};

  uint64_t Rejected() const;
};

// What an import tells while it runs. All from the importing thread.
struct ImportObserver {
  // A file is begun; its size on disk, nothing for a pipe.
  std::function<void(const std::string& name, std::optional<uint64_t> bytes)> on_file;
  // So many of its bytes were read. Called every few hundred kilobytes.
  std::function<void(uint64_t bytes)> on_progress;
  // A line was refused. Called with skip_bad_lines for each such line, else at most once.
  // `place` is "file:line" or "file:line:column"; `excerpt` the line's beginning, made printable,
  // with the offending byte at `caret` (0-based, in characters; nothing when the whole line is
  // meant).
  struct Refusal {
    std::string place;
    std::string message;
    std::string excerpt;
    std::optional<size_t> caret;
  };
  std::function<void(const Refusal&)> on_refusal;
  // What people should know of a file that was read: "file: what was left out".
  std::function<void(const std::string& note)> on_note;
};

// How far an import came: all lines of the file up to this one were handed to the sink or skipped,
// and so were all files before it.
struct ImportPosition {
  std::string name;  // empty: no file was opened
  uint64_t line = 0;
  bool at_end = false;
};

class Importer {
 public:
  // All must outlive the importer. When `interrupted` becomes true the import ends with kCancelled.
  Importer(const ImportOptions& options, Sink& sink, const ImportObserver& observer,
           const std::atomic<bool>& interrupted);

  // Imports one file, "-" being standard input. An error names the file; it ends the import, but
  // what was imported before stays in the sink. kInvalidArgument: a refused line (told to the
  // observer), or no samples in the file; others: file, decompression and sink errors.
  absl::Status ImportFile(const std::string& path);

  const ImportCounts& counts() const { return counts_; }
  const ImportPosition& position() const { return position_; }

 private:
  struct Content;  // of the file at hand
  absl::Status OpenContent(const std::string& path, const std::string& name, Content& content);
  absl::Status ReadFile(const std::string& path, const std::string& name);
  absl::Status ReadLines(const std::string& name, Content& content);
  // A line was not taken: whether the import may go on.
  absl::Status NotTaken(const std::string& name, uint64_t number, std::string_view line,
                        const LineError& error);
  void Refuse(const std::string& name, uint64_t number, std::string_view line,
              const LineError& error);

  const ImportOptions options_;
  Sink& sink_;
  const ImportObserver& observer_;
  const std::atomic<bool>& interrupted_;
  ImportCounts counts_;
  ImportPosition position_;
};

}  // namespace tsdb::importer
