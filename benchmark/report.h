// What a benchmark prints: a table for people and a JSON object per row for programs. Everything is
// held back until Print(), so that a run that fails has shown no figure.
//
// Thread safety: one thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tsdb::benchmark {

// A JSON object whose fields keep the order they were added in.
class JsonObject {
 public:
  JsonObject& Add(std::string_view name, double value);  // null when it is not finite
  JsonObject& Add(std::string_view name, bool value);
  JsonObject& Add(std::string_view name, std::string_view value);
  JsonObject& Add(std::string_view name, const char* value) {
    return Add(name, std::string_view(value));
  }
  JsonObject& Add(std::string_view name, const JsonObject& value);
  template <std::unsigned_integral Integer>
  requires(!std::same_as<Integer, bool>) JsonObject& Add(std::string_view name, Integer value) {
    return AddRaw(name, std::to_string(value));
  }
  std::string Text() const { return "{" + fields_ + "}"; }

 private:
  JsonObject& AddRaw(std::string_view name, std::string_view text);
  std::string fields_;
};

// Best, middle and worst of several runs of one quantity.
class Spread {
 public:
  void Take(double value) { values_.push_back(value); }
  bool empty() const { return values_.empty(); }
  double Min() const;
  double Median() const;
  double Max() const;
  // Adds name_min, name_median and name_max.
  void AddTo(JsonObject& row, std::string_view name) const;

 private:
  std::vector<double> values_;
};

class Report {
 public:
  // `columns`: the table's headings.
  explicit Report(std::vector<std::string> columns) { table_.push_back(std::move(columns)); }

  // A line above the table.
  void AddLine(std::string line) { lines_.push_back(std::move(line)); }
  // A row of the table (one cell per column) and its JSON object.
  void AddRow(std::vector<std::string> cells, const JsonObject& object);
  // A row of the table that has no JSON object of its own, and the other way round.
  void AddCells(std::vector<std::string> cells) { table_.push_back(std::move(cells)); }
  void AddObject(const JsonObject& object) { objects_.push_back(object.Text()); }

  // Prints the table to stdout and the objects to `json_path`, if that is not empty; with "-" the
  // objects go to stdout and the table to stderr. False, described on stderr, when that fails.
  bool Print(const std::string& json_path) const;

 private:
  std::string TableText() const;
  std::vector<std::string> lines_;
  std::vector<std::vector<std::string>> table_;
  std::vector<std::string> objects_;
};

// For table cells: 12.3 M, 1.23 G, 456 k; "-" for NaN.
std::string Quantity(double value);
// With a fixed number of decimals; "-" for NaN.
std::string Decimal(double value, int decimals);

// A line on stderr that says how far the program is, replaced by the next; only on a terminal.
void ShowProgress(const std::string& text);

}  // namespace tsdb::benchmark
