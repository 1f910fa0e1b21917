#include "tools/table.h"

#include <algorithm>

namespace tsdb::tools {
namespace {

void Repeat(std::string& out, const char* text, size_t times) {
  for (size_t i = 0; i < times; ++i) out += text;
}

}  // namespace

size_t Table::ColumnWidth(size_t column) const {
  size_t width = DisplayWidth(columns_[column].title);
  for (const auto& row : rows_) width = std::max(width, DisplayWidth(row[column]));
  return width;
}

size_t Table::Width() const {
  size_t width = 1;
  for (size_t i = 0; i < columns_.size(); ++i) width += ColumnWidth(i) + 3;
  return width;
}

void Table::CutColumn(size_t column, size_t width) {
  columns_[column].title = CutToWidth(columns_[column].title, width);
  for (auto& row : rows_) row[column] = CutMiddle(row[column], width);
}

void Table::Print(Output& output, const Style& style) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) widths.push_back(ColumnWidth(i));
  const auto rule = [&](const char* left, const char* middle, const char* right) {
    std::string line = style.dim;
    for (size_t i = 0; i < widths.size(); ++i) {
      line += i == 0 ? left : middle;
      Repeat(line, "─", widths[i] + 2);
    }
    output << line << right << style.reset << "\n";
  };
  const std::string bar = std::string(style.dim) + "│" + style.reset;
  const auto cell = [&](size_t i, const std::string& text, const char* colour) {
    const std::string padding(widths[i] - DisplayWidth(text), ' ');
    const bool right = columns_[i].align == Align::kRight;
    output << bar << " " << (right ? padding : "") << colour << text
           << (*colour != '\0' ? style.reset : "") << (right ? "" : padding) << " ";
  };
  rule("┌", "┬", "┐");
  for (size_t i = 0; i < columns_.size(); ++i) cell(i, columns_[i].title, style.bold);
  output << bar << "\n";
  rule("├", "┼", "┤");
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      cell(i, row[i], columns_[i].highlighted ? style.cyan : "");
    }
    output << bar << "\n";
  }
  rule("└", "┴", "┘");
}

}  // namespace tsdb::tools
