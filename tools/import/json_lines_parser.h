// One series per line:
// {"metric":{"label":"value",...},"values":[..],"timestamps":[milliseconds..]}, the shape
// Prometheus-compatible databases export. A value is a number or one of the strings "NaN", "+Inf",
// "-Inf" or a decimal number in quotes; null is NaN, as VictoriaMetrics writes it ("Infinity" and
// "-Infinity", which it writes too, are numbers in quotes). Other keys are ignored.
//
// A line is taken whole or not at all. Memory: the line, and 16 bytes for each of its samples.
//
// Thread safety: none.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tools/import/line_parser.h"
#include "tools/import/sink.h"

namespace tsdb::importer {

class JsonLinesParser : public LineParser {
 public:
  explicit JsonLinesParser(Sink& sink);
  ~JsonLinesParser() override;

  // REQUIRES: LineReader::kPadding readable bytes after the line.
  bool Parse(std::string_view line, LineError& error) override;
  bool Finish(LineError& error) override;

 private:
  struct State;  // simdjson's parser and the columns, kept from line to line
  Sink& sink_;
  const std::unique_ptr<State> state_;
};

}  // namespace tsdb::importer
