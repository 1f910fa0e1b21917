#include "tools/report.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tools/json_text.h"
#include "tools/number_text.h"

namespace tsdb::tools {
std::string FigureJson(const Figure& figure) {
  if (const auto* number = std::get_if<uint64_t>(&figure.value)) return std::to_string(*number);
  if (const auto* truth = std::get_if<bool>(&figure.value)) return *truth ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&figure.value)) return JsonString(*text);
  const double real = std::get<double>(figure.value);
  return std::isfinite(real) ? ExactValue(real) : "null";
}

std::string ReadableFigure(const Figure& figure) {
  if (!figure.readable.empty()) return figure.readable;
  if (const auto* number = std::get_if<uint64_t>(&figure.value)) return Grouped(*number);
  if (const auto* truth = std::get_if<bool>(&figure.value)) return *truth ? "yes" : "NO";
  if (const auto* text = std::get_if<std::string>(&figure.value)) return *text;
  return ReadableValue(std::get<double>(figure.value));
}

std::string WithBlanks(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

Figure BytesFigure(std::string name, uint64_t bytes) {
  return {std::move(name), bytes, ReadableBytes(bytes)};
}

Section& Report::AddSection(std::string name) {
  sections_.push_back({std::move(name), {}});
  return sections_.back();
}

void Report::PrintJson(Output& output) const {
  output << "{";
  for (const Section& section : sections_) {
    output << (&section == &sections_.front() ? "\n  " : ",\n  ") << JsonString(section.name)
           << ": {";
    for (const Figure& figure : section.figures) {
      output << (&figure == &section.figures.front() ? "" : ", ") << JsonString(figure.name) << ": "
             << FigureJson(figure);
    }
    output << "}";
  }
  output << "\n}\n";
}

void Report::PrintReadable(Output& output, const Style& style) const {
  size_t name_width = 0;
  size_t value_width = 0;
  for (const Section& section : sections_) {
    for (const Figure& figure : section.figures) {
      name_width = std::max(name_width, DisplayWidth(figure.name));
      value_width = std::max(value_width, DisplayWidth(ReadableFigure(figure)));
    }
  }
  for (const Section& section : sections_) {
    if (section.figures.empty()) continue;
    output << (&section == &sections_.front() ? "" : "\n") << style.bold << WithBlanks(section.name)
           << style.reset << "\n";
    for (const Figure& figure : section.figures) {
      const std::string value = ReadableFigure(figure);
      const bool* truth = std::get_if<bool>(&figure.value);
      output << "  " << WithBlanks(figure.name)
             << std::string(
                    name_width - DisplayWidth(figure.name) + 2 + value_width - DisplayWidth(value),
                    ' ')
             << (truth == nullptr ? ""
                 : *truth         ? style.cyan
                                  : style.red)
             << value << (truth == nullptr ? "" : style.reset) << "\n";
    }
  }
}

absl::Status Report::Print(bool json, Color color) const {
  Output output;
  if (json) {
    PrintJson(output);
  } else {
    PrintReadable(output, Style(UseColor(color, StdoutIsTerminal())));
  }
  return output.Flush();
}

}  // namespace tsdb::tools
