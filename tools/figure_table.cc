#include "tools/figure_table.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "tools/json_text.h"
#include "tools/number_text.h"
#include "tools/table.h"

namespace tsdb::tools {
namespace {

constexpr size_t kLastColumnMin = 16;  // characters

bool IsText(const Figure& figure) { return std::holds_alternative<std::string>(figure.value); }

bool IsBlank(const Figure& figure) {
  return IsText(figure) && std::get<std::string>(figure.value).empty();
}

// Whether the column's cells are texts, as far as they are not blank.
bool IsTextColumn(const FigureTable& table, size_t column) {
  for (const auto& row : table.rows) {
    if (!IsBlank(row[column])) return IsText(row[column]);
  }
  return true;
}

std::string CsvCell(const Figure& figure) {
  const std::string text =
      IsText(figure) ? std::get<std::string>(figure.value) : FigureJson(figure);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

// The table without some columns.
Table Draw(const FigureTable& table, const std::vector<std::string>& dropped) {
  std::vector<size_t> kept;
  std::vector<Table::Column> columns;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const std::string& name = table.columns[i];
    if (std::find(dropped.begin(), dropped.end(), name) != dropped.end()) continue;
    kept.push_back(i);
    columns.push_back({WithBlanks(name),
                       IsTextColumn(table, i) ? Table::Align::kLeft : Table::Align::kRight,
                       i == 0});
  }
  Table drawn(std::move(columns));
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const size_t i : kept) cells.push_back(Printable(ReadableFigure(row[i])));
    drawn.AddRow(std::move(cells));
  }
  return drawn;
}

}  // namespace

void FigureTable::Add(std::vector<Figure> row, uint64_t limit) {
  if (limit != 0 && rows.size() >= limit) {
    ++left_out;
    return;
  }
  rows.push_back(std::move(row));
}

void PrintFigureTable(const FigureTable& table, size_t width, const Style& style, Output& output) {
  if (table.rows.empty()) return;
  std::vector<std::string> dropped;
  Table drawn = Draw(table, dropped);
  for (const std::string& name : table.dispensable) {
    if (drawn.Width() <= width) break;
    dropped.push_back(name);
    drawn = Draw(table, dropped);
  }
  const size_t last = drawn.columns().size() - 1;
  if (drawn.Width() > width && table.last_is_long) {
    const size_t rest = drawn.Width() - drawn.ColumnWidth(last);
    drawn.CutColumn(last, std::max(rest < width ? width - rest : 0, kLastColumnMin));
  }
  drawn.Print(output, style);
  if (table.left_out > 0) {
    output << "and " << Counted(table.left_out, "row") << " more; --limit 0 prints all\n";
  }
  if (dropped.empty()) return;
  output << "no room for:";
  for (const std::string& name : dropped) {
    output << (&name == &dropped.front() ? " " : ", ") << WithBlanks(name);
  }
  output << "; other formats have them\n";
}

void PrintFigureCsv(const FigureTable& table, Output& output) {
  for (const std::string& column : table.columns) {
    output << (&column == &table.columns.front() ? "" : ",") << column;
  }
  output << "\n";
  for (const auto& row : table.rows) {
    for (const Figure& figure : row) {
      output << (&figure == &row.front() ? "" : ",") << CsvCell(figure);
    }
    output << "\n";
  }
}

void PrintFigureRows(const FigureTable& table, Output& output) {
  output << "[";
  for (const auto& row : table.rows) {
    output << (&row == &table.rows.front() ? "\n    {" : ",\n    {");
    for (size_t i = 0; i < row.size(); ++i) {
      output << (i == 0 ? "" : ", ") << JsonString(table.columns[i]) << ": "
             << (IsBlank(row[i]) ? "null" : FigureJson(row[i]));
    }
    output << "}";
  }
  output << "]";
}

}  // namespace tsdb::tools
