// Cuts a byte source into lines, or into CSV records, which may hold newlines inside quotes. Memory
// is one buffer, which grows to hold the longest of them met, up to a limit.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "tools/import/byte_source.h"

namespace tsdb::importer {

struct Line {
  // Without its newline. Valid until the next call; LineReader::kPadding readable bytes follow it.
  std::string_view text;
  uint64_t number = 0;     // the first is 1; of a record's first line
  uint64_t lines = 1;      // that it takes
  bool too_long = false;   // over the limit and skipped: `text` is empty
  bool terminated = true;  // a newline follows
};

class LineReader {
 public:
  static constexpr size_t kPadding = 64;  // what simdjson wants to read past the end

  LineReader(ByteSource& source, size_t line_bytes_max);

  // What comes next, up to `bytes` bytes (less at the end); it is still to be read.
  // REQUIRES: no line was read yet.
  absl::StatusOr<std::string_view> Peek(size_t bytes);
  // From here on a newline inside a quoted field does not end a line. A quote that is not closed
  // before the end, or within the limit, counts for its own line only.
  void SetCsv(char delimiter) { csv_delimiter_ = delimiter; }
  // True with the next line, false at the end.
  absl::StatusOr<bool> Next(Line& line);

 private:
  // Appends more bytes of the source to the buffer; false at its end.
  absl::StatusOr<bool> Fill();
  void Grow(size_t capacity);
  absl::StatusOr<bool> NextLine(Line& line);
  // Looks at what comes next: true, with the bytes of a CSV record and the newlines in it, if there
  // are any.
  absl::StatusOr<bool> SpansLines(size_t& bytes, uint64_t& newlines);

  ByteSource& source_;
  const size_t line_bytes_max_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t begin_ = 0;  // of what was not handed out yet
  size_t end_ = 0;
  uint64_t lines_ = 0;
  std::optional<char> csv_delimiter_;
  bool source_ended_ = false;
};

}  // namespace tsdb::importer
