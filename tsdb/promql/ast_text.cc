#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/base/labels.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/ast.h"
#include "tsdb/promql/functions.h"
#include "tsdb/promql/lexer.h"
#include "tsdb/promql/literals.h"
#include "tsdb/promql/quoting.h"
#include "tsdb/promql/selectors.h"

namespace tsdb::promql {
namespace {

constexpr int kPrimary = kPowerPrecedence + 1;

// How tightly what stands on top binds; a sign binds as a product does.
int PrecedenceOf(const Expr& expr) {
  if (const auto* binary = std::get_if<Binary>(&expr.node)) return PrecedenceOf(binary->op);
  if (std::holds_alternative<Unary>(expr.node)) return 5;
  // Infinity has its sign, too.
  const auto* number = std::get_if<NumberLiteral>(&expr.node);
  const bool sign = number != nullptr && (std::signbit(number->value) || std::isinf(number->value));
  return sign ? 5 : kPrimary;
}

bool IsMetricName(std::string_view name) {
  if (name.empty() || !(IsAlpha(name[0]) || name[0] == ':')) return false;
  bool colon = false;
  for (const char c : name) {
    if (!IsAlphaNumeric(c) && c != ':') return false;
    colon |= c == ':';
  }
  return colon || IsMetricWord(KindOfWord(name));
}

void AppendNames(const std::vector<std::string>& names, std::string& out) {
  out += " (";
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += ", ";
    const bool plain = IsIdentifier(names[i]) && KindOfWord(names[i]) != TokenKind::kNumber;
    out += plain ? names[i] : Quote(names[i]);
  }
  out += ")";
}

void AppendShift(const TimeShift& shift, std::string& out) {
  if (shift.at) {
    switch (shift.at->kind) {
      case AtModifier::Kind::kStart:
        out += " @ start()";
        break;
      case AtModifier::Kind::kEnd:
        out += " @ end()";
        break;
      case AtModifier::Kind::kTime: {
        const Timestamp time = shift.at->time;
        const uint64_t ms = time < 0 ? -static_cast<uint64_t>(time) : static_cast<uint64_t>(time);
        absl::StrAppendFormat(&out, " @ %s%d.%03d", time < 0 ? "-" : "", ms / 1000, ms % 1000);
      }
    }
  }
  if (shift.offset_ms != 0) absl::StrAppend(&out, " offset ", FormatDuration(shift.offset_ms));
}

std::string_view Sign(MatchOp op) {
  switch (op) {
    case MatchOp::kEqual:
      return "=";
    case MatchOp::kNotEqual:
      return "!=";
    case MatchOp::kRegex:
      return "=~";
    case MatchOp::kNotRegex:
      break;
  }
  return "!~";
}

// Without range and shift.
void AppendSelector(const VectorSelector& selector, std::string& out) {
  const bool outside = IsMetricName(selector.name);
  if (outside) out += selector.name;
  std::string braces;
  if (!outside && !selector.name.empty()) braces = Quote(selector.name);
  bool name_seen = selector.name.empty();
  for (const Matcher& matcher : selector.matchers) {
    if (!name_seen && matcher.name == kMetricNameLabel && matcher.op == MatchOp::kEqual &&
        matcher.value == selector.name) {
      name_seen = true;
      continue;
    }
    absl::StrAppend(&braces, braces.empty() ? "" : ",",
                    IsIdentifier(matcher.name) ? matcher.name : Quote(matcher.name),
                    ToAbsl(Sign(matcher.op)), Quote(matcher.value));
  }
  if (!braces.empty()) absl::StrAppend(&out, "{", braces, "}");
}

class Printer {
 public:
  std::string Run(const Expr& expr) && {
    Append(expr);
    return std::move(out_);
  }

 private:
  void Append(const Expr& expr) {
    std::visit([&](const auto& node) { Node(node); }, expr.node);
  }

  // In parentheses where it would bind less tightly than this.
  void Operand(const Expr& expr, int precedence_min) {
    const bool parens = PrecedenceOf(expr) < precedence_min;
    if (parens) out_ += '(';
    Append(expr);
    if (parens) out_ += ')';
  }

  void Node(const NumberLiteral& number) {
    const double ms = std::round(number.value * 1000);
    if (number.duration && std::abs(ms) <= static_cast<double>(kDurationMax)) {
      out_ +=
          std::signbit(number.value) && ms == 0 ? "-0s" : FormatDuration(static_cast<int64_t>(ms));
    } else {
      out_ += FormatNumber(number.value);
    }
  }
  void Node(const StringLiteral& string) { out_ += Quote(string.value); }

  void Node(const VectorSelector& selector) {
    AppendSelector(selector, out_);
    AppendShift(selector.shift, out_);
  }
  void Node(const MatrixSelector& matrix) {
    AppendSelector(matrix.vector, out_);
    absl::StrAppend(&out_, "[", FormatDuration(matrix.range_ms), "]");
    AppendShift(matrix.vector.shift, out_);
  }
  void Node(const Subquery& subquery) {
    Operand(*subquery.expr, kPrimary);
    absl::StrAppend(&out_, "[", FormatDuration(subquery.range_ms), ":",
                    subquery.step_ms == 0 ? "" : FormatDuration(subquery.step_ms), "]");
    AppendShift(subquery.shift, out_);
  }

  void Node(const Paren& paren) {
    out_ += '(';
    Append(*paren.expr);
    out_ += ')';
  }
  void Node(const Unary& unary) {
    out_ += unary.negative ? '-' : '+';
    Operand(*unary.expr, PrecedenceOf(BinaryOp::kMul) + (IsBinary(*unary.expr) ? 1 : 0));
  }
  static bool IsBinary(const Expr& expr) { return std::holds_alternative<Binary>(expr.node); }

  void Node(const Binary& binary) {
    const int precedence = PrecedenceOf(binary.op);
    const bool power = binary.op == BinaryOp::kPow;
    Operand(*binary.left, precedence + (power ? 1 : 0));
    absl::StrAppend(&out_, " ", ToAbsl(NameOf(binary.op)));
    if (binary.return_bool) out_ += " bool";
    if (binary.matching) Matching(*binary.matching);
    out_ += ' ';
    // A sign needs none on the right: 2 ^ -x, a * -b.
    const bool sign = !IsBinary(*binary.right);
    Operand(*binary.right, sign ? 0 : precedence + (power ? 0 : 1));
  }

  void Matching(const VectorMatching& matching) {
    const bool left = matching.cardinality == Cardinality::kManyToOne;
    const bool grouping = left || matching.cardinality == Cardinality::kOneToMany;
    if (!matching.on && matching.labels.empty() && !grouping) return;
    out_ += matching.on ? " on" : " ignoring";
    AppendNames(matching.labels, out_);
    if (!grouping) return;
    out_ += left ? " group_left" : " group_right";
    AppendNames(matching.include, out_);
  }

  void Node(const Aggregation& aggregation) {
    out_ += NameOf(aggregation.op);
    if (aggregation.without || !aggregation.labels.empty()) {
      out_ += aggregation.without ? " without" : " by";
      AppendNames(aggregation.labels, out_);
      out_ += ' ';
    }
    out_ += '(';
    if (aggregation.parameter != nullptr) {
      Append(*aggregation.parameter);
      out_ += ", ";
    }
    Append(*aggregation.expr);
    out_ += ')';
  }

  void Node(const Call& call) {
    out_ += call.function->name;
    out_ += '(';
    for (size_t i = 0; i < call.arguments.size(); ++i) {
      if (i > 0) out_ += ", ";
      Append(*call.arguments[i]);
    }
    out_ += ')';
  }

  std::string out_;
};

}  // namespace

std::string_view NameOf(ValueType type) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "scalar", "string", "instant vector",
                                                      "range vector"};
  return kNames[static_cast<size_t>(type)];
}

std::string_view NameOf(BinaryOp op) {
  constexpr std::array<std::string_view, 16> kNames = {"+",     "-",   "*",  "/",     "%",  "^",
                                                       "atan2", "==",  "!=", "<",     "<=", ">",
                                                       ">=",    "and", "or", "unless"};
  return kNames[static_cast<size_t>(op)];
}

std::string_view NameOf(AggregateOp op) {
  constexpr std::array<std::string_view, 12> kNames = {
      "sum",    "avg",    "min",  "max",     "count",    "group",
      "stddev", "stdvar", "topk", "bottomk", "quantile", "count_values"};
  return kNames[static_cast<size_t>(op)];
}

std::string ToString(const Expr& expr) { return Printer().Run(expr); }

}  // namespace tsdb::promql
