#include "tools/import/input_format.h"

#include <algorithm>
#include <cctype>

namespace tsdb::importer {
namespace {

struct Name {
  InputFormat format;
  std::string_view name;
};
constexpr Name kNames[] = {{InputFormat::kPrometheus, "prometheus"},
                           {InputFormat::kOpenMetrics, "openmetrics"},
                           {InputFormat::kJsonLines, "jsonl"},
                           {InputFormat::kCsv, "csv"},
                           {InputFormat::kInflux, "influx"}};

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// `{"key":`, where the Prometheus text format could have `{"metric name"` or `{"label"=`.
bool StartsWithJsonObject(std::string_view head) {
  size_t i = head.find_first_not_of(" \t\r\n");
  if (i == std::string_view::npos || head[i] != '{') return false;
  i = head.find_first_not_of(" \t\r\n", i + 1);
  if (i == std::string_view::npos || head[i] == '}') return true;
  if (head[i] != '"') return false;
  for (++i; i < head.size() && head[i] != '"'; ++i) {
    if (head[i] == '\\') ++i;
  }
  if (i >= head.size()) return false;
  i = head.find_first_not_of(" \t\r\n", i + 1);
  return i != std::string_view::npos && head[i] == ':';
}

// The file's name without its folder and the ends that say how it is compressed.
std::string UnpackedName(const std::string& path) {
  const std::string name = path.substr(path.find_last_of('/') + 1);
  const std::string lower = LowerCase(name);
  for (const std::string_view packed : {".gz", ".zst", ".zstd", ".lz4"}) {
    if (lower.ends_with(packed)) return name.substr(0, name.size() - packed.size());
  }
  return name;
}

bool EndsWithEof(std::string_view tail) {
  while (!tail.empty() && (tail.back() == '\n' || tail.back() == '\r')) tail.remove_suffix(1);
  return tail == "# EOF" || tail.ends_with("\n# EOF");
}

// What the metadata near the start gives away. OpenMetrics alone has units and some types;
// Prometheus text alone has the type "untyped" and counters whose family is named with _total.
std::optional<InputFormat> DialectOfMetadata(std::string_view head) {
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find('\n'));
    head.remove_prefix(std::min(head.size(), line.size() + 1));
    if (line.starts_with("# UNIT ")) return InputFormat::kOpenMetrics;
    if (!line.starts_with("# TYPE ")) continue;
    for (const std::string_view type : {" info", " stateset", " gaugehistogram"}) {
      if (line.ends_with(type)) return InputFormat::kOpenMetrics;
    }
    for (const std::string_view type : {"_total counter", " untyped"}) {
      if (line.ends_with(type)) return InputFormat::kPrometheus;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view InputFormatName(InputFormat format) {
  for (const Name& each : kNames) {
    if (each.format == format) return each.name;
  }
  return {};
}

std::optional<InputFormat> InputFormatNamed(std::string_view name) {
  for (const Name& each : kNames) {
    if (each.name == name) return each.format;
  }
  return std::nullopt;
}

std::string ContentExtension(const std::string& path) {
  const std::string name = UnpackedName(path);
  const size_t dot = name.find_last_of('.');
  return dot == std::string::npos ? std::string() : LowerCase(name.substr(dot));
}

std::string ContentStem(const std::string& path) {
  const std::string name = UnpackedName(path);
  return name.substr(0, name.find_last_of('.'));
}

InputFormat DetectInputFormat(const std::string& path, std::string_view head,
                              std::string_view tail) {
  const std::string extension = ContentExtension(path);
  if (extension == ".csv" || extension == ".tsv") return InputFormat::kCsv;
  if (extension == ".lp" || extension == ".line" || extension == ".influx") {
    return InputFormat::kInflux;
  }
  if (StartsWithJsonObject(head)) return InputFormat::kJsonLines;
  if (extension == ".jsonl" || extension == ".ndjson" || extension == ".json") {
    return InputFormat::kJsonLines;
  }
  if (EndsWithEof(tail)) return InputFormat::kOpenMetrics;
  if (const auto dialect = DialectOfMetadata(head)) return *dialect;
  const bool named_so = extension == ".om" || extension == ".openmetrics";
  return named_so ? InputFormat::kOpenMetrics : InputFormat::kPrometheus;
}

}  // namespace tsdb::importer
