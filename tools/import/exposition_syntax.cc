#include "tools/import/exposition_syntax.h"

#include <algorithm>
#include <array>

namespace tsdb::importer {
namespace {

constexpr std::string_view kPrometheusTypes[] = {"counter", "gauge",   "histogram",
                                                 "summary", "untyped", "unknown"};
constexpr std::string_view kOpenMetricsTypes[] = {
    "counter", "gauge", "histogram", "summary", "unknown", "gaugehistogram", "stateset", "info"};

bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool IsNameCharacter(char c) { return IsNameStart(c) || (c >= '0' && c <= '9'); }

size_t NameEnd(std::string_view line, size_t position, bool colon_allowed) {
  const auto is_start = [&](char c) { return IsNameStart(c) || (colon_allowed && c == ':'); };
  if (position >= line.size() || !is_start(line[position])) return position;
  while (position < line.size() &&
         (IsNameCharacter(line[position]) || (colon_allowed && line[position] == ':'))) {
    ++position;
  }
  return position;
}

// Reads a line from left to right; remembers nothing but its place.
class Parser {
 public:
  Parser(std::string_view line, size_t position, Dialect dialect, ParsedSeries& series,
         LineError& error)
      : line_(line), position_(position), dialect_(dialect), series_(series), error_(error) {
    // Views into the text stay valid while it grows: unescaping never makes text longer.
    series_.unescaped.clear();
    series_.unescaped.reserve(line.size());
  }

  bool Series() {
    const size_t name_end = NameEnd(line_, 0, true);
    if (name_end > 0) {
      series_.labels.push_back({kMetricNameLabel, line_.substr(0, name_end)});
      position_ = name_end;
      size_t brace = name_end;
      while (dialect_ == Dialect::kPrometheus && brace < line_.size() && IsBlank(line_[brace])) {
        ++brace;
      }
      if (brace < line_.size() && line_[brace] == '{') position_ = brace;
    }
    const size_t name_at = position_;
    if (At('{') && !LabelSet(true)) return false;
    for (const Label& label : series_.labels) {
      if (label.name == kMetricNameLabel && !label.value.empty()) return true;
    }
    return Fail(name_at, "a metric name is missing");
  }

  // With `metric_name_allowed` a quoted text without `=` is the metric's name.
  bool LabelSet(bool metric_name_allowed) {
    ++position_;  // the brace
    SkipBlanks();
    while (!At('}')) {
      if (!OneLabel(metric_name_allowed)) return false;
      SkipBlanks();
      if (At('}')) break;
      if (position_ >= line_.size()) return Fail(position_, "the line ends inside the labels");
      if (!At(',')) return Fail(position_, "a ',' or '}' is missing between labels");
      ++position_;
      SkipBlanks();
      if (At('}') && dialect_ == Dialect::kOpenMetrics) {
        return Fail(position_ - 1, "a ',' before '}'");
      }
    }
    ++position_;
    return true;
  }

  size_t position() const { return position_; }

 private:
  bool At(char c) const { return position_ < line_.size() && line_[position_] == c; }
  bool Fail(size_t position, std::string message) {
    return error_.Set(Reason::kMalformed, position + 1, std::move(message));
  }
  void SkipBlanks() {
    if (dialect_ == Dialect::kOpenMetrics) return;
    while (position_ < line_.size() && IsBlank(line_[position_])) ++position_;
  }

  bool OneLabel(bool metric_name_allowed) {
    const size_t name_at = position_;
    Label label;
    if (At('"')) {
      if (!QuotedText(label.name)) return false;
    } else {
      const size_t end = NameEnd(line_, position_, false);
      if (end == position_) return Fail(position_, "a label name is missing");
      label.name = line_.substr(position_, end - position_);
      position_ = end;
    }
    SkipBlanks();
    const bool quoted = line_[name_at] == '"';
    if (quoted && metric_name_allowed && (At(',') || At('}'))) {
      if (!series_.labels.empty()) return Fail(name_at, "a second metric name");
      series_.labels.push_back({kMetricNameLabel, label.name});
      return true;
    }
    if (!At('=')) return Fail(position_, "a '=' is missing after the label name");
    ++position_;
    SkipBlanks();
    if (!At('"')) return Fail(position_, "a label value must be in double quotes");
    if (!QuotedText(label.value)) return false;
    series_.labels.push_back(label);
    return true;
  }

  // The text between the double quotes at the current place, unescaped: \\ \" \n; a backslash
  // before anything else stands for itself, in both formats.
  bool QuotedText(std::string_view& text) {
    const size_t opening = position_;
    const size_t begin = opening + 1;
    size_t i = begin;
    while (i < line_.size() && line_[i] != '"' && line_[i] != '\\') ++i;
    if (i < line_.size() && line_[i] == '"') {
      text = line_.substr(begin, i - begin);
      position_ = i + 1;
      return true;
    }
    std::string& out = series_.unescaped;
    const size_t out_begin = out.size();
    out.append(line_.substr(begin, i - begin));
    for (; i < line_.size() && line_[i] != '"'; ++i) {
      const char next = line_[i] == '\\' && i + 1 < line_.size() ? line_[i + 1] : '\0';
      if (next == '\\' || next == '"' || next == 'n') {
        out += next == 'n' ? '\n' : next;
        ++i;
      } else {
        out += line_[i];
      }
    }
    if (i >= line_.size()) return Fail(opening, "the quote is not closed");
    text = std::string_view(out).substr(out_begin);
    position_ = i + 1;
    return true;
  }

  const std::string_view line_;
  size_t position_;
  const Dialect dialect_;
  ParsedSeries& series_;
  LineError& error_;
};

// The family named in a metadata line at `position`, plain or quoted.
bool FamilyName(std::string_view line, size_t& position, std::string_view& name, LineError& error) {
  const size_t begin = position;
  if (begin < line.size() && line[begin] == '"') {
    size_t end = begin + 1;
    while (end < line.size() && line[end] != '"') end += line[end] == '\\' ? 2 : 1;
    if (end >= line.size()) return Fail(error, begin, "the quote is not closed");
    name = line.substr(begin + 1, end - begin - 1);
    position = end + 1;
    return true;
  }
  position = NameEnd(line, begin, true);
  if (position == begin) return Fail(error, begin, "a metric name is missing");
  name = line.substr(begin, position - begin);
  return true;
}

template <size_t kCount>
bool IsOneOf(std::string_view text, const std::string_view (&known)[kCount]) {
  return std::find(std::begin(known), std::end(known), text) != std::end(known);
}

bool OpenMetricsMetadata(std::string_view line, Metadata& metadata, LineError& error) {
  if (line == "# EOF") {
    metadata.kind = Metadata::Kind::kEof;
    return true;
  }
  if (line.starts_with("# HELP ")) {
    metadata.kind = Metadata::Kind::kHelp;
  } else if (line.starts_with("# TYPE ")) {
    metadata.kind = Metadata::Kind::kType;
  } else if (line.starts_with("# UNIT ")) {
    metadata.kind = Metadata::Kind::kUnit;
  } else {
    return Fail(error, 0, "only '# HELP', '# TYPE', '# UNIT' and '# EOF' may start with '#'");
  }
  size_t position = 7;
  if (!FamilyName(line, position, metadata.name, error)) return false;
  if (position >= line.size() || line[position] != ' ') {
    return Fail(error, position, "one space is missing after the metric name");
  }
  metadata.text = line.substr(position + 1);
  if (metadata.kind == Metadata::Kind::kType && !IsOneOf(metadata.text, kOpenMetricsTypes)) {
    return Fail(error, position + 1, "not a metric type of OpenMetrics");
  }
  if (metadata.kind == Metadata::Kind::kUnit && !metadata.text.empty() &&
      NameEnd(line, position + 1, true) != line.size()) {
    return Fail(error, position + 1, "not a unit");
  }
  if (metadata.kind == Metadata::Kind::kHelp && !IsValidUtf8(metadata.text)) {
    return Fail(error, position + 1, "the help text is not valid UTF-8");
  }
  return true;
}

bool PrometheusMetadata(std::string_view line, Metadata& metadata, LineError& error) {
  size_t position = 1;
  const auto skip_blanks = [&] {
    while (position < line.size() && IsBlank(line[position])) ++position;
  };
  skip_blanks();
  const std::string_view rest = line.substr(position);
  const auto is_keyword = [&](std::string_view word) {
    return rest.starts_with(word) && rest.size() > word.size() && IsBlank(rest[word.size()]);
  };
  if (rest == "EOF") {
    metadata.kind = Metadata::Kind::kEof;
    return true;
  }
  if (is_keyword("HELP")) {
    metadata.kind = Metadata::Kind::kHelp;
  } else if (is_keyword("TYPE")) {
    metadata.kind = Metadata::Kind::kType;
  } else {
    return true;  // a comment
  }
  position += 4;
  skip_blanks();
  if (!FamilyName(line, position, metadata.name, error)) return false;
  if (position < line.size() && !IsBlank(line[position])) {
    return Fail(error, position, "a blank is missing after the metric name");
  }
  skip_blanks();
  metadata.text = line.substr(position);
  while (!metadata.text.empty() && IsBlank(metadata.text.back())) metadata.text.remove_suffix(1);
  if (metadata.kind == Metadata::Kind::kType && !IsOneOf(metadata.text, kPrometheusTypes) &&
      !IsOneOf(metadata.text, kOpenMetricsTypes)) {
    return Fail(error, position, "not a metric type");
  }
  return true;
}

}  // namespace

size_t FindSeriesEnd(std::string_view line) {
  size_t i = 0;
  while (i < line.size() && !IsBlank(line[i]) && line[i] != '{') ++i;
  size_t brace = i;
  while (brace < line.size() && IsBlank(line[brace])) ++brace;
  if (brace >= line.size() || line[brace] != '{') return i;
  bool quoted = false;
  for (i = brace + 1; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"') quoted = !quoted;
    if (c == '}' && !quoted) return i + 1;
    if (c == '\\' && quoted) ++i;
  }
  return std::string_view::npos;
}

bool ParseSeries(std::string_view line, Dialect dialect, ParsedSeries& series, size_t& end,
                 LineError& error) {
  series.labels.clear();
  Parser parser(line, 0, dialect, series, error);
  if (!parser.Series()) return false;
  end = parser.position();
  return true;
}

bool ParseLabelSet(std::string_view line, Dialect dialect, size_t& position, ParsedSeries& series,
                   LineError& error) {
  series.labels.clear();
  if (position >= line.size() || line[position] != '{') {
    return Fail(error, position, "a '{' is missing");
  }
  Parser parser(line, position, dialect, series, error);
  if (!parser.LabelSet(false)) return false;
  position = parser.position();
  return true;
}

bool ParseMetadata(std::string_view line, Dialect dialect, Metadata& metadata, LineError& error) {
  metadata = Metadata();
  return dialect == Dialect::kOpenMetrics ? OpenMetricsMetadata(line, metadata, error)
                                          : PrometheusMetadata(line, metadata, error);
}

}  // namespace tsdb::importer
