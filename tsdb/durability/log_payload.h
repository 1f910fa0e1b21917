// What the batches of the log say: which series there are, and which records were appended. The
// log itself carries bytes and a kind; docs/formats/log-payloads.md gives every byte.
//
// Thread safety: functions without state, from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "storage/base/types.h"

namespace tsdb::durability {

// Stands where a number in a file has no series any more: its labels are lost.
inline constexpr SeriesId kUnknownSeries = ~SeriesId{0};

enum class PayloadKind : uint8_t {
  kSeries = 1,     // labels of series, by number; before the first record that names the number
  kRecords = 2,    // runs of records (storage/codec/run.h)
  kNumbering = 3,  // numbers given before this mean nothing after it
  kDelete = 4,     // records of series in a range of time are gone
};

// Whether the bytes are just what Labels makes of the labels in them (Labels::bytes).
bool AreCanonicalLabels(std::string_view bytes);

// Adds a series to a kSeries payload. `labels`: canonical bytes (Labels::bytes).
void AppendSeries(SeriesId series, std::string_view labels, std::vector<uint8_t>& payload);

// Calls `each` for every series of a kSeries payload, in order. kDataLoss, naming the offset in the
// payload, for bytes that AppendSeries did not write or labels that are not canonical; the series
// before it have been passed on by then. An error of `each` ends it.
absl::Status ReadSeries(
    std::span<const uint8_t> payload,
    const std::function<absl::Status(SeriesId series, std::string_view labels)>& each);

// A kDelete payload. `series`: ascending.
std::vector<uint8_t> EncodeDelete(std::span<const SeriesId> series, TimeRange range);
// Leaves out series from `series_limit` on. kDataLoss for bytes that EncodeDelete did not write.
absl::Status DecodeDelete(std::span<const uint8_t> payload, uint64_t series_limit,
                          std::vector<SeriesId>* series, TimeRange* range);

}  // namespace tsdb::durability
