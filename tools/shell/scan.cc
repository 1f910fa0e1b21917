#include "tools/shell/scan.h"

#include <algorithm>
#include <array>

#include "tsdb/promql/quoting.h"

namespace tsdb::tools {
namespace {

using promql::IsAlpha;
using promql::IsAlphaNumeric;
using promql::IsBlank;
using promql::IsDigit;

class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text) {}

  std::vector<Piece> Cut() {
    size_t at = 0;
    while (at < text_.size()) {
      if (IsBlank(text_[at])) {
        ++at;
        continue;
      }
      const Piece piece = PieceAt(at);
      pieces_.push_back(piece);
      at = piece.end();
    }
    return std::move(pieces_);
  }

 private:
  Piece Make(PieceKind kind, size_t begin, size_t end, bool closed = true) const {
    return {kind, text_.substr(begin, end - begin), begin, closed};
  }

  template <typename Belongs>
  size_t While(size_t at, Belongs belongs) const {
    while (at < text_.size() && belongs(text_[at])) ++at;
    return at;
  }

  Piece PieceAt(size_t at) {
    const char c = text_[at];
    if (c == '#') {
      const size_t end = std::min(text_.find('\n', at), text_.size());
      return Make(PieceKind::kComment, at, end, end < text_.size());
    }
    if (c == '"' || c == '\'' || c == '`') return StringAt(at);
    const bool colons = in_brackets_ == 0;
    if (IsAlpha(c) || (c == ':' && colons)) {
      const auto belongs = [colons](char d) { return IsAlphaNumeric(d) || (d == ':' && colons); };
      return Make(PieceKind::kWord, at, While(at, belongs));
    }
    if (IsDigit(c) || (c == '.' && at + 1 < text_.size() && IsDigit(text_[at + 1]))) {
      return Make(PieceKind::kNumber, at,
                  While(at, [](char d) { return IsAlphaNumeric(d) || d == '.'; }));
    }
    return SignAt(at);
  }

  // A backslash takes the next byte along, but in backticks; only backticks go over lines.
  Piece StringAt(size_t begin) const {
    const char quote = text_[begin];
    for (size_t at = begin + 1; at < text_.size(); ++at) {
      if (text_[at] == quote) return Make(PieceKind::kString, begin, at + 1);
      if (quote == '`') continue;
      if (text_[at] == '\n') return Make(PieceKind::kString, begin, at, false);
      if (text_[at] == '\\') ++at;
    }
    return Make(PieceKind::kString, begin, text_.size(), false);
  }

  Piece SignAt(size_t at) {
    constexpr std::array<std::string_view, 6> kPairs = {"==", "!=", "=~", "!~", "<=", ">="};
    if (std::ranges::find(kPairs, text_.substr(at, 2)) != kPairs.end()) {
      return Make(PieceKind::kOperator, at, at + 2);
    }
    const char c = text_[at];
    if (c == '[') ++in_brackets_;
    if (c == ']' && in_brackets_ > 0) --in_brackets_;
    PieceKind kind = PieceKind::kOther;
    if (std::string_view("(){}[]").find(c) != std::string_view::npos) kind = PieceKind::kBracket;
    if (std::string_view("<>=+-*/%^@").find(c) != std::string_view::npos) {
      kind = PieceKind::kOperator;
    }
    return Make(kind, at, at + 1);
  }

  const std::string_view text_;
  std::vector<Piece> pieces_;
  size_t in_brackets_ = 0;  // [ ] that are open
};

}  // namespace

std::vector<Piece> CutInPieces(std::string_view text) { return Cutter(text).Cut(); }

}  // namespace tsdb::tools
