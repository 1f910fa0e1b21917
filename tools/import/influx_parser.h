// InfluxDB line protocol: `measurement,tag=value,... field=value,field=value,... timestamp`.
//
//   series      named measurement_field, as VictoriaMetrics does, whatever the field is called; a
//               tag "__name__" gives the whole name instead. Tags are its labels
//   fields      decimals, integers (12i, 12u), truth values (1 and 0); strings are no samples: they
//               are counted and left out
//   timestamps  of one unit, nanoseconds unless told otherwise, kept to the nearest millisecond
//   escapes     \, \= \blank and \\ in names and tags, \" and \\ in strings; a backslash before
//               anything else stands for itself. A string that goes over several lines is refused
//
// Thread safety: none.
//
// Format: docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/labels.h"
#include "storage/base/types.h"
#include "tools/import/line_parser.h"
#include "tools/import/series_cache.h"
#include "tools/import/sink.h"
#include "tools/import/text_time.h"

namespace tsdb::importer {

struct InfluxOptions {
  TimeUnit precision = TimeUnit::kNanoseconds;
  Timestamp default_timestamp = 0;  // of lines without one
};

class InfluxParser : public LineParser {
 public:
  InfluxParser(const InfluxOptions& options, Sink& sink) : options_(options), sink_(sink) {}

  bool Parse(std::string_view line, LineError& error) override;
  bool Finish(LineError& error) override;
  std::vector<std::string> Notes() const override;

 private:
  // The fields seen under one measurement and set of tags, by name as written, in order of sight:
  // which is that of the next line, mostly.
  struct Field {
    std::string name;
    SeriesId series = kInvalidSeriesId;
  };
  struct Fields {
    std::vector<Field> list;
    std::map<std::string, size_t, std::less<>> places;
  };
  using Known = SeriesCache<Fields>::Entry;
  struct Staged {
    size_t field;  // its place in the list
    double number;
  };
  enum class FieldKind { kNumber, kString };

  Known* FindKnown(std::string_view line, size_t& end);
  bool ParseKey(std::string_view line, size_t& end, LineError& error);
  bool ParseFields(std::string_view line, size_t& position, Fields& fields, LineError& error);
  bool ParseField(std::string_view line, size_t& position, Fields& fields, LineError& error);
  bool ParseFieldValue(std::string_view line, size_t& position, double& number, FieldKind& kind,
                       LineError& error);
  bool ParseTimestamp(std::string_view line, size_t position, Timestamp& timestamp, bool& timed,
                      LineError& error) const;
  bool Register(std::string_view line, const Field& field, SeriesId& series, LineError& error);

  const InfluxOptions options_;
  Sink& sink_;
  SeriesCache<Fields> known_;

  // Of the line at hand.
  std::vector<Staged> staged_;
  uint64_t strings_ = 0;
  uint64_t rounded_ = 0;

  uint64_t strings_left_out_ = 0;
  uint64_t integers_rounded_ = 0;
  Timestamp latest_ = kTimestampMin;
};

}  // namespace tsdb::importer
