#include "tools/shell/statement.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tools/shell/dot_commands.h"
#include "tools/shell/scan.h"
#include "tsdb/promql/lexer.h"

namespace tsdb::tools {
namespace {

using promql::TokenKind;

char OpeningOf(char closing) {
  if (closing == ')') return '(';
  return closing == ']' ? '[' : '{';
}

// Of brackets; one that closes nothing is a mistake, which no further line mends.
enum class Nesting { kClosed, kOpen, kMistaken };
Nesting NestingOf(const std::vector<Piece>& pieces) {
  std::string open;
  for (const Piece& piece : pieces) {
    if (piece.kind != PieceKind::kBracket) continue;
    const char c = piece.text[0];
    if (c == '(' || c == '[' || c == '{') {
      open += c;
    } else if (open.empty() || open.back() != OpeningOf(c)) {
      return Nesting::kMistaken;
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? Nesting::kClosed : Nesting::kOpen;
}

// Whether something has to follow.
bool WantsMore(const Piece& last) {
  if (last.kind == PieceKind::kOperator || last.Is(",")) return true;
  if (last.kind != PieceKind::kWord) return false;
  const TokenKind word = promql::KindOfWord(last.text);
  return IsOperator(word) ||
         (word >= TokenKind::kOffset && word <= TokenKind::kBool);  // by, without, on, ...
}

std::string_view WithoutBlanks(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

}  // namespace

bool IsWholeStatement(std::string_view text) {
  const std::string_view trimmed = WithoutBlanks(text);
  if (IsDotCommand(trimmed)) return true;
  std::vector<Piece> pieces = CutInPieces(text);
  std::erase_if(pieces, [](const Piece& piece) { return piece.kind == PieceKind::kComment; });
  if (pieces.empty()) return true;
  for (const Piece& piece : pieces) {
    if (piece.kind == PieceKind::kString && !piece.closed) return piece.text[0] != '`';
  }
  const Nesting nesting = NestingOf(pieces);
  if (nesting == Nesting::kMistaken) return true;
  return nesting == Nesting::kClosed && !pieces.back().Is("\\") && !WantsMore(pieces.back());
}

bool StatementReader::Add(std::string_view line) {
  // A backslash at the end of a line only says that there is another.
  bool goes_on = false;
  const std::string_view trimmed = WithoutBlanks(line);
  if (trimmed.ends_with('\\') && !IsDotCommand(trimmed)) {
    const std::vector<Piece> pieces = CutInPieces(line);
    goes_on = pieces.back().Is("\\");
    if (goes_on) line = line.substr(0, pieces.back().begin);
  }
  if (text_.empty()) {
    const std::vector<Piece> pieces = CutInPieces(line);
    if (!goes_on && std::ranges::all_of(pieces, [](const Piece& piece) {
          return piece.kind == PieceKind::kComment;
        })) {
      return false;
    }
  } else {
    text_ += '\n';
  }
  text_ += line;
  return !goes_on && IsWholeStatement(text_);
}

std::string StatementReader::Take() {
  std::string_view text = WithoutBlanks(text_);
  // SQL's habit. In PromQL it has no meaning, so nothing is lost.
  const std::vector<Piece> pieces = CutInPieces(text);
  if (!pieces.empty() && pieces.back().Is(";"))
    text = WithoutBlanks(text.substr(0, text.size() - 1));
  std::string statement(text);
  text_.clear();
  return statement;
}

}  // namespace tsdb::tools
