#include "tools/import/csv_syntax.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace tsdb::importer {
namespace {

// The first `wanted` at or after `position`, or the end. Fields are short, so that calling memchr
// for each costs more than looking: eight bytes at a time, the lowest byte that is zero in the
// difference being the one (Mycroft; exact for the lowest).
size_t FindByte(std::string_view text, size_t position, char wanted) {
  if constexpr (std::endian::native == std::endian::little) {
    constexpr uint64_t kOnes = 0x0101010101010101;
    const uint64_t pattern = kOnes * static_cast<uint8_t>(wanted);
    for (; position + 8 <= text.size(); position += 8) {
      uint64_t word;
      std::memcpy(&word, text.data() + position, sizeof(word));
      word ^= pattern;
      const uint64_t zeros = (word - kOnes) & ~word & (kOnes << 7);
      if (zeros != 0) return position + static_cast<size_t>(std::countr_zero(zeros)) / 8;
    }
  }
  while (position < text.size() && text[position] != wanted) ++position;
  return position;
}

// The field whose opening quote is at `position`, and where it ends.
bool QuotedField(std::string_view record, size_t& position, CsvField& field, LineError& error) {
  const size_t begin = position + 1;
  size_t i = begin;
  while (true) {
    i = FindByte(record, i, '"');
    if (i >= record.size()) {
      return error.Set(Reason::kMalformed, position + 1, "the quote is not closed");
    }
    if (i + 1 >= record.size() || record[i + 1] != '"') break;
    field.doubled = true;
    i += 2;
  }
  field.quoted = true;
  field.text = record.substr(begin, i - begin);
  position = i + 1;
  return true;
}

}  // namespace

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view CsvText(const CsvField& field, std::string& scratch) {
  if (!field.doubled) return field.text;
  scratch.clear();
  for (size_t i = 0; i < field.text.size(); ++i) {
    scratch += field.text[i];
    i += field.text[i] == '"';
  }
  return scratch;
}

bool SplitCsv(std::string_view record, char delimiter, size_t position,
              std::vector<CsvField>& fields, LineError& error) {
  if (record.ends_with('\r')) record.remove_suffix(1);
  while (true) {
    CsvField& field = fields.emplace_back();
    field.offset = position;
    if (position < record.size() && record[position] == '"') {
      if (!QuotedField(record, position, field, error)) return false;
      if (position < record.size() && record[position] != delimiter) {
        return error.Set(Reason::kMalformed, position + 1,
                         "text after the closing quote; a quote inside a quoted field is written "
                         "twice");
      }
    } else {
      position = FindByte(record, position, delimiter);
      field.text = record.substr(field.offset, position - field.offset);
    }
    field.raw_size = position - field.offset;
    if (position >= record.size()) return true;
    ++position;
  }
}

bool CsvRecordEnds(std::string_view piece, char delimiter, bool& in_quotes) {
  size_t i = 0;
  if (!in_quotes && piece.find('"') == std::string_view::npos) return true;
  while (true) {
    if (!in_quotes && i < piece.size() && piece[i] == '"') {
      in_quotes = true;
      ++i;
    }
    while (in_quotes) {
      i = FindByte(piece, i, '"');
      if (i >= piece.size()) return false;
      in_quotes = i + 1 < piece.size() && piece[i + 1] == '"';
      i += in_quotes ? 2 : 1;
    }
    i = FindByte(piece, i, delimiter);
    if (i >= piece.size()) return true;
    ++i;
  }
}

}  // namespace tsdb::importer
