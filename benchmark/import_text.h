// The reference workload as text files, one of each format that `tsdb import` reads: ten series a
// host, with labels like those of a node exporter.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "benchmark/input.h"
#include "benchmark/workload.h"
#include "storage/base/labels.h"

namespace tsdb::benchmark {

// kCsv has a line for every sample, as `tsdb export` writes it; kWideCsv and kInflux one for a
// host's ten values.
enum class TextFormat : uint8_t { kPrometheus, kOpenMetrics, kJsonLines, kCsv, kWideCsv, kInflux };

inline constexpr TextFormat kTextFormats[] = {TextFormat::kPrometheus, TextFormat::kOpenMetrics,
                                              TextFormat::kJsonLines,  TextFormat::kCsv,
                                              TextFormat::kWideCsv,    TextFormat::kInflux};
inline constexpr uint32_t kSeriesPerHost = 10;

// For the report, and what a file's name ends with.
const char* TextFormatName(TextFormat format);
const char* TextFormatExtension(TextFormat format);

absl::StatusOr<Labels> ImportedLabels(SeriesId series);

// The series whose timestamps this one has in the file: a line of several values has one time.
SeriesId TimesOf(SeriesId series, TextFormat format);

// Writes all of the workload; with a defect, but for one record, which is left out or changed.
// REQUIRES: a multiple of kSeriesPerHost series, order kScrape or kSeries.
absl::Status WriteText(const Workload& workload, Order order, TextFormat format, Defect defect,
                       const std::string& path);

}  // namespace tsdb::benchmark
