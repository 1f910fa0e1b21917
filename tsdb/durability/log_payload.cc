#include "tsdb/durability/log_payload.h"

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

}  // namespace tsdb::durability
