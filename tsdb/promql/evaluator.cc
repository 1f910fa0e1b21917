#include "tsdb/promql/evaluator.h"

#include <algorithm>
#include <utility>

#include "storage/base/status_macros.h"
#include "tsdb/promql/aggregation.h"

namespace tsdb::promql {
namespace {

Value VectorValue(StepMatrix vector) {
  Value value;
  value.type = ValueType::kVector;
  value.vector = std::move(vector);
  return value;
}

// What was evaluated at one step, at `count` of them.
Value Repeat(Value value, size_t count) {
  if (value.type == ValueType::kScalar) value.numbers.assign(count, value.numbers[0]);
  if (value.type != ValueType::kVector) return value;
  StepMatrix repeated(count);
  repeated.Resize(value.vector.rows());
  for (size_t row = 0; row < repeated.rows(); ++row) {
    repeated.SetLabels(row, value.vector.labels(row));
    repeated.SetDropName(row, value.vector.drop_name(row));
    std::ranges::fill(repeated.values(row), value.vector.values(row)[0]);
    std::ranges::fill(repeated.present(row), value.vector.present(row)[0]);
  }
  value.vector = std::move(repeated);
  return value;
}

}  // namespace

const Expr& Bare(const Expr& expr) {
  const Expr* bare = &expr;
  while (const auto* paren = std::get_if<Paren>(&bare->node)) bare = paren->expr.get();
  return *bare;
}

bool Evaluator::StepInvariant(const Expr& expr) {
  const auto [entry, unknown] = invariant_.try_emplace(&expr, false);
  if (!unknown) return entry->second;
  struct Visitor {
    Evaluator& evaluator;
    bool operator()(const NumberLiteral&) const { return true; }
    bool operator()(const StringLiteral&) const { return true; }
    bool operator()(const VectorSelector& node) const { return node.shift.at.has_value(); }
    bool operator()(const MatrixSelector& node) const { return node.vector.shift.at.has_value(); }
    bool operator()(const Subquery& node) const { return node.shift.at.has_value(); }
    bool operator()(const Paren& node) const { return evaluator.StepInvariant(*node.expr); }
    bool operator()(const Unary& node) const { return evaluator.StepInvariant(*node.expr); }
    bool operator()(const Binary& node) const {
      return evaluator.StepInvariant(*node.left) && evaluator.StepInvariant(*node.right);
    }
    bool operator()(const Aggregation& node) const {
      return evaluator.StepInvariant(*node.expr) &&
             (node.parameter == nullptr || evaluator.StepInvariant(*node.parameter));
    }
    bool operator()(const Call& node) const {
      switch (node.function->id) {
        case FunctionId::kTime:
        case FunctionId::kTimestamp:      // of anything but a selector: the step's own time
        case FunctionId::kPredictLinear:  // from the step's time on
          return false;
        default:
          // Of the time when nothing is given.
          if (node.arguments.empty()) return node.function->id == FunctionId::kPi;
          return std::ranges::all_of(node.arguments, [this](const ExprPtr& argument) {
            return evaluator.StepInvariant(*argument);
          });
      }
    }
  };
  const bool invariant = std::visit(Visitor{*this}, expr.node);
  return invariant_[&expr] = invariant;
}

absl::StatusOr<Value> Evaluator::Evaluate(const Expr& expr, const Steps& steps) {
  if (!guard_.ChargeMemory(StepMatrix::BytesFor(1, steps.count)) || !guard_.Check()) {
    return guard_.status();
  }
  if (steps.count > 1 && StepInvariant(expr)) {
    TSDB_ASSIGN_OR_RETURN(Value value, EvaluateNode(expr, {steps.start, steps.interval, 1}));
    if (!guard_.ChargeMemory(StepMatrix::BytesFor(value.vector.rows(), steps.count))) {
      return guard_.status();
    }
    return Repeat(std::move(value), steps.count);
  }
  TSDB_ASSIGN_OR_RETURN(Value value, EvaluateNode(expr, steps));
  if (semantics_.closed_ranges && value.type == ValueType::kVector) {
    TSDB_RETURN_IF_ERROR(value.vector.RemoveNames(/*flagged=*/true));
  }
  return value;
}

absl::StatusOr<Value> Evaluator::EvaluateNode(const Expr& expr, const Steps& steps) {
  Value value;
  value.type = expr.type;
  if (const auto* number = std::get_if<NumberLiteral>(&expr.node)) {
    value.numbers.assign(steps.count, number->value);
  } else if (const auto* text = std::get_if<StringLiteral>(&expr.node)) {
    value.text = text->value;
  } else if (const auto* selector = std::get_if<VectorSelector>(&expr.node)) {
    TSDB_ASSIGN_OR_RETURN(value.vector, Instant(*selector, steps, Take::kValues));
  } else if (const auto* paren = std::get_if<Paren>(&expr.node)) {
    return Evaluate(*paren->expr, steps);
  } else if (const auto* unary = std::get_if<Unary>(&expr.node)) {
    return EvaluateUnary(*unary, steps);
  } else if (const auto* binary = std::get_if<Binary>(&expr.node)) {
    return EvaluateBinary(*binary, steps);
  } else if (const auto* aggregation = std::get_if<Aggregation>(&expr.node)) {
    TSDB_ASSIGN_OR_RETURN(value.vector, EvaluateAggregation(*aggregation, steps));
  } else if (const auto* call = std::get_if<Call>(&expr.node)) {
    return EvaluateCall(expr, *call, steps);
  } else {
    return absl::InternalError("a range vector was evaluated as an instant one");
  }
  return value;
}

absl::StatusOr<StepMatrix> Evaluator::EvaluateVector(const Expr& expr, const Steps& steps) {
  TSDB_ASSIGN_OR_RETURN(Value value, Evaluate(expr, steps));
  return std::move(value.vector);
}

absl::StatusOr<std::vector<double>> Evaluator::EvaluateNumbers(const Expr& expr,
                                                               const Steps& steps) {
  TSDB_ASSIGN_OR_RETURN(Value value, Evaluate(expr, steps));
  return std::move(value.numbers);
}

absl::StatusOr<std::string> Evaluator::EvaluateText(const Expr& expr, const Steps& steps) {
  TSDB_ASSIGN_OR_RETURN(Value value, Evaluate(expr, steps));
  return std::move(value.text);
}

absl::StatusOr<Value> Evaluator::EvaluateUnary(const Unary& unary, const Steps& steps) {
  TSDB_ASSIGN_OR_RETURN(Value value, Evaluate(*unary.expr, steps));
  if (!unary.negative) return value;
  for (double& number : value.numbers) number = -number;
  for (size_t row = 0; row < value.vector.rows(); ++row) {
    for (double& number : value.vector.values(row)) number = -number;
    value.vector.SetDropName(row, true);
  }
  return value;
}

absl::StatusOr<Value> Evaluator::EvaluateBinary(const Binary& binary, const Steps& steps) {
  TSDB_ASSIGN_OR_RETURN(Value left, Evaluate(*binary.left, steps));
  TSDB_ASSIGN_OR_RETURN(Value right, Evaluate(*binary.right, steps));
  if (left.type == ValueType::kScalar && right.type == ValueType::kScalar) {
    for (size_t step = 0; step < steps.count; ++step) {
      left.numbers[step] = Apply(binary.op, left.numbers[step], right.numbers[step]);
    }
    return left;
  }
  if (left.type == ValueType::kScalar) {
    ApplyToVector(binary, left.numbers, /*numbers_are_left=*/true, semantics_, right.vector);
    right.vector.DropEmptyRows();
    return right;
  }
  if (right.type == ValueType::kScalar) {
    ApplyToVector(binary, right.numbers, /*numbers_are_left=*/false, semantics_, left.vector);
    left.vector.DropEmptyRows();
    return left;
  }
  if (!guard_.ChargeMemory(StepMatrix::BytesFor(left.vector.rows(), steps.count))) {
    return guard_.status();
  }
  StepMatrix result;
  if (IsSet(binary.op)) {
    TSDB_ASSIGN_OR_RETURN(result,
                          ApplySet(binary, std::move(left.vector), std::move(right.vector)));
  } else {
    TSDB_ASSIGN_OR_RETURN(result, ApplyToVectors(binary, left.vector, right.vector, semantics_));
  }
  result.DropEmptyRows();
  return VectorValue(std::move(result));
}

absl::StatusOr<StepMatrix> Evaluator::EvaluateAggregation(const Aggregation& aggregation,
                                                          const Steps& steps) {
  std::vector<double> numbers;
  std::string text;
  if (aggregation.op == AggregateOp::kCountValues) {
    TSDB_ASSIGN_OR_RETURN(text, EvaluateText(*aggregation.parameter, steps));
  } else if (aggregation.parameter != nullptr) {
    TSDB_ASSIGN_OR_RETURN(numbers, EvaluateNumbers(*aggregation.parameter, steps));
  }
  TSDB_ASSIGN_OR_RETURN(StepMatrix vector, EvaluateVector(*aggregation.expr, steps));
  // Not more groups than series.
  if (!guard_.ChargeMemory(StepMatrix::BytesFor(vector.rows(), steps.count))) {
    return guard_.status();
  }
  return Aggregate(aggregation, std::move(vector), numbers, text, semantics_, annotations_);
}

}  // namespace tsdb::promql
