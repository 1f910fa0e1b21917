// Rows of figures under named columns: printed as a table, as CSV or as a JSON array of objects.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/output.h"
#include "tools/report.h"
#include "tools/terminal.h"

namespace tsdb::tools {

struct FigureTable {
  std::string name;                  // JSON key of the whole
  std::vector<std::string> columns;  // JSON keys; for people with blanks for underscores
  // As many figures as there are columns; their own names are not used. An empty text is a cell
  // that is left blank, and null in JSON.
  std::vector<std::vector<Figure>> rows;
  uint64_t left_out = 0;  // rows that were not kept
  // Columns that a table for people leaves out, in this order, as far as it would be too wide.
  std::vector<std::string> dispensable = {};
  bool last_is_long = false;  // the last column's cells may then be cut

  // Keeps the row unless there are `limit` already; 0: no limit.
  void Add(std::vector<Figure> row, uint64_t limit);
};

// Drawn, in `width` columns if it can be brought to that.
// Below it the count of rows that are left out, and the names of columns. Nothing without a row.
void PrintFigureTable(const FigureTable& table, size_t width, const Style& style, Output& output);
// A line of column names, then one a row, in the form that JSON has the values in, without quotes.
void PrintFigureCsv(const FigureTable& table, Output& output);
// "[\n    {..},\n    {..}]".
void PrintFigureRows(const FigureTable& table, Output& output);

}  // namespace tsdb::tools
