#include "test/tsdb/promql/at_modifier_cases.h"

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <variant>

#include "tsdb/promql/functions.h"

namespace tsdb::conformance {
namespace {

using promql::AtModifier;
using promql::Expr;
using promql::TimeShift;

// Calls visit(Expr&, pinned) in front of what is below; `pinned`: within a subquery with an @.
template <typename AnyExpr, typename Visit>
void Walk(AnyExpr& expr, bool pinned, const Visit& visit) {
  visit(expr, pinned);
  const auto below = [&visit](auto& child, bool child_pinned) {
    if (child != nullptr) Walk<AnyExpr>(*child, child_pinned, visit);
  };
  std::visit(
      [&](auto& node) {
        using Node = std::remove_cvref_t<decltype(node)>;
        if constexpr (std::is_same_v<Node, promql::Subquery>) {
          below(node.expr, pinned || node.shift.at.has_value());
        } else if constexpr (std::is_same_v<Node, promql::Paren> ||
                             std::is_same_v<Node, promql::Unary>) {
          below(node.expr, pinned);
        } else if constexpr (std::is_same_v<Node, promql::Binary>) {
          below(node.left, pinned);
          below(node.right, pinned);
        } else if constexpr (std::is_same_v<Node, promql::Aggregation>) {
          below(node.parameter, pinned);
          below(node.expr, pinned);
        } else if constexpr (std::is_same_v<Node, promql::Call>) {
          for (auto& argument : node.arguments) below(argument, pinned);
        }
      },
      expr.node);
}

// What a node shifts in time; null: it does not. Const as the node is.
template <typename AnyExpr>
auto ShiftOf(AnyExpr& expr) -> decltype(&std::get<promql::Subquery>(expr.node).shift) {
  if (auto* vector = std::get_if<promql::VectorSelector>(&expr.node)) return &vector->shift;
  if (auto* matrix = std::get_if<promql::MatrixSelector>(&expr.node)) return &matrix->vector.shift;
  if (auto* subquery = std::get_if<promql::Subquery>(&expr.node)) return &subquery->shift;
  return nullptr;
}

// As promql.AtModifierUnsafeFunctions: what they say varies with the time they are asked at, even
// of arguments that do not.
bool SaysTheTime(const Expr& expr) {
  constexpr std::string_view kNames[] = {
      "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour",          "minute",
      "month",        "year",        "time",        "timestamp",     "predict_linear"};
  const auto* call = std::get_if<promql::Call>(&expr.node);
  return call != nullptr &&
         std::find(std::begin(kNames), std::end(kNames), call->function->name) != std::end(kNames);
}

}  // namespace

PinnedCases PinTo(Timestamp time, Expr& expression) {
  PinnedCases cases;
  bool varies = false;
  Walk(expression, false, [&](Expr& expr, bool pinned) {
    if (pinned) return;
    varies = varies || SaysTheTime(expr);
    TimeShift* shift = ShiftOf(expr);
    if (shift == nullptr) return;
    // start() and end() of an instant are its time.
    if (!shift->at || shift->at->kind != AtModifier::Kind::kTime) {
      shift->at = AtModifier{AtModifier::Kind::kTime, time};
    }
  });
  cases.expression = promql::ToString(expression);
  if (varies) return cases;
  cases.times = {-10 * time, 0, time / 5, time, 10 * time};
  if (time == 0) cases.times = {-1000, 0, 1000};
  return cases;
}

bool DependsOnRange(const Expr& expression) {
  bool found = false;
  Walk(expression, false, [&found](const Expr& expr, bool) {
    const TimeShift* shift = ShiftOf(expr);
    found = found || (shift != nullptr && shift->at && shift->at->kind != AtModifier::Kind::kTime);
  });
  return found;
}

std::vector<const promql::VectorSelector*> SelectorsOf(const Expr& expression) {
  std::vector<const promql::VectorSelector*> selectors;
  Walk(expression, false, [&selectors](const Expr& expr, bool) {
    if (const auto* vector = std::get_if<promql::VectorSelector>(&expr.node)) {
      selectors.push_back(vector);
    } else if (const auto* matrix = std::get_if<promql::MatrixSelector>(&expr.node)) {
      selectors.push_back(&matrix->vector);
    }
  });
  return selectors;
}

}  // namespace tsdb::conformance
