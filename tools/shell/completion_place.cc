#include "tools/shell/completion_place.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "storage/base/types.h"
#include "tools/results/result_printer.h"
#include "tools/shell/dot_commands.h"
#include "tools/shell/scan.h"
#include "tools/shell/statement.h"
#include "tsdb/promql/lexer.h"
#include "tsdb/promql/quoting.h"

namespace tsdb::tools {
namespace {

using promql::TokenKind;
using Words = std::vector<std::string>;

bool IsListWord(TokenKind word) { return word >= TokenKind::kBy && word <= TokenKind::kGroupRight; }

TokenKind WordOf(const Piece& piece) {
  return piece.kind == PieceKind::kWord ? promql::KindOfWord(piece.text) : TokenKind::kEnd;
}

std::optional<MatchOp> MatchOpOf(const Piece& piece) {
  if (piece.Is("=")) return MatchOp::kEqual;
  if (piece.Is("!=")) return MatchOp::kNotEqual;
  if (piece.Is("=~")) return MatchOp::kRegex;
  if (piece.Is("!~")) return MatchOp::kNotRegex;
  return std::nullopt;
}

// Reads pieces up to the cursor and keeps what the place there depends on.
class Reader {
 public:
  void Read(const std::vector<Piece>& pieces) {
    for (size_t i = 0; i < pieces.size(); ++i) {
      const Piece& piece = pieces[i];
      if (piece.kind == PieceKind::kComment) continue;
      const bool called = i + 1 < pieces.size() && pieces[i + 1].Is("(");
      if (InBraces()) {
        InBraces(piece);
      } else {
        Outside(piece, called);
      }
      before_last_ = last_;
      last_ = piece;
    }
  }

  // The place after all pieces, of which the word that is typed there is none.
  CompletionPlace Place(const Piece* typed) const {
    CompletionPlace place;
    if (typed != nullptr) place.prefix = typed->text;
    if (InBraces()) return PlaceInBraces(std::move(place), typed);
    const bool string = typed != nullptr && typed->kind == PieceKind::kString;
    if (string || (!open_.empty() && open_.back().bracket == '[')) return {};
    if (!open_.empty() && IsListWord(open_.back().list)) return PlaceInList(std::move(place));
    return PlaceOutside(std::move(place));
  }

 private:
  struct Open {
    char bracket = 0;
    TokenKind list = TokenKind::kEnd;  // the word in front of a list of labels
    bool leading = false;              // that list is between an aggregation and its argument
  };

  bool InBraces() const { return !open_.empty() && open_.back().bracket == '{'; }

  void InBraces(const Piece& piece) {
    if (piece.Is("}")) {
      closed_ = open_.back();
      open_.pop_back();
    } else if (piece.kind == PieceKind::kWord) {
      label_ = piece.text;
    } else if (const auto op = MatchOpOf(piece)) {
      // A name in quotes was taken for a metric's.
      if (last_.kind == PieceKind::kString && !series_.empty()) {
        label_ = std::move(series_.back().value);
        series_.pop_back();
      }
      op_ = *op;
    } else if (piece.kind == PieceKind::kString && piece.closed) {
      promql::Unquoted value = promql::Unquote(piece.text);
      if (!value.error.empty()) return;
      if (MatchOpOf(last_).has_value()) {
        series_.push_back({label_, op_, std::move(value.text)});
      } else {
        series_.push_back({std::string(kMetricNameLabel), MatchOp::kEqual, std::move(value.text)});
      }
    }
  }

  void Outside(const Piece& piece, bool called) {
    const char c = piece.text[0];
    if (piece.kind == PieceKind::kBracket && (c == '(' || c == '[' || c == '{')) {
      if (c == '{' && !last_is_metric_) series_.clear();
      Open open{c};
      if (c == '(') open.list = WordOf(last_);
      open.leading = WordOf(before_last_) == TokenKind::kAggregation;
      open_.push_back(open);
    } else if (piece.kind == PieceKind::kBracket && !open_.empty()) {
      closed_ = open_.back();
      open_.pop_back();
    }
    const bool labels = !open_.empty() && IsListWord(open_.back().list);
    last_is_metric_ = WordOf(piece) == TokenKind::kIdentifier && !called && !labels;
    if (last_is_metric_) {
      series_ = {{std::string(kMetricNameLabel), MatchOp::kEqual, std::string(piece.text)}};
    }
  }

  CompletionPlace PlaceInBraces(CompletionPlace place, const Piece* typed) const {
    const auto op = MatchOpOf(last_);
    place.matchers = series_;
    if (!op.has_value()) {
      const bool string = typed != nullptr && typed->kind == PieceKind::kString;
      if (string || !(last_.Is("{") || last_.Is(","))) return {};
      place.kind = PlaceKind::kLabelName;
      place.in_matcher = true;
      return place;
    }
    if (typed != nullptr && typed->kind != PieceKind::kString) return {};  // quotes are missing
    place.kind = PlaceKind::kLabelValue;
    place.label = label_;
    place.regex = *op == MatchOp::kRegex || *op == MatchOp::kNotRegex;
    if (typed == nullptr) return place;
    place.quote = typed->text[0];
    place.prefix.erase(0, 1);
    // Of a regular expression the last of its alternatives is completed.
    if (place.regex) place.prefix.erase(0, place.prefix.find_last_of("|(") + 1);
    return place;
  }

  CompletionPlace PlaceInList(CompletionPlace place) const {
    if (!last_.Is("(") && !last_.Is(",")) return {};
    place.kind = PlaceKind::kLabelName;
    // The argument of `sum by (` is yet to come, and the labels of group_left are of the other
    // side.
    const TokenKind list = open_.back().list;
    const bool grouping = list == TokenKind::kGroupLeft || list == TokenKind::kGroupRight;
    if (!grouping && !open_.back().leading) place.matchers = series_;
    return place;
  }

  static CompletionPlace Expression(CompletionPlace place, Words words = {}) {
    place.kind = PlaceKind::kExpression;
    place.words = std::move(words);
    return place;
  }
  static CompletionPlace OneOf(CompletionPlace place, Words words) {
    place.kind = PlaceKind::kWords;
    place.words = std::move(words);
    return place;
  }

  CompletionPlace PlaceOutside(CompletionPlace place) const {
    const TokenKind word = WordOf(last_);
    if (word == TokenKind::kAggregation) return OneOf(std::move(place), {"by", "without"});
    if (word >= TokenKind::kAtan2 && word <= TokenKind::kUnless) {
      return Expression(std::move(place), {"ignoring", "on"});
    }
    if (word == TokenKind::kBool) return Expression(std::move(place), {"ignoring", "on"});
    if (word == TokenKind::kGroupLeft || word == TokenKind::kGroupRight) {
      return Expression(std::move(place));
    }
    if (word == TokenKind::kOffset || IsListWord(word)) return {};
    if (last_.Is("@")) return OneOf(std::move(place), {"end", "start"});
    if (last_.kind == PieceKind::kOperator) {
      Words words = {"ignoring", "on"};
      if (std::string_view("=!<>").find(last_.text[0]) != std::string_view::npos) {
        words.emplace_back("bool");
      }
      return Expression(std::move(place), std::move(words));
    }
    if (last_.Is(")") && IsListWord(closed_.list)) return PlaceAfterList(std::move(place));
    const bool begins = last_.text.empty() || last_.Is("(") || last_.Is(",");
    if (begins) return Expression(std::move(place));
    return OneOf(std::move(place), OperatorsAfter());
  }

  CompletionPlace PlaceAfterList(CompletionPlace place) const {
    const TokenKind list = closed_.list;
    if (list == TokenKind::kOn || list == TokenKind::kIgnoring) {
      return Expression(std::move(place), {"group_left", "group_right"});
    }
    if (list == TokenKind::kGroupLeft || list == TokenKind::kGroupRight) {
      return Expression(std::move(place));
    }
    if (closed_.leading) return {};
    return OneOf(std::move(place), OperatorsAfter());
  }

  Words OperatorsAfter() const {
    Words words = {"and", "atan2", "offset", "or", "unless"};
    if (last_.Is(")") && closed_.list == TokenKind::kAggregation) {
      words.insert(words.end(), {"by", "without"});
    }
    return words;
  }

  std::vector<Open> open_;
  Open closed_;                  // the last one
  std::vector<Matcher> series_;  // of the last selector, so far
  bool last_is_metric_ = false;
  std::string label_;
  MatchOp op_ = MatchOp::kEqual;
  Piece last_, before_last_;
};

CompletionPlace PlaceInExpression(std::string_view text) {
  std::vector<Piece> pieces = CutInPieces(text);
  std::optional<Piece> typed;
  if (!pieces.empty()) {
    const Piece last = pieces.back();
    const bool touches = last.end() == text.size();
    if (last.kind == PieceKind::kComment && !last.closed) return {};
    if (touches && last.kind == PieceKind::kString && !last.closed) typed = last;
    if (touches && last.kind == PieceKind::kWord) typed = last;
    if (touches && !typed.has_value() &&
        (last.kind == PieceKind::kNumber || last.kind == PieceKind::kString)) {
      return {};
    }
    if (typed.has_value()) pieces.pop_back();
  }
  Reader reader;
  reader.Read(pieces);
  return reader.Place(typed.has_value() ? &*typed : nullptr);
}

Words FormatNames() {
  Words names;
  std::string_view all = kResultFormatNames;
  while (!all.empty()) {
    const size_t end = std::min(all.find('|'), all.size());
    names.emplace_back(all.substr(0, end));
    all.remove_prefix(std::min(end + 1, all.size()));
  }
  return names;
}

CompletionPlace PlaceInSelector(std::string_view text) {
  CompletionPlace place = PlaceInExpression(text);
  // Where an expression could go on a selector is at its end.
  if (place.kind == PlaceKind::kWords ||
      (place.kind == PlaceKind::kExpression && text.size() != place.prefix.size())) {
    return {};
  }
  place.functions = false;
  place.words.clear();
  return place;
}

CompletionPlace PlaceInCommand(std::string_view text) {
  CompletionPlace place;
  const size_t name_end = text.find_first_of(kBlanks);
  if (name_end == std::string_view::npos) {
    place.kind = PlaceKind::kWords;
    place.prefix = text;
    for (const DotCommandEntry& entry : AllDotCommands()) place.words.emplace_back(entry.name);
    return place;
  }
  const DotCommandEntry* entry = FindDotCommand(text.substr(0, name_end));
  if (entry == nullptr) return {};
  // Arguments before the one that is typed; a selector is the last one, blanks and all.
  size_t begin = text.find_first_not_of(kBlanks, name_end);
  size_t argument = 0;
  while (begin != std::string_view::npos && argument < entry->kinds.size() &&
         entry->kinds[argument] != ArgumentKind::kSelector) {
    const size_t end = text.find_first_of(kBlanks, begin);
    if (end == std::string_view::npos) break;
    begin = text.find_first_not_of(kBlanks, end);
    ++argument;
  }
  if (argument >= entry->kinds.size()) return {};
  const std::string_view typed = text.substr(std::min(begin, text.size()));
  place.prefix = typed;
  switch (entry->kinds[argument]) {
    case ArgumentKind::kText:
      return {};
    case ArgumentKind::kFormat:
      place.kind = PlaceKind::kWords;
      place.words = FormatNames();
      return place;
    case ArgumentKind::kSwitch:
      place.kind = PlaceKind::kWords;
      place.words = {"off", "on"};
      return place;
    case ArgumentKind::kMetric:
      place.kind = PlaceKind::kExpression;
      place.functions = false;
      return place;
    case ArgumentKind::kLabelName:
      place.kind = PlaceKind::kLabelName;
      return place;
    case ArgumentKind::kSelector:
      return PlaceInSelector(typed);
  }
  return {};
}

}  // namespace

CompletionPlace FindCompletionPlace(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return IsDotCommand(text) ? PlaceInCommand(text) : PlaceInExpression(text);
}

}  // namespace tsdb::tools
