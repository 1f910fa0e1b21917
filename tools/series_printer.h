// Prints selected series in the formats of `tsdb query` and `tsdb export`, each in a file of its
// own. All but the table read series by series, so that memory does not grow with the samples.
//
// Thread safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "storage/base/labels.h"
#include "storage/base/types.h"
#include "tools/output.h"
#include "tools/terminal.h"
#include "tsdb/snapshot.h"

namespace tsdb::tools {

struct SelectedSeries {
  SeriesId id;
  Labels labels;
};

struct Selection {
  const Snapshot& snapshot;
  TimeRange range;
  std::vector<SelectedSeries>
      series;                    // to be printed: each has a sample in the range, in label order
  uint64_t series_left_out = 0;  // beyond --limit
};

// The response of Prometheus's HTTP API: a matrix, values as shortest exact decimals.
void PrintJson(const Selection& selection, Output& output);

// One line a sample: the labels of all series as columns, then timestamp_ms and value (RFC 4180
// quotes, lines end with a newline only).
void PrintCsv(const Selection& selection, Output& output);

// OpenMetrics text. REQUIRES: every series has a metric name, and those of one name are together.
void PrintOpenMetrics(const Selection& selection, Output& output);

// Prometheus text, version 0.0.4, with timestamps. REQUIRES: as PrintOpenMetrics.
void PrintPrometheus(const Selection& selection, Output& output);

// InfluxDB's line protocol, timestamps in nanoseconds; samples it cannot have are left out.
// REQUIRES: it can have the series.
void PrintInflux(const Selection& selection, Output& output);
// It has no NaN, no infinities, and no times before 1677-09-21 or after 2262-04-11; no newlines in
// labels, and no series without a name.
bool InfluxHas(Timestamp timestamp, double value);
bool InfluxHas(const Labels& labels);

// {"metric":{...},"values":[...],"timestamps":[...]}, a line or more a series.
void PrintJsonLines(const Selection& selection, Output& output);

// For people. One line a series: what tells it from the others, its number of samples, extremes,
// last value and course; or, with `every_sample`, a table of samples for each.
void PrintTable(const Selection& selection, bool every_sample, const Style& style, size_t width,
                Output& output);

}  // namespace tsdb::tools
