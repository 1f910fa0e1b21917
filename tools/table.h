// A table drawn with box characters, as wide as its content.
// Thread safety: none.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/output.h"
#include "tools/terminal.h"

namespace tsdb::tools {

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
    bool highlighted = false;  // in colour, where there are colours
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // REQUIRES: as many cells as columns, without control characters.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // Columns the drawn table takes.
  size_t Width() const;
  void Print(Output& output, const Style& style) const;

  const std::vector<Column>& columns() const { return columns_; }
  // Cuts a column's cells to `width`.
  void CutColumn(size_t column, size_t width);
  size_t ColumnWidth(size_t column) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tsdb::tools
