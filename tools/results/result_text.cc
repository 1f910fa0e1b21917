#include "tools/results/result_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>

#include "tools/number_text.h"
#include "tools/terminal.h"

namespace tsdb::tools {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Bytes of the well-formed character at the front of `text`, 0 if there is none.
size_t CharacterBytes(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text.front());
  const size_t bytes = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (bytes == 0 || bytes > text.size()) return 0;
  return IsValidUtf8(text.substr(0, bytes)) ? bytes : 0;
}

// Characters that nothing is drawn for but that turn, hide or break what is drawn after them:
// marks, embeddings and isolates of direction, line and paragraph separator, byte order mark.
bool IsInvisible(std::string_view character) {
  if (character == "\xD8\x9C" || character == "\xEF\xBB\xBF") return true;
  if (character.size() != 3 || character[0] != '\xE2') return false;
  const auto second = static_cast<uint8_t>(character[1]);
  const auto third = static_cast<uint8_t>(character[2]);
  if (second == 0x80) return third == 0x8E || third == 0x8F || (third >= 0xA8 && third <= 0xAE);
  return second == 0x81 && third >= 0xA6 && third <= 0xA9;
}

std::string EscapeInvisible(std::string_view text) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const std::string_view character = text.substr(i, CharacterBytes(text.substr(i)));
    i += character.size();
    if (!IsInvisible(character)) {
      out += character;
      continue;
    }
    unsigned code = static_cast<uint8_t>(character[0]) & (character.size() == 2 ? 0x1F : 0x0F);
    for (const char c : character.substr(1)) code = code << 6 | (static_cast<uint8_t>(c) & 0x3F);
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[code >> shift & 15];
  }
  return out;
}

// The shortest digits that read back to the value, as d.ddde+xx.
std::string Scientific(double value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific).ptr};
}

bool IsIdentifier(std::string_view text, bool colons) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && !is_digit(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                  (c == ':' && colons);
         });
}

std::string Quoted(std::string_view text, size_t width) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  std::string quoted = "\"";
  quoted += ForPeople(escaped, width);
  return quoted += '"';
}

}  // namespace

std::string WellFormed(std::string_view text) {
  if (IsValidUtf8(text)) return std::string(text);
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t bytes = CharacterBytes(text.substr(i));
    out += bytes == 0 ? kReplacement : text.substr(i, bytes);
    i += std::max<size_t>(bytes, 1);
  }
  return out;
}

std::string ForPeople(std::string_view text, size_t width) {
  return CutMiddle(Printable(EscapeInvisible(WellFormed(text))), width);
}

std::string XmlText(std::string_view text) {
  std::string out;
  const std::string well_formed = WellFormed(text);
  for (size_t i = 0; i < well_formed.size(); ++i) {
    const char c = well_formed[i];
    const auto byte = static_cast<uint8_t>(c);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else if (byte < 0x20 && c != '\t' && c != '\n') {
      out += kReplacement;
    } else if (well_formed.compare(i, 3, "\xEF\xBF\xBE") == 0 ||
               well_formed.compare(i, 3, "\xEF\xBF\xBF") == 0) {
      out += kReplacement;  // U+FFFE and U+FFFF are no characters of XML
      i += 2;
    } else {
      out += c;
    }
  }
  return out;
}

LabelSplit SplitLabels(std::span<const PromqlSeries> series) {
  LabelSplit split;
  if (series.empty()) return split;
  std::vector<Label> common;
  for (const Label label : series.front().labels) {
    if (std::all_of(series.begin(), series.end(), [&](const PromqlSeries& each) {
          return each.labels.Get(label.name) == label.value;
        })) {
      common.push_back(label);
    }
  }
  if (absl::StatusOr<Labels> labels = Labels::Create(common); labels.ok()) {
    split.common = *std::move(labels);
  }
  std::set<std::string, std::less<>> names;
  for (const PromqlSeries& each : series) {
    for (const Label label : each.labels) {
      if (split.common.Get(label.name).empty() && !names.contains(label.name)) {
        names.emplace(label.name);
      }
    }
  }
  split.differing.assign(names.begin(), names.end());
  return split;
}

std::string NameOfSeries(const Labels& labels, const std::vector<std::string>& names,
                         size_t value_width) {
  std::string metric;
  std::string rest;
  for (const std::string& name : names) {
    const std::string_view value = labels.Get(name);
    if (value.empty()) continue;
    if (name == kMetricNameLabel && IsIdentifier(value, true)) {
      metric = ForPeople(value, value_width);
      continue;
    }
    if (!rest.empty()) rest += ',';
    if (name != kMetricNameLabel) {
      rest += IsIdentifier(name, false) ? ForPeople(name, value_width) : Quoted(name, value_width);
      rest += '=';
    }
    rest += Quoted(value, value_width);
  }
  return metric.empty() || !rest.empty() ? metric + "{" + rest + "}" : metric;
}

std::string NameOfSeries(const Labels& labels, size_t value_width) {
  std::vector<std::string> names;
  for (const Label label : labels) names.emplace_back(label.name);
  return NameOfSeries(labels, names, value_width);
}

std::string LabelTitle(std::string_view name, size_t width) {
  return name == kMetricNameLabel ? "metric" : ForPeople(name, width);
}

std::string ApiSampleValue(double value) {
  const double magnitude = std::abs(value);
  const bool exponent = magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21);
  return exponent && std::isfinite(value) ? Scientific(value) : ApiScalarValue(value);
}

// Not std::chars_format::fixed, which writes all digits of what the shortest ones stand for:
// 333333333333333311488 and not 333333333333333300000.
std::string ApiScalarValue(double value) {
  if (!std::isfinite(value)) return ExactValue(value);
  const std::string scientific = Scientific(value);
  const size_t exponent_at = scientific.find('e');
  const int exponent = std::atoi(scientific.c_str() + exponent_at + 1);
  std::string digits;
  for (const char c : scientific.substr(0, exponent_at)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  std::string text = std::signbit(value) ? "-" : "";
  if (exponent < 0) {
    text += "0.";
    text.append(static_cast<size_t>(-exponent) - 1, '0');
    return text += digits;
  }
  const size_t whole = static_cast<size_t>(exponent) + 1;
  text += digits.substr(0, whole);
  if (whole < digits.size()) {
    text += '.';
    text += digits.substr(whole);
  } else {
    text.append(whole - digits.size(), '0');
  }
  return text;
}

std::string Rfc3339Time(Timestamp timestamp) {
  std::string text = ReadableTime(timestamp);
  if (text.size() < 19 || text[10] != ' ' || text[4] != '-' || text.ends_with('s')) {
    return std::to_string(timestamp);
  }
  text[10] = 'T';
  if (text.size() == 19) text += ".000";
  return text + "Z";
}

SeriesSummary SummaryOf(const PromqlSeries& series) {
  SeriesSummary summary;
  summary.samples = series.samples.size();
  summary.min = summary.max = summary.mean = summary.last =
      std::numeric_limits<double>::quiet_NaN();
  double mean = 0;
  size_t finite = 0;
  for (const Sample& sample : series.samples) {
    summary.last = sample.value;
    // fmin and fmax pass over NaN.
    summary.min = std::fmin(summary.min, sample.value);
    summary.max = std::fmax(summary.max, sample.value);
    if (!std::isfinite(sample.value)) continue;
    ++finite;
    // Step by step: a sum may overflow.
    mean += sample.value / static_cast<double>(finite) - mean / static_cast<double>(finite);
  }
  if (finite > 0) summary.mean = mean;
  return summary;
}

TimeSpan SpanOf(std::span<const PromqlSeries> series) {
  TimeSpan span;
  for (const PromqlSeries& each : series) {
    if (each.samples.empty()) continue;
    span.first = std::min(span.first, each.samples.front().timestamp);
    span.last = std::max(span.last, each.samples.back().timestamp);
  }
  return span;
}

}  // namespace tsdb::tools
