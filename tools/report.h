// Named figures in sections, printed for people or as one JSON object.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "tools/output.h"
#include "tools/terminal.h"

namespace tsdb::tools {

struct Figure {
  std::string name;  // JSON key; for people with blanks for underscores
  std::variant<uint64_t, double, bool, std::string> value;
  std::string readable;  // for people, instead of the value, if not empty
};

// A count of bytes, readable in units.
Figure BytesFigure(std::string name, uint64_t bytes);

// The value in JSON, and as people read it.
std::string FigureJson(const Figure& figure);
std::string ReadableFigure(const Figure& figure);
// "file_bytes" -> "file bytes".
std::string WithBlanks(std::string name);

struct Section {
  std::string name;
  std::vector<Figure> figures;
};

class Report {
 public:
  // Valid as long as the report.
  Section& AddSection(std::string name);
  void PrintJson(Output& output) const;
  void PrintReadable(Output& output, const Style& style) const;
  // One or the other on stdout.
  absl::Status Print(bool json, Color color) const;

 private:
  std::deque<Section> sections_;  // which stay in place when one is added
};

}  // namespace tsdb::tools
