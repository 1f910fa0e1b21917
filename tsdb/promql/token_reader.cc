#include "tsdb/promql/token_reader.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/labels.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/parse_error.h"
#include "tsdb/promql/quoting.h"

namespace tsdb::promql {
namespace {

constexpr size_t kShownCharacters = 10;

// As Go's %.10q: the first ten characters.
std::string QuoteShort(std::string_view text) {
  size_t at = 0, count = 0;
  for (; at < text.size() && count < kShownCharacters; ++count) at += CharacterAt(text, at).bytes;
  return at < text.size() ? Quote(text.substr(0, at)) + "..." : Quote(text);
}

}  // namespace

bool TokenReader::AtWord(std::string_view word) const {
  return absl::EqualsIgnoreCase(ToAbsl(TextOf(Peek())), ToAbsl(word));
}

std::string TokenReader::Describe(const Token& token) const {
  const std::string_view text = TextOf(token);
  switch (token.kind) {
    case TokenKind::kEnd:
    case TokenKind::kError:
      return "end of input";
    case TokenKind::kIdentifier:
      return absl::StrCat("identifier ", Quote(text));
    case TokenKind::kMetricIdentifier:
      return absl::StrCat("metric identifier ", Quote(text));
    case TokenKind::kNumber:
      return absl::StrCat("number ", QuoteShort(text));
    case TokenKind::kDuration:
      return absl::StrCat("duration ", QuoteShort(text));
    case TokenKind::kString:
      return absl::StrCat("string ", QuoteShort(text));
    case TokenKind::kAggregation:
      return absl::StrCat("<aggr:", ToAbsl(text), ">");
    default:
      if (IsOperator(token.kind)) return absl::StrCat("<op:", ToAbsl(text), ">");
      if (IsWord(token.kind)) return absl::StrCat("<", ToAbsl(text), ">");
      return Quote(text);
  }
}

absl::Status TokenReader::Unexpected(std::string_view context, std::string_view expected,
                                     std::string_view hint) const {
  const Token& token = Peek();
  if (token.kind == TokenKind::kError) return Error(token.begin, tokens_.error, tokens_.hint);
  std::string message = "unexpected " + Describe(token);
  if (!context.empty()) absl::StrAppend(&message, " in ", ToAbsl(context));
  if (!expected.empty()) absl::StrAppend(&message, ", expected ", ToAbsl(expected));
  return Error(token.begin, message, hint);
}

absl::Status TokenReader::Error(size_t at, std::string_view message, std::string_view hint) const {
  return ParseError(text_, at, message, hint);
}

absl::StatusOr<std::string> TokenReader::TakeString() {
  const Token token = Take();
  Unquoted unquoted = Unquote(TextOf(token));
  if (!unquoted.error.empty()) return Error(token.begin + unquoted.error_at, unquoted.error);
  return std::move(unquoted.text);
}

absl::StatusOr<std::vector<std::string>> ParseLabelNames(TokenReader& reader) {
  constexpr std::string_view kContext = "grouping opts";
  if (!reader.TakeIf(TokenKind::kLeftParen)) {
    return reader.Unexpected(kContext, "\"(\"",
                             "label names stand in parentheses: (job, instance)");
  }
  std::vector<std::string> names;
  while (!reader.At(TokenKind::kRightParen)) {
    const Token token = reader.Peek();
    if (token.kind == TokenKind::kString) {
      TSDB_ASSIGN_OR_RETURN(std::string name, reader.TakeString());
      if (name.empty() || !IsValidUtf8(name)) {
        return reader.Error(token.begin, "invalid label name " + Quote(name));
      }
      names.push_back(std::move(name));
    } else if (token.kind == TokenKind::kIdentifier || IsWord(token.kind)) {
      names.emplace_back(reader.TextOf(reader.Take()));
    } else {
      return reader.Unexpected(kContext, "label");
    }
    if (reader.TakeIf(TokenKind::kComma)) continue;
    if (!reader.At(TokenKind::kRightParen)) return reader.Unexpected(kContext, "\",\" or \")\"");
  }
  reader.Take();
  return names;
}

}  // namespace tsdb::promql
