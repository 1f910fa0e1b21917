// PromQL that is being typed, cut in pieces. Unlike the language's own reading it takes whatever
// there is: text that ends in the middle of anything, brackets that do not match, strange bytes.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tsdb::tools {

enum class PieceKind : uint8_t {
  kWord,      // of letters, digits, _ and, outside of brackets, colons
  kNumber,    // or a duration: whatever begins with a digit
  kString,    // with its quotes
  kOperator,  // == != =~ !~ <= >= < > = + - * / % ^ @
  kBracket,   // ( ) { } [ ]
  kOther,     // one byte: a comma, a colon in brackets, what does not belong
  kComment    // from # to the end of the line
};

struct Piece {
  PieceKind kind = PieceKind::kOther;
  std::string_view text;
  size_t begin = 0;
  // Of a string, whether its end is there; of a comment, whether its line ended.
  bool closed = true;

  size_t end() const { return begin + text.size(); }
  bool Is(std::string_view what) const { return text == what; }
};

// The pieces are views of the text. Each byte but blanks is in one of them.
std::vector<Piece> CutInPieces(std::string_view text);

}  // namespace tsdb::tools
