#include "tools/import/line_parser.h"

#include <algorithm>

#include "storage/base/labels.h"

namespace tsdb::importer {

std::string InQuotes(std::string_view text) {
  constexpr size_t kShownBytes = 40;
  size_t shown = std::min(text.size(), kShownBytes);
  while (shown > 0 && shown < text.size() && (text[shown] & 0xC0) == 0x80) --shown;
  std::string quoted = "'";
  quoted += text.substr(0, shown);
  const bool valid = IsValidUtf8(text.substr(0, shown));
  for (char& c : quoted) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = ' ';
    if (byte >= 0x80 && !valid) c = '?';
  }
  return quoted + (shown < text.size() ? "...'" : "'");
}

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
