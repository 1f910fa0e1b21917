// What stands behind an expression: ranges, subqueries, offset and @.
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/literals.h"
#include "tsdb/promql/parser.h"
#include "tsdb/promql/selectors.h"

namespace tsdb::promql {
namespace {

// Beyond, seconds in a double do not tell milliseconds apart.
constexpr double kTimestampSecondsMax = 9007199254740.0;

constexpr std::string_view kShiftable =
    " modifier must be preceded by an instant vector selector or range vector selector or a "
    "subquery";

absl::Status ExperimentalDuration(const TokenReader& reader) {
  return reader.Error(reader.Peek().begin,
                      "duration expressions are experimental and not supported",
                      "write the duration as one literal, as in 1h30m, or as a number of seconds");
}

// Whether what stands at hand would be a duration in Prometheus's experimental grammar.
bool AtDurationExpression(const TokenReader& reader) {
  if (reader.At(TokenKind::kLeftParen)) return true;
  for (const std::string_view function : {"step", "range", "min_of", "max_of"}) {
    if (reader.AtWord(function)) return reader.PeekSecond().kind == TokenKind::kLeftParen;
  }
  return false;
}

bool IsArithmetic(TokenKind kind) { return kind >= TokenKind::kAdd && kind <= TokenKind::kPow; }

// REQUIRES: at a number or a duration.
absl::StatusOr<int64_t> TakeMilliseconds(TokenReader& reader) {
  const Token token = reader.Take();
  const std::string_view text = reader.TextOf(token);
  if (token.kind == TokenKind::kDuration) {
    const ParsedDuration duration = ParseDuration(text);
    if (duration.error == DurationError::kNone) return duration.ms;
    return reader.Error(token.begin, "duration out of range");
  }
  const double ms = std::round(ParseNumber(text).value_or(0) * 1000);
  // Written so that NaN is outside.
  if (!(ms <= static_cast<double>(kDurationMax))) {
    return reader.Error(token.begin, "duration out of range");
  }
  return static_cast<int64_t>(ms);
}

bool AtNumber(const TokenReader& reader) {
  return reader.At(TokenKind::kNumber) || reader.At(TokenKind::kDuration);
}

// Of a range or a step.
absl::StatusOr<int64_t> TakePositive(TokenReader& reader, std::string_view context,
                                     std::string_view expected) {
  const size_t at = reader.Peek().begin;
  if (reader.At(TokenKind::kSub)) return reader.Error(at, "duration must be greater than 0");
  if (AtDurationExpression(reader)) return ExperimentalDuration(reader);
  if (!AtNumber(reader)) return reader.Unexpected(context, expected, "a range is written [5m]");
  TSDB_ASSIGN_OR_RETURN(const int64_t ms, TakeMilliseconds(reader));
  if (ms <= 0) return reader.Error(at, "duration must be greater than 0");
  if (IsArithmetic(reader.Peek().kind)) return ExperimentalDuration(reader);
  return ms;
}

std::optional<std::string_view> WhyNoRange(const Expr& expr) {
  const auto* selector = std::get_if<VectorSelector>(&expr.node);
  if (selector == nullptr) return "ranges only allowed for vector selectors";
  if (selector->shift.offset_ms != 0) return "no offset modifiers allowed before range";
  if (selector->shift.at) return "no @ modifiers allowed before range";
  return std::nullopt;
}

absl::Status ParseRange(TokenReader& reader, ExprPtr& expr) {
  const size_t bracket = reader.Take().begin;
  TSDB_ASSIGN_OR_RETURN(const int64_t range,
                        TakePositive(reader, "subquery or range selector", "number or duration"));
  auto outer = std::make_unique<Expr>();
  if (reader.TakeIf(TokenKind::kColon)) {
    Subquery subquery;
    subquery.range_ms = range;
    if (!reader.At(TokenKind::kRightBracket)) {
      TSDB_ASSIGN_OR_RETURN(subquery.step_ms, TakePositive(reader, "subquery selector",
                                                           "number, duration, or \"]\""));
    }
    if (!reader.TakeIf(TokenKind::kRightBracket)) {
      return reader.Unexpected("subquery selector", "\"]\"");
    }
    outer->span = {expr->span.begin, reader.end()};
    subquery.expr = std::move(expr);
    outer->node = std::move(subquery);
  } else {
    if (!reader.TakeIf(TokenKind::kRightBracket)) {
      return reader.Unexpected(
          "subquery or range selector", "\":\" or \"]\"",
          absl::StrCat("the bracket was opened at ", PlaceOf(reader.text(), bracket)));
    }
    if (const auto why = WhyNoRange(*expr)) {
      const bool selector = std::holds_alternative<VectorSelector>(expr->node);
      return reader.Error(bracket, *why,
                          selector ? "the range comes first: x[5m] offset 1h"
                                   : "a subquery has a range and a step: [5m:1m], or [5m:]");
    }
    outer->span = {expr->span.begin, reader.end()};
    outer->node = MatrixSelector{std::get<VectorSelector>(std::move(expr->node)), range};
  }
  expr = std::move(outer);
  return absl::OkStatus();
}

TimeShift* ShiftOf(Expr& expr) {
  if (auto* selector = std::get_if<VectorSelector>(&expr.node)) return &selector->shift;
  if (auto* matrix = std::get_if<MatrixSelector>(&expr.node)) return &matrix->vector.shift;
  if (auto* subquery = std::get_if<Subquery>(&expr.node)) return &subquery->shift;
  return nullptr;
}

// 1 or -1.
int TakeSign(TokenReader& reader) {
  if (reader.TakeIf(TokenKind::kSub)) return -1;
  reader.TakeIf(TokenKind::kAdd);
  return 1;
}

absl::Status ParseOffset(TokenReader& reader, Expr& expr) {
  reader.Take();
  const int sign = TakeSign(reader);
  if (AtDurationExpression(reader)) return ExperimentalDuration(reader);
  if (!AtNumber(reader)) return reader.Unexpected("offset", "number or duration");
  TSDB_ASSIGN_OR_RETURN(const int64_t ms, TakeMilliseconds(reader));
  TimeShift* shift = ShiftOf(expr);
  if (shift == nullptr) {
    return reader.Error(expr.span.begin, absl::StrCat("offset", ToAbsl(kShiftable)),
                        "offset stands right behind the selector, inside of functions");
  }
  if (shift->offset_ms != 0) {
    return reader.Error(expr.span.begin, "offset may not be set multiple times");
  }
  shift->offset_ms = sign * ms;
  expr.span.end = reader.end();
  return absl::OkStatus();
}

absl::StatusOr<AtModifier> TakeTimestamp(TokenReader& reader, const Expr& expr) {
  AtModifier at;
  if (reader.At(TokenKind::kStart) || reader.At(TokenKind::kEndWord)) {
    at.kind = reader.At(TokenKind::kStart) ? AtModifier::Kind::kStart : AtModifier::Kind::kEnd;
    reader.Take();
    for (const TokenKind paren : {TokenKind::kLeftParen, TokenKind::kRightParen}) {
      if (!reader.TakeIf(paren)) {
        return reader.Unexpected("@", "timestamp", "write @ start() or @ end()");
      }
    }
    return at;
  }
  const int sign = TakeSign(reader);
  if (!AtNumber(reader)) {
    return reader.Unexpected("@", "timestamp", "a time is a number of seconds, start() or end()");
  }
  double seconds = 0;
  if (reader.At(TokenKind::kDuration)) {
    TSDB_ASSIGN_OR_RETURN(const int64_t ms, TakeMilliseconds(reader));
    at.time = sign * ms;
    return at;
  }
  seconds = sign * ParseNumber(reader.TextOf(reader.Take())).value_or(0);
  if (!(std::abs(seconds) <= kTimestampSecondsMax)) {
    const std::string shown = std::isnan(seconds)   ? "NaN"
                              : std::isinf(seconds) ? (seconds > 0 ? "+Inf" : "-Inf")
                                                    : absl::StrFormat("%f", seconds);
    return reader.Error(expr.span.begin, "timestamp out of bounds for @ modifier: " + shown);
  }
  at.time = static_cast<Timestamp>(std::round(seconds * 1000));
  return at;
}

absl::Status ParseAt(TokenReader& reader, Expr& expr) {
  reader.Take();
  TSDB_ASSIGN_OR_RETURN(const AtModifier at, TakeTimestamp(reader, expr));
  TimeShift* shift = ShiftOf(expr);
  if (shift == nullptr) {
    return reader.Error(expr.span.begin, absl::StrCat("@", ToAbsl(kShiftable)),
                        "@ stands right behind the selector, inside of functions");
  }
  if (shift->at) {
    return reader.Error(expr.span.begin, "@ <timestamp> may not be set multiple times");
  }
  shift->at = at;
  expr.span.end = reader.end();
  return absl::OkStatus();
}

}  // namespace

bool AtSuffix(const TokenReader& reader) {
  return reader.At(TokenKind::kLeftBracket) || reader.At(TokenKind::kOffset) ||
         reader.At(TokenKind::kAt);
}

absl::Status ParseSuffix(TokenReader& reader, ExprPtr& expr) {
  if (reader.At(TokenKind::kLeftBracket)) return ParseRange(reader, expr);
  if (reader.At(TokenKind::kOffset)) return ParseOffset(reader, *expr);
  return ParseAt(reader, *expr);
}

}  // namespace tsdb::promql
