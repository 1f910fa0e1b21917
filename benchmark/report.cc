#include "benchmark/report.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>

namespace tsdb::benchmark {
namespace {

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace

JsonObject& JsonObject::AddRaw(std::string_view name, std::string_view text) {
  if (!fields_.empty()) fields_ += ", ";
  fields_ += Quoted(name);
  fields_ += ": ";
  fields_ += text;
  return *this;
}

JsonObject& JsonObject::Add(std::string_view name, double value) {
  if (!std::isfinite(value)) return AddRaw(name, "null");
  char text[32];
  const auto result = std::to_chars(text, text + sizeof text, value);
  return AddRaw(name, std::string_view(text, static_cast<size_t>(result.ptr - text)));
}

JsonObject& JsonObject::Add(std::string_view name, bool value) {
  return AddRaw(name, value ? "true" : "false");
}

JsonObject& JsonObject::Add(std::string_view name, std::string_view value) {
  return AddRaw(name, Quoted(value));
}

JsonObject& JsonObject::Add(std::string_view name, const JsonObject& value) {
  return AddRaw(name, value.Text());
}

double Spread::Min() const { return *std::min_element(values_.begin(), values_.end()); }
double Spread::Max() const { return *std::max_element(values_.begin(), values_.end()); }

double Spread::Median() const {
  std::vector<double> sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

void Spread::AddTo(JsonObject& row, std::string_view name) const {
  const std::string prefix(name);
  row.Add(prefix + "_min", Min());
  row.Add(prefix + "_median", Median());
  row.Add(prefix + "_max", Max());
}

void Report::AddRow(std::vector<std::string> cells, const JsonObject& object) {
  AddCells(std::move(cells));
  AddObject(object);
}

std::string Report::TableText() const {
  std::vector<size_t> widths(table_.front().size(), 0);
  for (const auto& row : table_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const std::string& line : lines_) text += line + "\n";
  for (const auto& row : table_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += "  ";
      line.append(widths[i] - row[i].size(), ' ');
      line += row[i];
    }
    text += line + "\n";
  }
  return text;
}

bool Report::Print(const std::string& json_path) const {
  ShowProgress("");
  const bool json_to_stdout = json_path == "-";
  std::fputs(TableText().c_str(), json_to_stdout ? stderr : stdout);
  std::string json;
  for (const std::string& object : objects_) json += object + "\n";
  if (json_to_stdout) {
    std::fputs(json.c_str(), stdout);
    return std::fflush(stdout) == 0;
  }
  if (json_path.empty()) return true;
  std::ofstream file(json_path);
  file << json << std::flush;
  if (!file) std::fprintf(stderr, "cannot write %s\n", json_path.c_str());
  return static_cast<bool>(file);
}

std::string Quantity(double value) {
  if (!std::isfinite(value)) return "-";
  const char* unit = "";
  for (const auto& [factor, name] :
       {std::pair{1e9, " G"}, std::pair{1e6, " M"}, std::pair{1e3, " k"}}) {
    if (value >= factor) {
      value /= factor;
      unit = name;
      break;
    }
  }
  return Decimal(value, value < 10 ? 2 : value < 100 ? 1 : 0) + unit;
}

std::string Decimal(double value, int decimals) {
  if (!std::isfinite(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

void ShowProgress(const std::string& text) {
  static const bool terminal = isatty(STDERR_FILENO) == 1;
  if (terminal) std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
}

}  // namespace tsdb::benchmark
