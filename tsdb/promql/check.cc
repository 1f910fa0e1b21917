#include "tsdb/promql/check.h"

#include <algorithm>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/functions.h"
#include "tsdb/promql/parse_error.h"
#include "tsdb/promql/quoting.h"

namespace tsdb::promql {
namespace {

// The message of a subquery alone has these names.
std::string_view ShortNameOf(ValueType type) {
  return type == ValueType::kMatrix ? "matrix" : NameOf(type);
}

bool IsScalarOrVector(ValueType type) {
  return type == ValueType::kScalar || type == ValueType::kVector;
}

// Where the operator is, or what else comes first after `at`.
size_t SkipBlanks(std::string_view text, size_t at) {
  while (at < text.size()) {
    if (text[at] == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (IsBlank(text[at])) {
      ++at;
    } else {
      break;
    }
  }
  return at;
}

std::string HintFor(const Expr& expr, ValueType wanted) {
  const bool selector = std::holds_alternative<VectorSelector>(expr.node);
  if (wanted == ValueType::kMatrix && expr.type == ValueType::kVector) {
    return selector ? "a range is missing behind the selector, as [5m]"
                    : "a subquery makes a range vector: (...)[5m:]";
  }
  if (wanted == ValueType::kVector && expr.type == ValueType::kMatrix) {
    return "a function over time makes an instant vector of it, such as rate() or avg_over_time()";
  }
  if (wanted == ValueType::kVector && expr.type == ValueType::kScalar) {
    return "vector() makes an instant vector of a number";
  }
  if (wanted == ValueType::kScalar && expr.type == ValueType::kVector) {
    return "scalar() makes a number of a vector with one element";
  }
  if (wanted == ValueType::kString) return "a string stands in quotes";
  return "";
}

class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  absl::Status Run(Expr& expr) {
    return std::visit([&](auto& node) { return CheckNode(expr, node); }, expr.node);
  }

 private:
  absl::Status Fail(size_t at, std::string_view message, std::string_view hint = {}) const {
    return ParseError(text_, at, message, hint);
  }

  absl::Status Expect(Expr& expr, ValueType wanted, std::string_view context) {
    TSDB_RETURN_IF_ERROR(Run(expr));
    if (expr.type == wanted) return absl::OkStatus();
    return Fail(expr.span.begin,
                absl::StrCat("expected type ", ToAbsl(NameOf(wanted)), " in ", ToAbsl(context),
                             ", got ", ToAbsl(NameOf(expr.type))),
                HintFor(expr, wanted));
  }

  absl::Status CheckNode(Expr& expr, const NumberLiteral&) { return Is(expr, ValueType::kScalar); }
  absl::Status CheckNode(Expr& expr, const StringLiteral&) { return Is(expr, ValueType::kString); }
  absl::Status CheckNode(Expr& expr, const VectorSelector&) { return Is(expr, ValueType::kVector); }
  absl::Status CheckNode(Expr& expr, const MatrixSelector&) { return Is(expr, ValueType::kMatrix); }
  static absl::Status Is(Expr& expr, ValueType type) {
    expr.type = type;
    return absl::OkStatus();
  }

  absl::Status CheckNode(Expr& expr, Subquery& subquery) {
    TSDB_RETURN_IF_ERROR(Run(*subquery.expr));
    if (subquery.expr->type != ValueType::kVector) {
      const std::string type(ShortNameOf(subquery.expr->type));
      return Fail(expr.span.begin,
                  "subquery is only allowed on instant vector, got " + type + " instead");
    }
    return Is(expr, ValueType::kMatrix);
  }

  absl::Status CheckNode(Expr& expr, Paren& paren) {
    TSDB_RETURN_IF_ERROR(Run(*paren.expr));
    return Is(expr, paren.expr->type);
  }

  absl::Status CheckNode(Expr& expr, Unary& unary) {
    TSDB_RETURN_IF_ERROR(Run(*unary.expr));
    const ValueType type = unary.expr->type;
    if (!IsScalarOrVector(type)) {
      return Fail(expr.span.begin,
                  absl::StrCat("unary expression only allowed on expressions of type scalar or "
                               "instant vector, got ",
                               Quote(NameOf(type))));
    }
    return Is(expr, type);
  }

  absl::Status CheckNode(Expr& expr, Binary& binary) {
    TSDB_RETURN_IF_ERROR(Run(*binary.left));
    TSDB_RETURN_IF_ERROR(Run(*binary.right));
    const ValueType left = binary.left->type, right = binary.right->type;
    TSDB_RETURN_IF_ERROR(CheckModifiers(binary));
    for (const Expr* operand : {binary.left.get(), binary.right.get()}) {
      if (IsScalarOrVector(operand->type)) continue;
      return Fail(operand->span.begin,
                  "binary expression must contain only scalar and instant vector types",
                  HintFor(*operand, ValueType::kVector));
    }
    const bool vectors = left == ValueType::kVector && right == ValueType::kVector;
    const bool scalars = left == ValueType::kScalar && right == ValueType::kScalar;
    if (!vectors && !binary.matching->labels.empty()) {
      return Fail(expr.span.begin, "vector matching only allowed between instant vectors");
    }
    if (IsSet(binary.op)) TSDB_RETURN_IF_ERROR(CheckSet(expr, binary, vectors));
    if (!vectors) binary.matching.reset();
    return Is(expr, scalars ? ValueType::kScalar : ValueType::kVector);
  }

  // What the operator takes, reported at its place.
  absl::Status CheckModifiers(const Binary& binary) const {
    const size_t at = SkipBlanks(text_, binary.left->span.end);
    if (binary.return_bool && !IsComparison(binary.op)) {
      return Fail(at, "bool modifier can only be used on comparison operators");
    }
    if (IsComparison(binary.op) && !binary.return_bool && binary.left->type == ValueType::kScalar &&
        binary.right->type == ValueType::kScalar) {
      return Fail(at, "comparisons between scalars must use BOOL modifier",
                  absl::StrCat("write ", ToAbsl(NameOf(binary.op)), " bool"));
    }
    if (!binary.matching->on) return absl::OkStatus();
    for (const std::string& label : binary.matching->labels) {
      const std::vector<std::string>& include = binary.matching->include;
      if (std::find(include.begin(), include.end(), label) != include.end()) {
        return Fail(at, absl::StrCat("label ", Quote(label),
                                     " must not occur in ON and GROUP clause at once"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckSet(const Expr& expr, Binary& binary, bool vectors) const {
    if (!vectors) {
      return Fail(expr.span.begin, absl::StrCat("set operator ", Quote(NameOf(binary.op)),
                                                " not allowed in binary scalar expression"));
    }
    if (binary.matching->cardinality != Cardinality::kOneToOne) {
      return Fail(expr.span.begin,
                  absl::StrCat("no grouping allowed for ", Quote(NameOf(binary.op)), " operation"));
    }
    binary.matching->cardinality = Cardinality::kManyToMany;
    return absl::OkStatus();
  }

  absl::Status CheckNode(Expr& expr, Aggregation& aggregation) {
    TSDB_RETURN_IF_ERROR(Expect(*aggregation.expr, ValueType::kVector, "aggregation expression"));
    if (aggregation.parameter != nullptr) {
      const bool text = aggregation.op == AggregateOp::kCountValues;
      TSDB_RETURN_IF_ERROR(Expect(*aggregation.parameter,
                                  text ? ValueType::kString : ValueType::kScalar,
                                  "aggregation parameter"));
    }
    return Is(expr, ValueType::kVector);
  }

  absl::Status CheckNode(Expr& expr, Call& call) {
    const Function& function = *call.function;
    TSDB_RETURN_IF_ERROR(CheckCount(expr, function, call.arguments.size()));
    const std::string context = "call to function " + Quote(function.name);
    for (size_t i = 0; i < call.arguments.size(); ++i) {
      const ValueType wanted = function.arguments[std::min(i, function.arguments.size() - 1)];
      TSDB_RETURN_IF_ERROR(Expect(*call.arguments[i], wanted, context));
    }
    return Is(expr, function.result);
  }

  absl::Status CheckCount(const Expr& expr, const Function& function, size_t count) const {
    const size_t all = function.arguments.size();
    const size_t fewest = function.variadic > 0   ? all - static_cast<size_t>(function.variadic)
                          : function.variadic < 0 ? all - 1
                                                  : all;
    std::string expected;
    if (function.variadic == 0 && count != all) {
      expected = absl::StrCat("expected ", all);
    } else if (count < fewest) {
      expected = absl::StrCat("expected at least ", fewest);
    } else if (function.variadic >= 0 && count > all) {
      expected = absl::StrCat("expected at most ", all);
    } else {
      return absl::OkStatus();
    }
    return Fail(expr.span.begin, absl::StrCat(expected, " argument(s) in call to ",
                                              Quote(function.name), ", got ", count));
  }

  const std::string_view text_;
};

}  // namespace

absl::Status Check(std::string_view text, Expr& expr) { return Checker(text).Run(expr); }

}  // namespace tsdb::promql
