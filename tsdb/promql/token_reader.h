// Goes through the tokens of an expression; what all parts of the parser share.
//
// Thread safety: one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tsdb/promql/ast.h"
#include "tsdb/promql/lexer.h"

namespace tsdb::promql {

class TokenReader {
 public:
  // REQUIRES: the text outlives this, and is as SplitIntoTokens() wants it.
  explicit TokenReader(std::string_view text) : text_(text), tokens_(SplitIntoTokens(text)) {}

  std::string_view text() const { return text_; }
  // The token at hand; at the end of the input, again and again the last one.
  const Token& Peek() const { return tokens_.list[next_]; }
  const Token& PeekSecond() const {
    return tokens_.list[next_ + 1 < tokens_.list.size() ? next_ + 1 : next_];
  }
  bool At(TokenKind kind) const { return Peek().kind == kind; }
  Token Take() {
    const Token token = Peek();
    if (next_ + 1 < tokens_.list.size()) ++next_;
    end_ = token.end;
    return token;
  }
  bool TakeIf(TokenKind kind) {
    const bool taken = At(kind);
    if (taken) Take();
    return taken;
  }
  std::string_view TextOf(const Token& token) const {
    return text_.substr(token.begin, token.end - token.begin);
  }
  // Whether the word at hand is this one, of lower case.
  bool AtWord(std::string_view word) const;
  // Where the last token that was taken ends.
  size_t end() const { return end_; }

  // "unexpected <token at hand> in <context>, expected <expected>", or what the lexer has to say.
  absl::Status Unexpected(std::string_view context = {}, std::string_view expected = {},
                          std::string_view hint = {}) const;
  absl::Status Error(size_t at, std::string_view message, std::string_view hint = {}) const;
  // REQUIRES: At(kString).
  absl::StatusOr<std::string> TakeString();

 private:
  std::string Describe(const Token& token) const;

  const std::string_view text_;
  const Tokens tokens_;
  size_t next_ = 0;
  size_t end_ = 0;
};

// Grouping labels: "(a, b)".
absl::StatusOr<std::vector<std::string>> ParseLabelNames(TokenReader& reader);

}  // namespace tsdb::promql
