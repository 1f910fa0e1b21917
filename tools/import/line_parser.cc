#include "tools/import/line_parser.h"

namespace tsdb::importer {

std::string_view ReasonName(Reason reason) {
  switch (reason) {
    case Reason::kMalformed:
      return "malformed";
    case Reason::kLabels:
      return "invalid_labels";
    case Reason::kTimestampRange:
      return "timestamp_out_of_range";
    case Reason::kRule:
      return "against_openmetrics_rules";
    case Reason::kTooLong:
      return "line_too_long";
  }
  return "";
}

}  // namespace tsdb::importer
