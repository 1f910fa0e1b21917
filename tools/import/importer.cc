#include "tools/import/importer.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/import/byte_source.h"
#include "tools/import/exposition_parser.h"
#include "tools/import/json_lines_parser.h"
#include "tools/import/line_reader.h"

namespace tsdb::importer {
namespace {

constexpr size_t kHeadBytes = size_t{64} << 10;
constexpr size_t kTailBytes = 64;
constexpr uint64_t kProgressBytes = uint64_t{256} << 10;

std::unique_ptr<LineParser> MakeParser(InputFormat format, const ImportOptions& options,
                                       Sink& sink) {
  if (format == InputFormat::kJsonLines) return std::make_unique<JsonLinesParser>(sink);
  const ExpositionOptions exposition = {
      format == InputFormat::kOpenMetrics ? Dialect::kOpenMetrics : Dialect::kPrometheus,
      options.default_timestamp, options.strict};
  return std::make_unique<ExpositionParser>(exposition, sink);
}

absl::Status InFile(const std::string& name, const absl::Status& status) {
  const std::string message =
      name + ": " + std::string(status.message().data(), status.message().size());
  return absl::Status(status.code(), message);
}

// Some of the line around the column, so that it fits a terminal and steers none.
void SetExcerpt(std::string_view line, size_t column, ImportObserver::Refusal& refusal) {
  constexpr size_t kBefore = 60;
  constexpr size_t kShown = 100;
  const size_t place = column == 0 ? 0 : std::min(column - 1, line.size());
  size_t begin = place > kBefore ? place - kBefore : 0;
  while (begin > 0 && (line[begin] & 0xC0) == 0x80) --begin;
  const size_t end = std::min(line.size(), begin + kShown);
  std::string& out = refusal.excerpt;
  if (begin > 0) out = "...";
  size_t characters = out.size();
  for (size_t i = begin; i < end; ++i) {
    const auto byte = static_cast<uint8_t>(line[i]);
    if (column > 0 && i == place) refusal.caret = characters;
    out += byte < 0x20 || byte == 0x7F ? ' ' : line[i];
    characters += (byte & 0xC0) != 0x80;
  }
  if (column > 0 && place >= end) refusal.caret = characters;
  if (!IsValidUtf8(out)) {
    std::replace_if(
        out.begin(), out.end(), [](char c) { return (c & 0x80) != 0; }, '?');
    if (refusal.caret) refusal.caret = place - begin + (begin > 0 ? 3 : 0);
  }
  if (end < line.size()) out += "...";
}

}  // namespace

uint64_t ImportCounts::Rejected() const {
  return std::accumulate(lines_rejected.begin(), lines_rejected.end(), uint64_t{0});
}

Importer::Importer(const ImportOptions& options, Sink& sink, const ImportObserver& observer,
                   const std::atomic<bool>& interrupted)
    : options_(options), sink_(sink), observer_(observer), interrupted_(interrupted) {}

absl::Status Importer::ImportFile(const std::string& path) {
  const std::string name = path == "-" ? "stdin" : path;
  const uint64_t samples_before = counts_.samples;
  absl::Status status = ReadLines(path, name);
  if (!status.ok()) return status;
  if (counts_.samples == samples_before) {
    return absl::InvalidArgumentError("no samples in " + name);
  }
  ++counts_.files;
  return absl::OkStatus();
}

bool Importer::Refuse(const std::string& name, uint64_t number, std::string_view line,
                      const LineError& error) {
  ++counts_.lines_rejected[static_cast<size_t>(error.reason)];
  ImportObserver::Refusal refusal;
  refusal.place = absl::StrCat(name, ":", number);
  if (error.column > 0) absl::StrAppend(&refusal.place, ":", error.column);
  refusal.message = error.message;
  SetExcerpt(line, error.column, refusal);
  observer_.on_refusal(refusal);
  return options_.skip_bad_lines;
}

absl::Status Importer::ReadLines(const std::string& path, const std::string& name) {
  auto file = FileSource::Open(path);
  if (!file.ok()) return InFile(name, file.status());
  observer_.on_file(name, (*file)->size());
  const auto magic = (*file)->Peek();
  if (!magic.ok()) return InFile(name, magic.status());
  const Compression compression = DetectCompression(*magic);
  auto content = Decompress(**file, compression);
  if (!content.ok()) return InFile(name, content.status());
  LineReader reader(**content, options_.line_bytes_max);
  const auto head = reader.Peek(kHeadBytes);
  if (!head.ok()) return InFile(name, head.status());
  std::string tail = head->size() < kHeadBytes           ? std::string(*head)
                     : compression == Compression::kNone ? (*file)->ReadTail(kTailBytes)
                                                         : std::string();
  const InputFormat format =
      options_.format ? *options_.format : DetectInputFormat(name, *head, tail);
  const std::unique_ptr<LineParser> parser = MakeParser(format, options_, sink_);

  Line line;
  LineError error;
  uint64_t number = 0;  // of the line at hand, at the end of the last one
  uint64_t reported = 0;
  absl::Status result;
  while (result.ok()) {
    const absl::StatusOr<bool> more = reader.Next(line);
    if (!more.ok()) {
      // The line after the last whole one is where the damage shows.
      result = InFile(absl::StrCat(name, ":", number + 1), more.status());
      break;
    }
    const bool at_end = !*more;
    if (!at_end) {
      number = line.number;
      ++counts_.lines;
      counts_.text_bytes += line.text.size() + line.terminated;
    }
    const bool taken = at_end ? parser->Finish(error)
                       : line.too_long
                           ? error.Set(Reason::kTooLong, 0,
                                       "the line is longer than the limit of " +
                                           std::to_string(options_.line_bytes_max) + " bytes")
                           : parser->Parse(line.text, error);
    if (!taken && !error.sink_status.ok()) {
      result = InFile(absl::StrCat(name, ":", number), error.sink_status);
    } else if (!taken && !Refuse(name, number, at_end ? "" : line.text, error)) {
      result = absl::InvalidArgumentError("stopped at the first bad line; --on-error skip goes on");
    }
    if (at_end) break;
    if ((*file)->bytes_read() - reported >= kProgressBytes) {
      reported = (*file)->bytes_read();
      observer_.on_progress(reported);
    }
    if (interrupted_.load(std::memory_order_relaxed)) result = absl::CancelledError("interrupted");
  }
  counts_.samples += parser->counts().samples;
  counts_.untimed_samples += parser->counts().untimed;
  counts_.file_bytes += (*file)->bytes_read();
  return result;
}

}  // namespace tsdb::importer
