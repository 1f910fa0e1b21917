#include "tools/import/importer.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/import/byte_source.h"
#include "tools/import/csv_parser.h"
#include "tools/import/exposition_parser.h"
#include "tools/import/influx_parser.h"
#include "tools/import/json_lines_parser.h"
#include "tools/import/line_reader.h"

namespace tsdb::importer {
namespace {

constexpr size_t kHeadBytes = size_t{64} << 10;
constexpr size_t kTailBytes = 64;
constexpr uint64_t kProgressBytes = uint64_t{256} << 10;

char DelimiterOf(const std::string& name, const CsvOptions& options) {
  if (options.delimiter) return *options.delimiter;
  return ContentExtension(name) == ".tsv" ? '\t' : ',';
}

std::unique_ptr<LineParser> MakeParser(InputFormat format, const std::string& name,
                                       const ImportOptions& options, Sink& sink) {
  switch (format) {
    case InputFormat::kJsonLines:
      return std::make_unique<JsonLinesParser>(sink);
    case InputFormat::kCsv:
      return std::make_unique<CsvParser>(options.csv, DelimiterOf(name, options.csv),
                                         ValidMetricName(ContentStem(name)), sink);
    case InputFormat::kInflux:
      return std::make_unique<InfluxParser>(
          InfluxOptions{options.precision, options.default_timestamp}, sink);
    case InputFormat::kPrometheus:
    case InputFormat::kOpenMetrics:
      break;
  }
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

struct Importer::Content {
  std::unique_ptr<FileSource> file;
  std::unique_ptr<ByteSource> bytes;  // the file's, decompressed
  std::optional<LineReader> reader;
  std::unique_ptr<LineParser> parser;
  uint64_t reported = 0;  // bytes of the file
};

uint64_t ImportCounts::Rejected() const {
  return std::accumulate(lines_rejected.begin(), lines_rejected.end(), uint64_t{0});
}

Importer::Importer(const ImportOptions& options, Sink& sink, const ImportObserver& observer,
                   const std::atomic<bool>& interrupted)
    : options_(options), sink_(sink), observer_(observer), interrupted_(interrupted) {}

absl::Status Importer::ImportFile(const std::string& path) {
  const std::string name = path == "-" ? "stdin" : path;
  const uint64_t samples_before = counts_.samples;
  position_ = {name, 0, false};
  absl::Status status = ReadFile(path, name);
  if (!status.ok()) return status;
  if (counts_.samples == samples_before) {
    return absl::InvalidArgumentError("no samples in " + name);
  }
  ++counts_.files;
  return absl::OkStatus();
}

void Importer::Refuse(const std::string& name, uint64_t number, std::string_view line,
                      const LineError& error) {
  ++counts_.lines_rejected[static_cast<size_t>(error.reason)];
  // A record of several lines is shown by the one at fault.
  size_t column = error.column;
  const size_t place = column == 0 ? 0 : std::min(column - 1, line.size());
  const std::string_view before = line.substr(0, place);
  if (const size_t newline = before.rfind('\n'); newline != std::string_view::npos) {
    number += static_cast<uint64_t>(std::count(before.begin(), before.end(), '\n'));
    line.remove_prefix(newline + 1);
    column -= newline + 1;
  }
  line = line.substr(0, line.find('\n'));
  ImportObserver::Refusal refusal;
  refusal.place = absl::StrCat(name, ":", number);
  if (column > 0) absl::StrAppend(&refusal.place, ":", column);
  refusal.message = error.message;
  SetExcerpt(line, column, refusal);
  observer_.on_refusal(refusal);
}

absl::Status Importer::NotTaken(const std::string& name, uint64_t number, std::string_view line,
                                const LineError& error) {
  if (!error.sink_status.ok()) {
    return InFile(absl::StrCat(name, ":", number), error.sink_status);
  }
  Refuse(name, number, line, error);
  if (error.ends_input) return absl::InvalidArgumentError("nothing can be read without the header");
  if (options_.skip_bad_lines) return absl::OkStatus();
  return absl::InvalidArgumentError("stopped at the first bad line; --on-error skip goes on");
}

absl::Status Importer::OpenContent(const std::string& path, const std::string& name,
                                   Content& content) {
  auto file = FileSource::Open(path);
  if (!file.ok()) return file.status();
  content.file = *std::move(file);
  observer_.on_file(name, content.file->size());
  const auto magic = content.file->Peek();
  if (!magic.ok()) return magic.status();
  const Compression compression = DetectCompression(*magic);
  auto bytes = Decompress(*content.file, compression);
  if (!bytes.ok()) return bytes.status();
  content.bytes = *std::move(bytes);
  content.reader.emplace(*content.bytes, options_.line_bytes_max);
  const auto head = content.reader->Peek(kHeadBytes);
  if (!head.ok()) return head.status();
  const std::string tail = head->size() < kHeadBytes           ? std::string(*head)
                           : compression == Compression::kNone ? content.file->ReadTail(kTailBytes)
                                                               : std::string();
  const InputFormat format =
      options_.format ? *options_.format : DetectInputFormat(name, *head, tail);
  if (format == InputFormat::kCsv) content.reader->SetCsv(DelimiterOf(name, options_.csv));
  content.parser = MakeParser(format, name, options_, sink_);
  return absl::OkStatus();
}

absl::Status Importer::ReadFile(const std::string& path, const std::string& name) {
  Content content;
  if (const absl::Status opened = OpenContent(path, name, content); !opened.ok()) {
    return InFile(name, opened);
  }
  const absl::Status result = ReadLines(name, content);
  counts_.samples += content.parser->counts().samples;
  counts_.untimed_samples += content.parser->counts().untimed;
  counts_.file_bytes += content.file->bytes_read();
  for (const std::string& note : content.parser->Notes()) {
    if (observer_.on_note) observer_.on_note(absl::StrCat(name, ": ", note));
  }
  return result;
}

absl::Status Importer::ReadLines(const std::string& name, Content& content) {
  Line line;
  LineError error;
  while (true) {
    const absl::StatusOr<bool> more = content.reader->Next(line);
    if (!more.ok()) {
      // The line after the last whole one is where the damage shows.
      return InFile(absl::StrCat(name, ":", position_.line + 1), more.status());
    }
    if (!*more) {
      if (!content.parser->Finish(error)) {
        const absl::Status result = NotTaken(name, position_.line, "", error);
        if (!result.ok()) return result;
      }
      position_.at_end = true;
      return absl::OkStatus();
    }
    counts_.lines += line.lines;
    counts_.text_bytes += line.text.size() + line.terminated;
    const bool taken = line.too_long
                           ? error.Set(Reason::kTooLong, 0,
                                       "the line is longer than the limit of " +
                                           std::to_string(options_.line_bytes_max) + " bytes")
                           : content.parser->Parse(line.text, error);
    if (!taken) {
      const absl::Status result = NotTaken(name, line.number, line.text, error);
      if (!result.ok()) return result;
    }
    position_.line = line.number + line.lines - 1;
    const uint64_t bytes_read = content.file->bytes_read();
    if (bytes_read - content.reported >= kProgressBytes) {
      content.reported = bytes_read;
      observer_.on_progress(bytes_read);
    }
    if (interrupted_.load(std::memory_order_relaxed)) return absl::CancelledError("interrupted");
  }
}

}  // namespace tsdb::importer
