#include "tsdb/durability/log_payload.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/coding.h"
#include "storage/base/labels.h"
#include "storage/base/status_macros.h"

namespace tsdb::durability {

bool AreCanonicalLabels(std::string_view bytes) {
  const Labels claimed = Labels::FromCanonicalBytes(bytes);
  std::vector<Label> labels;
  // Reading labels stops at the end of the bytes, whatever they are.
  for (const Label label : claimed) labels.push_back(label);
  const absl::StatusOr<Labels> made = Labels::Create(labels);
  return made.ok() && made->bytes() == bytes;
}

void AppendSeries(SeriesId series, std::string_view labels, std::vector<uint8_t>& payload) {
  AppendVarint64(&payload, series);
  AppendVarint64(&payload, labels.size());
  payload.insert(payload.end(), labels.begin(), labels.end());
}

absl::Status ReadSeries(
    std::span<const uint8_t> payload,
    const std::function<absl::Status(SeriesId series, std::string_view labels)>& each) {
  ByteReader reader(payload);
  while (!reader.empty()) {
    const size_t offset = reader.position();
    uint32_t series;
    uint64_t length;
    std::span<const uint8_t> bytes;
    if (!reader.ReadVarint32(&series) || !reader.ReadVarint64(&length) ||
        !reader.ReadBytes(length, &bytes)) {
      return absl::DataLossError(absl::StrCat("reading series: cut short or malformed at byte ",
                                              offset, " of ", payload.size(), " of the payload"));
    }
    const std::string_view labels(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!AreCanonicalLabels(labels)) {
      return absl::DataLossError(absl::StrCat("reading series: the labels of series ", series,
                                              " at byte ", offset,
                                              " of the payload are not well-formed"));
    }
    TSDB_RETURN_IF_ERROR(each(series, labels));
  }
  return absl::OkStatus();
}

std::vector<uint8_t> EncodeDelete(std::span<const SeriesId> series, TimeRange range) {
  std::vector<uint8_t> payload(16);
  PutFixed64(payload.data(), static_cast<uint64_t>(range.begin));
  PutFixed64(payload.data() + 8, static_cast<uint64_t>(range.end));
  // Stretches of neighbouring numbers: how many are left out, how many there are.
  uint64_t next = 0;
  for (size_t i = 0; i < series.size();) {
    size_t end = i + 1;
    while (end < series.size() && series[end] == series[end - 1] + 1) ++end;
    AppendVarint64(&payload, series[i] - next);
    AppendVarint64(&payload, end - i);
    next = uint64_t{series[end - 1]} + 1;
    i = end;
  }
  return payload;
}

absl::Status DecodeDelete(std::span<const uint8_t> payload, uint64_t series_limit,
                          std::vector<SeriesId>* series, TimeRange* range) {
  constexpr uint64_t kSeriesLimit = uint64_t{1} << 32;
  ByteReader reader(payload);
  uint64_t begin;
  uint64_t end;
  if (!reader.ReadFixed64(&begin) || !reader.ReadFixed64(&end)) {
    return absl::DataLossError("reading a deletion: it is cut short");
  }
  *range = {static_cast<Timestamp>(begin), static_cast<Timestamp>(end)};
  series->clear();
  uint64_t next = 0;
  while (!reader.empty()) {
    uint64_t left_out;
    uint64_t count;
    if (!reader.ReadVarint64(&left_out) || !reader.ReadVarint64(&count) || count == 0 ||
        left_out > kSeriesLimit || count > kSeriesLimit || next + left_out + count > kSeriesLimit) {
      return absl::DataLossError(absl::StrCat("reading a deletion: malformed series before byte ",
                                              reader.position(), " of ", payload.size()));
    }
    next += left_out;
    for (uint64_t i = next; i < std::min(next + count, series_limit); ++i) {
      series->push_back(static_cast<SeriesId>(i));
    }
    next += count;
  }
  return absl::OkStatus();
}

}  // namespace tsdb::durability
