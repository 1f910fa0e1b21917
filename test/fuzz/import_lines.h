// What the fuzz targets of the importers share: text in, lines through a parser, samples in a sink
// that remembers them with their labels.
//
// Thread safety: one thread.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/labels.h"
#include "test/fuzz/fuzz_target.h"
#include "tools/import/byte_source.h"
#include "tools/import/line_parser.h"
#include "tools/import/line_reader.h"
#include "tools/import/sink.h"

namespace tsdb::fuzz {

struct ImportedSample {
  SeriesId series;
  Timestamp timestamp;
  double value;
};

class RecordingSink : public importer::Sink {
 public:
  absl::StatusOr<SeriesId> FindOrCreateSeries(const Labels& labels) override {
    TSDB_CHECK(!labels.empty());
    const auto [it, fresh] =
        ids_.emplace(std::string(labels.bytes()), static_cast<SeriesId>(series.size()));
    if (fresh) series.push_back(labels);
    return it->second;
  }
  absl::Status Append(SeriesId id, Timestamp timestamp, double value) override {
    TSDB_CHECK(id < series.size());
    samples.push_back({id, timestamp, value});
    return absl::OkStatus();
  }
  absl::Status AppendColumns(SeriesId id, std::span<const Timestamp> timestamps,
                             std::span<const double> values) override {
    TSDB_CHECK(timestamps.size() == values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      if (absl::Status status = Append(id, timestamps[i], values[i]); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  std::vector<Labels> series;
  std::vector<ImportedSample> samples;

 private:
  std::map<std::string, SeriesId> ids_;
};

// The same samples of the same series in the same order; any NaN is the same to text.
inline bool SameSamples(const RecordingSink& a, const RecordingSink& b) {
  return std::equal(a.samples.begin(), a.samples.end(), b.samples.begin(), b.samples.end(),
                    [&](const ImportedSample& x, const ImportedSample& y) {
                      const bool same_value = (x.value != x.value && y.value != y.value) ||
                                              std::memcmp(&x.value, &y.value, sizeof(double)) == 0;
                      return a.series[x.series] == b.series[y.series] &&
                             x.timestamp == y.timestamp && same_value;
                    });
}

// Gives a few bytes at a time, so that lines lie across reads.
class TextSource : public importer::ByteSource {
 public:
  TextSource(std::string_view text, size_t step) : text_(text), step_(step) {}
  absl::StatusOr<size_t> Read(char* buffer, size_t bytes) override {
    const size_t length = std::min({bytes, step_, text_.size()});
    std::copy_n(text_.data(), length, buffer);
    text_.remove_prefix(length);
    return length;
  }

 private:
  std::string_view text_;
  const size_t step_;
};

// One line through `parser`, which leaves no sample of it if it refuses it. Whether it was taken.
// REQUIRES: LineReader::kPadding readable bytes after the line.
inline bool FeedLine(std::string_view line, importer::LineParser& parser,
                     const RecordingSink& sink) {
  importer::LineError error;
  const size_t before = sink.samples.size();
  if (parser.Parse(line, error)) return true;
  TSDB_CHECK(!error.message.empty() && error.column <= line.size() + 1);
  TSDB_CHECK(error.sink_status.ok() && sink.samples.size() == before);
  return false;
}

// Every line of `text`, in memory of its own; how many were refused.
inline size_t FeedLines(std::string_view text, importer::LineParser& parser,
                        const RecordingSink& sink) {
  size_t refused = 0;
  while (!text.empty()) {
    const size_t length = std::min(text.find('\n'), text.size());
    std::vector<uint8_t> line(text.begin(), text.begin() + static_cast<ptrdiff_t>(length));
    line.resize(length + importer::LineReader::kPadding);
    const ExactBytes exact(line);
    refused += !FeedLine(AsText(exact.bytes().first(length)), parser, sink);
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return refused;
}

// The same through a LineReader that reads `step` bytes at a time and leaves out long lines; with a
// delimiter, records of CSV.
inline void FeedReader(std::string_view text, size_t step, size_t line_bytes_max,
                       importer::LineParser& parser, const RecordingSink& sink,
                       std::optional<char> csv_delimiter = std::nullopt) {
  TextSource source(text, step);
  importer::LineReader reader(source, line_bytes_max);
  if (csv_delimiter) reader.SetCsv(*csv_delimiter);
  importer::Line line;
  size_t text_bytes = 0;
  for (uint64_t number = 1;; number += line.lines) {
    const absl::StatusOr<bool> more = reader.Next(line);
    TSDB_CHECK(more.ok());
    if (!*more) break;
    TSDB_CHECK(line.number == number && line.text.size() <= line_bytes_max);
    text_bytes += line.text.size();
    if (!line.too_long) FeedLine(line.text, parser, sink);
  }
  TSDB_CHECK(text_bytes <= text.size());
}

// After the last line: the counts agree, and there are no more samples than the text has room for
// (one takes two bytes at the least).
inline void CheckCounts(std::string_view text, importer::LineParser& parser,
                        const RecordingSink& sink) {
  TSDB_CHECK(parser.counts().samples == sink.samples.size());
  TSDB_CHECK(parser.counts().untimed <= parser.counts().samples);
  TSDB_CHECK(sink.samples.size() <= text.size() / 2);
  importer::LineError error;
  TSDB_CHECK(parser.Finish(error) || !error.message.empty());
}

}  // namespace tsdb::fuzz
