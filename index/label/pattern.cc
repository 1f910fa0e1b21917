#include "index/label/pattern.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace tsdb::label {
namespace {

constexpr size_t kLiteralsMax = 1024;  // past it, the regex engine is no slower

// Reads what it understands: literal characters, `.*`, `.+` and groups of literals.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool at_end() const { return position_ == text_.size(); }
  bool At(std::string_view token) const { return text_.substr(position_).starts_with(token); }
  bool Take(std::string_view token) {
    if (!At(token)) return false;
    position_ += token.size();
    return true;
  }

  // A run of characters that stand for themselves, perhaps empty. A character that is repeated is
  // left where it is.
  std::string TakeLiteral() {
    std::string literal;
    for (;;) {
      const size_t begin = position_;
      std::string character = TakeCharacter();
      if (character.empty()) return literal;
      if (!at_end() && std::string_view("*+?{").find(text_[position_]) != std::string_view::npos) {
        position_ = begin;
        return literal;
      }
      literal += character;
    }
  }

  // `a|b|c`, up to a parenthesis or the end; nothing if there is more to it. An alternative may
  // hold a group of its own: `a(b|c)`.
  std::optional<std::vector<std::string>> TakeAlternatives(int depth) {
    std::vector<std::string> all;
    do {
      auto some = TakeSequence(depth);
      if (!some || all.size() + some->size() > kLiteralsMax) return std::nullopt;
      std::move(some->begin(), some->end(), std::back_inserter(all));
    } while (Take("|"));
    if (!at_end() && !At(")")) return std::nullopt;
    return all;
  }

 private:
  static constexpr int kDepthMax = 8;

  // A literal character or an escaped punctuation mark; empty, with nothing taken, for all else.
  std::string TakeCharacter() {
    if (at_end()) return {};
    const char c = text_[position_];
    if (c == '\\') {
      if (position_ + 1 == text_.size()) return {};
      const char escaped = text_[position_ + 1];
      const bool punctuation =
          (escaped >= '!' && escaped <= '/') || (escaped >= ':' && escaped <= '@') ||
          (escaped >= '[' && escaped <= '`') || (escaped >= '{' && escaped <= '~');
      if (!punctuation) return {};
      position_ += 2;
      return std::string(1, escaped);
    }
    if (std::string_view(".*+?()[]{}|^$").find(c) != std::string_view::npos) return {};
    // The whole of a UTF-8 character, so that a repetition behind it takes it back whole.
    size_t bytes = 1;
    while (position_ + bytes < text_.size() && (text_[position_ + bytes] & 0xC0) == 0x80) ++bytes;
    position_ += bytes;
    return std::string(text_.substr(position_ - bytes, bytes));
  }

  // Literals and groups, one behind the other: all that they can spell.
  std::optional<std::vector<std::string>> TakeSequence(int depth) {
    std::vector<std::string> spelled(1);
    for (;;) {
      const std::string literal = TakeLiteral();
      for (std::string& text : spelled) text += literal;
      const bool group = Take("(?:") || (!At("(?") && Take("("));
      if (!group) break;
      if (depth == kDepthMax) return std::nullopt;
      const auto inner = TakeAlternatives(depth + 1);
      if (!inner || !Take(")")) return std::nullopt;
      if (At("*") || At("+") || At("?") || At("{")) return std::nullopt;
      if (spelled.size() * inner->size() > kLiteralsMax) return std::nullopt;
      std::vector<std::string> product;
      for (const std::string& text : spelled) {
        for (const std::string& tail : *inner) product.push_back(text + tail);
      }
      spelled = std::move(product);
    }
    if (!at_end() && !At("|") && !At(")")) return std::nullopt;
    return spelled;
  }

  std::string_view text_;
  size_t position_ = 0;
};

// `^` and `$` around an expression that has to match the whole value anyway. With a `|` inside they
// belong to one alternative only.
std::string_view WithoutAnchors(std::string_view expression) {
  if (expression.find('|') != std::string_view::npos) return expression;
  if (expression.starts_with('^')) expression.remove_prefix(1);
  if (expression.ends_with('$') && !expression.ends_with("\\$")) expression.remove_suffix(1);
  return expression;
}

bool OneOf(std::string_view expression, Pattern& pattern) {
  Reader reader(expression);
  auto literals = reader.TakeAlternatives(0);
  if (!literals || !reader.at_end()) return false;
  std::sort(literals->begin(), literals->end());
  literals->erase(std::unique(literals->begin(), literals->end()), literals->end());
  pattern.kind = Pattern::Kind::kOneOf;
  pattern.literals = *std::move(literals);
  return true;
}

// `.*lit`, `.*lit.*`, `lit.*`, `.*`, `.+`: a literal, perhaps empty, between what matches anything.
bool Around(std::string_view expression, Pattern& pattern) {
  Reader reader(expression);
  if (reader.Take(".+")) {
    pattern.kind = Pattern::Kind::kNonEmpty;
    return reader.at_end();
  }
  const bool before = reader.Take(".*");
  std::string literal = reader.TakeLiteral();
  const bool after = reader.Take(".*");
  if (!reader.at_end() || (!before && !after)) return false;
  if (literal.empty()) {
    pattern.kind = Pattern::Kind::kAny;
    return true;
  }
  pattern.kind = !before  ? Pattern::Kind::kPrefix
                 : !after ? Pattern::Kind::kSuffix
                          : Pattern::Kind::kContains;
  if (!before) pattern.prefix = literal;
  pattern.text = std::move(literal);
  return true;
}

// Whether a `|` stands outside of every group, or might: what is before it is then no prefix.
bool HasTopLevelAlternatives(std::string_view expression) {
  int depth = 0;
  for (size_t i = 0; i < expression.size(); ++i) {
    const char c = expression[i];
    if (c == '\\') {
      ++i;
    } else if (c == '[') {
      return expression.find('|', i) != std::string_view::npos;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (c == '|' && depth == 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

Pattern TakeApart(std::string_view expression) {
  Pattern pattern;
  // \Q..\E quotes anything, `|` and parentheses too; such expressions are rare.
  if (expression.find("\\Q") != std::string_view::npos) return pattern;
  const std::string_view bare = WithoutAnchors(expression);
  if (OneOf(bare, pattern)) return pattern;
  Pattern around;
  if (Around(bare, around)) return around;
  if (!HasTopLevelAlternatives(bare)) pattern.prefix = Reader(bare).TakeLiteral();
  return pattern;
}

}  // namespace tsdb::label
