// Records and fields of CSV as RFC 4180 has them: a field that starts with a double quote goes on
// to the closing one, over delimiters and newlines, and has quotes doubled. In other fields a quote
// is a character like any other.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tools/import/line_parser.h"

namespace tsdb::importer {

struct CsvField {
  std::string_view text;  // what stands between delimiters, without quotes around it
  bool quoted = false;
  bool doubled = false;  // quotes inside `text` are still doubled
  // Where it starts in the record, quotes included: for columns of errors, and as a key.
  size_t offset = 0;
  size_t raw_size = 0;
};

// Without the blanks around it.
std::string_view Trimmed(std::string_view text);

// What the field says: `text`, with doubled quotes made single in `scratch`.
std::string_view CsvText(const CsvField& field, std::string& scratch);

// Cuts a record, from `position` on, where a field starts, into fields (at least one), which are
// added. A carriage return at its end is dropped.
bool SplitCsv(std::string_view record, char delimiter, size_t position,
              std::vector<CsvField>& fields, LineError& error);

// Reads on in the piece of a record before a newline. True when the newline ends the record, false
// when it lies in quotes and the next piece is of the same record. `in_quotes`: what the last call
// on this record left, false at first.
bool CsvRecordEnds(std::string_view piece, char delimiter, bool& in_quotes);

}  // namespace tsdb::importer
