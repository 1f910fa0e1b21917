// Lines of Prometheus text or OpenMetrics text to samples. A series seen before is recognised by
// its text as written, so that its labels are parsed, checked and looked up once, not for every
// sample.
//
// What differs between the two:
//   timestamps   whole milliseconds in Prometheus text, decimal seconds in OpenMetrics
//   the end      OpenMetrics ends with `# EOF`; without it the input was cut short
//   exemplars    OpenMetrics only; checked, then dropped
//
// Thread safety: none.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "storage/base/types.h"
#include "tools/import/exposition_syntax.h"
#include "tools/import/line_parser.h"
#include "tools/import/series_cache.h"
#include "tools/import/sink.h"

namespace tsdb::importer {

class OpenMetricsRules;

struct ExpositionOptions {
  Dialect dialect = Dialect::kPrometheus;
  // For samples without a timestamp.
  Timestamp default_timestamp = 0;
  // OpenMetrics: beside the syntax hold every line to the specification's rules about types, names,
  // order and values. Off, files that were put together from several scrapes pass.
  bool strict = false;
};

class ExpositionParser : public LineParser {
 public:
  ExpositionParser(const ExpositionOptions& options, Sink& sink);
  ~ExpositionParser() override;

  bool Parse(std::string_view line, LineError& error) override;
  bool Finish(LineError& error) override;

 private:
  struct Tail {  // what follows the series
    double value = 0;
    bool has_timestamp = false;
    bool has_exemplar = false;
    Timestamp timestamp = 0;
    std::string_view timestamp_text;
  };

  using KnownSeries = SeriesCache<SeriesId>::Entry;

  bool ParseComment(std::string_view line, LineError& error);
  bool ParseSample(std::string_view line, LineError& error);
  bool ParseTail(std::string_view line, size_t position, Tail& tail, LineError& error);
  bool ParseTimestamp(std::string_view line, size_t position, size_t end, Tail& tail,
                      LineError& error);
  bool ParseExemplar(std::string_view line, size_t position, LineError& error);
  KnownSeries* FindKnown(std::string_view line, size_t& end);
  KnownSeries* RegisterSeries(std::string_view key, LineError& error);

  const ExpositionOptions options_;
  Sink& sink_;
  const std::unique_ptr<OpenMetricsRules> rules_;  // null unless strict
  SeriesCache<SeriesId> known_;
  ParsedSeries series_;    // of the line at hand
  ParsedSeries exemplar_;  // likewise
  bool timestamp_seen_ = false;
  bool eof_seen_ = false;
};

}  // namespace tsdb::importer
