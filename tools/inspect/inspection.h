// What is in one file of a database, offset by offset, and what of it is not as it should be.
//
// The functions that make one take any bytes: they check every length, count and offset before they
// use it, go on behind damage where the format lets them, and spend a bounded time on the search
// for where it ends.
//
// Thread safety: plain values; pure functions but for the file system.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "tools/figure_table.h"
#include "tools/report.h"

namespace tsdb::tools {

// Something that is not as it was written.
struct FileFinding {
  uint64_t offset = 0;
  std::string reason;
};

struct Inspection {
  std::vector<Figure> figures;     // of the whole file
  std::deque<FigureTable> tables;  // of its parts
  std::vector<FileFinding> findings;
};

struct InspectOptions {
  uint64_t limit = 0;     // rows kept of each table; 0: all
  bool contents = false;  // what is in batches and leaves, too
};

// What a search through damage may spend on checksums: so many times the file.
inline constexpr uint64_t kSearchFactor = 16;

// A log file (docs/formats/log.md). `first`: the sequence number of its first batch, as its name
// says; without it the file's own word is taken. `next`: where the next file takes up the count,
// which shows that everything before was durable; none for the newest.
//
// What nothing shows to have been durable is torn, as crashes leave it, and no finding.
Inspection InspectLog(std::span<const uint8_t> file, std::optional<uint64_t> first,
                      std::optional<uint64_t> next, const InspectOptions& options);

// A manifest (docs/formats/manifest.md).
Inspection InspectManifest(std::span<const uint8_t> file, const InspectOptions& options);

// A segment (docs/formats/segment.md). Reads every leaf. `number`: as its name says; without it
// the file's own word is taken. Errors are those of the file system.
absl::StatusOr<Inspection> InspectSegment(FileSystem* files, const std::string& path,
                                          std::optional<uint64_t> number,
                                          const InspectOptions& options);

// Which kind a file says it is by its first bytes: "wal", "manifest" or "segment"; empty if none.
std::string_view KindOf(std::span<const uint8_t> file);

// All bytes of a file, 8-byte aligned, copied: one that a writer cuts meanwhile does no harm.
struct FileCopy {
  std::vector<uint64_t> words;
  uint64_t size = 0;
  std::span<const uint8_t> bytes() const {
    return {reinterpret_cast<const uint8_t*>(words.data()), size};
  }
};
absl::StatusOr<FileCopy> CopyFile(FileSystem* files, const std::string& path);

// Figures of a time: milliseconds as a readable time.
Figure TimeFigure(std::string name, Timestamp time);
// A cell that is left blank.
Figure BlankFigure();

}  // namespace tsdb::tools
