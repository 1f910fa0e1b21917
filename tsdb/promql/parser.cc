#include "tsdb/promql/parser.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "storage/base/labels.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/check.h"
#include "tsdb/promql/functions.h"
#include "tsdb/promql/literals.h"
#include "tsdb/promql/parse_error.h"
#include "tsdb/promql/quoting.h"
#include "tsdb/promql/selectors.h"
#include "tsdb/promql/token_reader.h"

namespace tsdb::promql {
namespace {

// An expression and the number of nodes on its longest way down.
struct Branch {
  ExprPtr expr;
  size_t depth = 1;
};
using BranchOr = absl::StatusOr<Branch>;

struct OperatorEntry {
  TokenKind token;
  BinaryOp op;
};
constexpr OperatorEntry kOperators[] = {
    {TokenKind::kOr, BinaryOp::kOr},
    {TokenKind::kAnd, BinaryOp::kAnd},
    {TokenKind::kUnless, BinaryOp::kUnless},
    {TokenKind::kEqual, BinaryOp::kEqual},
    {TokenKind::kNotEqual, BinaryOp::kNotEqual},
    {TokenKind::kLess, BinaryOp::kLess},
    {TokenKind::kLessEqual, BinaryOp::kLessEqual},
    {TokenKind::kGreater, BinaryOp::kGreater},
    {TokenKind::kGreaterEqual, BinaryOp::kGreaterEqual},
    {TokenKind::kAdd, BinaryOp::kAdd},
    {TokenKind::kSub, BinaryOp::kSub},
    {TokenKind::kMul, BinaryOp::kMul},
    {TokenKind::kDiv, BinaryOp::kDiv},
    {TokenKind::kMod, BinaryOp::kMod},
    {TokenKind::kAtan2, BinaryOp::kAtan2},
    {TokenKind::kPow, BinaryOp::kPow},
};

const OperatorEntry* FindOperator(TokenKind token) {
  const auto* found =
      std::find_if(std::begin(kOperators), std::end(kOperators),
                   [&](const OperatorEntry& entry) { return entry.token == token; });
  return found == std::end(kOperators) ? nullptr : found;
}

std::optional<AggregateOp> FindAggregation(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(AggregateOp::kCountValues); ++i) {
    const auto op = static_cast<AggregateOp>(i);
    if (NameOf(op) == word) return op;
  }
  return std::nullopt;
}

bool HasParameter(AggregateOp op) { return op >= AggregateOp::kTopk; }

size_t DepthOf(const std::vector<Branch>& branches) {
  size_t depth = 0;
  for (const Branch& branch : branches) depth = std::max(depth, branch.depth);
  return depth;
}

// Recursive descent, with the precedence of operators climbed. What the grammar says, that is;
// types are checked afterwards (check.h), so that the first error reported is the one Prometheus
// reports.
class Parser {
 public:
  explicit Parser(std::string_view text) : reader_(text) {}

  absl::StatusOr<ExprPtr> Run() {
    if (reader_.At(TokenKind::kEnd)) return reader_.Error(0, "no expression found in input");
    TSDB_ASSIGN_OR_RETURN(Branch branch, Expression(kLowestPrecedence));
    if (!reader_.At(TokenKind::kEnd)) return UnexpectedAfter();
    return std::move(branch.expr);
  }

 private:
  // Of what follows a whole expression.
  absl::Status UnexpectedAfter() const {
    if (reader_.At(TokenKind::kAssign)) return reader_.Unexpected({}, {}, "== compares");
    for (const std::string_view word : {"anchored", "smoothed"}) {
      if (reader_.AtWord(word)) {
        return reader_.Unexpected({}, {},
                                  absl::StrCat(ToAbsl(word), " is experimental and not supported"));
      }
    }
    if (reader_.At(TokenKind::kGroupLeft) || reader_.At(TokenKind::kGroupRight)) {
      return reader_.Unexpected({}, {}, "on (...) or ignoring (...) comes before it");
    }
    return reader_.Unexpected();
  }

  absl::Status TooDeep(size_t at) const {
    return reader_.Error(at, absl::StrCat("the expression is nested deeper than ", kDepthMax),
                         "name a part of it by a recording rule, or match a regular expression "
                         "instead of adding up selectors");
  }

  // A node above one of this depth.
  BranchOr Above(size_t depth, size_t begin, decltype(Expr::node) node) {
    if (depth >= kDepthMax) return TooDeep(begin);
    auto expr = std::make_unique<Expr>();
    expr->span = {begin, reader_.end()};
    expr->node = std::move(node);
    return Branch{std::move(expr), depth + 1};
  }

  BranchOr Expression(int precedence_min) {
    if (nesting_ >= kDepthMax) return TooDeep(reader_.Peek().begin);
    ++nesting_;
    TSDB_ASSIGN_OR_RETURN(Branch left, Operand());
    for (;;) {
      const OperatorEntry* entry = FindOperator(reader_.Peek().kind);
      if (entry == nullptr || PrecedenceOf(entry->op) < precedence_min) break;
      const size_t at = reader_.Take().begin;
      if (left.depth >= kDepthMax) return TooDeep(at);
      Binary binary;
      binary.op = entry->op;
      if (absl::Status status = Modifiers(binary); !status.ok()) return status;
      const bool right_first = entry->op == BinaryOp::kPow;
      TSDB_ASSIGN_OR_RETURN(Branch right,
                            Expression(PrecedenceOf(entry->op) + (right_first ? 0 : 1)));
      const size_t begin = left.expr->span.begin;
      const size_t depth = std::max(left.depth, right.depth);
      binary.left = std::move(left.expr);
      binary.right = std::move(right.expr);
      TSDB_ASSIGN_OR_RETURN(left, Above(depth, begin, std::move(binary)));
    }
    --nesting_;
    return left;
  }

  // bool, on, ignoring, group_left, group_right.
  absl::Status Modifiers(Binary& binary) {
    binary.return_bool = reader_.TakeIf(TokenKind::kBool);
    VectorMatching& matching = binary.matching.emplace();
    if (!reader_.At(TokenKind::kOn) && !reader_.At(TokenKind::kIgnoring)) {
      return absl::OkStatus();
    }
    matching.on = reader_.Take().kind == TokenKind::kOn;
    TSDB_ASSIGN_OR_RETURN(matching.labels, ParseLabelNames(reader_));
    if (reader_.TakeIf(TokenKind::kGroupLeft)) {
      matching.cardinality = Cardinality::kManyToOne;
    } else if (reader_.TakeIf(TokenKind::kGroupRight)) {
      matching.cardinality = Cardinality::kOneToMany;
    } else {
      return absl::OkStatus();
    }
    if (!reader_.At(TokenKind::kLeftParen)) return absl::OkStatus();
    TSDB_ASSIGN_OR_RETURN(matching.include, ParseLabelNames(reader_));
    return absl::OkStatus();
  }

  BranchOr Operand() {
    if (!reader_.At(TokenKind::kAdd) && !reader_.At(TokenKind::kSub)) return WithSuffixes();
    const Token sign = reader_.Take();
    const bool negative = sign.kind == TokenKind::kSub;
    TSDB_ASSIGN_OR_RETURN(Branch operand, Expression(kPowerPrecedence));
    if (auto* number = std::get_if<NumberLiteral>(&operand.expr->node)) {
      if (negative) number->value = -number->value;
      operand.expr->span.begin = sign.begin;
      return operand;
    }
    return Above(operand.depth, sign.begin, Unary{negative, std::move(operand.expr)});
  }

  BranchOr WithSuffixes() {
    TSDB_ASSIGN_OR_RETURN(Branch branch, Primary());
    while (AtSuffix(reader_)) {
      const bool bracket = reader_.At(TokenKind::kLeftBracket);
      if (branch.depth >= kDepthMax) return TooDeep(reader_.Peek().begin);
      if (absl::Status status = ParseSuffix(reader_, branch.expr); !status.ok()) return status;
      branch.depth += bracket;
    }
    return branch;
  }

  BranchOr Primary() {
    const Token token = reader_.Peek();
    const TokenKind second = reader_.PeekSecond().kind;
    switch (token.kind) {
      case TokenKind::kNumber:
      case TokenKind::kDuration:
        return Number();
      case TokenKind::kString: {
        TSDB_ASSIGN_OR_RETURN(std::string value, reader_.TakeString());
        return Above(0, token.begin, StringLiteral{std::move(value)});
      }
      case TokenKind::kLeftParen:
        return Parens();
      case TokenKind::kAggregation:
        if (second == TokenKind::kLeftParen || second == TokenKind::kBy ||
            second == TokenKind::kWithout) {
          return Aggregate();
        }
        break;
      case TokenKind::kIdentifier:
      case TokenKind::kStart:
      case TokenKind::kEndWord:
        if (second == TokenKind::kLeftParen) return FunctionCall();
        break;
      default:
        break;
    }
    if (token.kind != TokenKind::kLeftBrace && !IsMetricWord(token.kind)) {
      return reader_.Unexpected();
    }
    TSDB_ASSIGN_OR_RETURN(ExprPtr selector, ParseSelector(reader_));
    return Branch{std::move(selector), 1};
  }

  BranchOr Number() {
    const Token token = reader_.Take();
    const std::string_view text = reader_.TextOf(token);
    if (token.kind == TokenKind::kNumber) {
      return Above(0, token.begin, NumberLiteral{ParseNumber(text).value_or(0), false});
    }
    const ParsedDuration duration = ParseDuration(text);
    if (duration.error != DurationError::kNone) {
      return reader_.Error(token.begin, "duration out of range");
    }
    return Above(0, token.begin, NumberLiteral{static_cast<double>(duration.ms) / 1000, true});
  }

  BranchOr Parens() {
    const size_t begin = reader_.Take().begin;
    TSDB_ASSIGN_OR_RETURN(Branch inner, Expression(kLowestPrecedence));
    if (!reader_.TakeIf(TokenKind::kRightParen)) return UnexpectedAfter();
    return Above(inner.depth, begin, Paren{std::move(inner.expr)});
  }

  // "(a, b)". REQUIRES: at the parenthesis.
  absl::StatusOr<std::vector<Branch>> Arguments() {
    reader_.Take();
    std::vector<Branch> arguments;
    if (reader_.TakeIf(TokenKind::kRightParen)) return arguments;
    for (;;) {
      TSDB_ASSIGN_OR_RETURN(Branch argument, Expression(kLowestPrecedence));
      arguments.push_back(std::move(argument));
      if (reader_.TakeIf(TokenKind::kRightParen)) return arguments;
      if (!reader_.At(TokenKind::kComma)) return UnexpectedAfter();
      const size_t comma = reader_.Take().begin;
      if (reader_.At(TokenKind::kRightParen)) {
        return reader_.Error(comma, "trailing commas not allowed in function call args");
      }
    }
  }

  BranchOr FunctionCall() {
    const Token name = reader_.Take();
    const std::string_view text = reader_.TextOf(name);
    const Function* function = FindFunction(text);
    if (function == nullptr) return NoSuchFunction(name.begin, text);
    TSDB_ASSIGN_OR_RETURN(std::vector<Branch> arguments, Arguments());
    Call call;
    call.function = function;
    for (Branch& argument : arguments) call.arguments.push_back(std::move(argument.expr));
    return Above(DepthOf(arguments), name.begin, std::move(call));
  }

  absl::Status NoSuchFunction(size_t at, std::string_view name) const {
    if (const std::string_view reason = UnsupportedReason(name); !reason.empty()) {
      return reader_.Error(
          at, absl::StrCat("function ", Quote(name), " is not supported: ", ToAbsl(reason)));
    }
    return reader_.Error(at, "unknown function with name " + Quote(name), NearestFunctions(name));
  }

  absl::Status Grouping(Aggregation& aggregation) {
    aggregation.without = reader_.Take().kind == TokenKind::kWithout;
    TSDB_ASSIGN_OR_RETURN(aggregation.labels, ParseLabelNames(reader_));
    return absl::OkStatus();
  }

  bool AtGrouping() const { return reader_.At(TokenKind::kBy) || reader_.At(TokenKind::kWithout); }

  BranchOr Aggregate() {
    const Token name = reader_.Take();
    const std::string word = absl::AsciiStrToLower(ToAbsl(reader_.TextOf(name)));
    const std::optional<AggregateOp> op = FindAggregation(word);
    if (!op) {
      return reader_.Error(name.begin,
                           absl::StrCat("aggregation ", Quote(word),
                                        " is not supported: ", ToAbsl(UnsupportedReason(word))));
    }
    Aggregation aggregation;
    aggregation.op = *op;
    const bool grouped = AtGrouping();
    if (grouped) {
      if (absl::Status status = Grouping(aggregation); !status.ok()) return status;
    }
    if (!reader_.At(TokenKind::kLeftParen)) return reader_.Unexpected("aggregation");
    TSDB_ASSIGN_OR_RETURN(std::vector<Branch> arguments, Arguments());
    if (!grouped && AtGrouping()) {
      if (absl::Status status = Grouping(aggregation); !status.ok()) return status;
    }
    if (arguments.empty()) {
      return reader_.Error(name.begin, "no arguments for aggregate expression provided");
    }
    const size_t wanted = HasParameter(*op) ? 2 : 1;
    if (arguments.size() != wanted) {
      return reader_.Error(
          name.begin,
          absl::StrCat("wrong number of arguments for aggregate expression provided, expected ",
                       wanted, ", got ", arguments.size()));
    }
    aggregation.expr = std::move(arguments.back().expr);
    if (wanted == 2) aggregation.parameter = std::move(arguments.front().expr);
    return Above(DepthOf(arguments), name.begin, std::move(aggregation));
  }

  TokenReader reader_;
  size_t nesting_ = 0;  // of Expression()
};

size_t FirstInvalid(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Character character = CharacterAt(text, at);
    if (!character.valid) return at;
    at += character.bytes;
  }
  return text.size();
}

}  // namespace

absl::StatusOr<ExprPtr> Parse(std::string_view text) {
  if (text.size() > kExpressionBytesMax) {
    return ParseError(text.substr(0, 1024), 0,
                      absl::StrCat("the expression has ", text.size(), " bytes, more than ",
                                   kExpressionBytesMax));
  }
  if (!IsValidUtf8(text)) {
    return ParseError(text, FirstInvalid(text), "the expression is not valid UTF-8");
  }
  TSDB_ASSIGN_OR_RETURN(ExprPtr expr, Parser(text).Run());
  if (absl::Status status = Check(text, *expr); !status.ok()) return status;
  return expr;
}

}  // namespace tsdb::promql
