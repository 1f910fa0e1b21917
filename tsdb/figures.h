// Every figure of Stats and every option under a name of its own, as Prometheus would have it, and
// as text that Prometheus reads: for monitoring, for STATS (tsdb/published_stats.h), for whoever
// lists them.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/database.h"
#include "tsdb/options.h"

namespace tsdb {

struct StatFigure {
  enum class Kind : uint8_t { kCounter, kGauge };

  std::string name;  // tsdb_..., with the unit (_seconds, _bytes) and, of a counter, _total last
  Kind kind = Kind::kGauge;
  std::string help;   // a sentence, without newlines
  std::string label;  // its one label; empty: it has none
  std::string label_value;
  double value = 0;

  friend bool operator==(const StatFigure&, const StatFigure&) = default;
};

// Every number in `stats` once; those of one name follow each other. Counters are since the opening
// of the database. Encodings that there are no names for are listed only if they are used.
std::vector<StatFigure> FiguresOf(const Stats& stats);
// Every option but `directory` and `read_only`, as tsdb_option{name="..."}: truth values, and the
// first and second of two words, are 0 and 1.
std::vector<StatFigure> FiguresOf(const Options& options);

// Prometheus's text format 0.0.4, without timestamps. REQUIRES: those of one name follow each
// other.
std::string ExpositionText(std::span<const StatFigure> figures);

// A line of such text: what it is called, and its value.
struct StatSample {
  std::string_view name;
  std::string_view label;
  std::string_view label_value;
  double value = 0;
};

// What FiguresOf wrote of this sample is put back where it came from. False if the sample is none
// of them, or its value could not be one.
bool SetFigure(const StatSample& sample, Stats& stats);
bool SetFigure(const StatSample& sample, Options& options);

}  // namespace tsdb
