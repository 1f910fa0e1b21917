#include "tools/expression_selectors.h"

#include <variant>

namespace tsdb::tools {
namespace {

struct SelectorFinder {
  std::vector<const promql::VectorSelector*>& found;

  void Visit(const promql::Expr& expr) const { std::visit(*this, expr.node); }
  void operator()(const promql::NumberLiteral&) const {}
  void operator()(const promql::StringLiteral&) const {}
  void operator()(const promql::VectorSelector& node) const { found.push_back(&node); }
  void operator()(const promql::MatrixSelector& node) const { found.push_back(&node.vector); }
  void operator()(const promql::Subquery& node) const { Visit(*node.expr); }
  void operator()(const promql::Paren& node) const { Visit(*node.expr); }
  void operator()(const promql::Unary& node) const { Visit(*node.expr); }
  void operator()(const promql::Binary& node) const {
    Visit(*node.left);
    Visit(*node.right);
  }
  void operator()(const promql::Aggregation& node) const {
    if (node.parameter != nullptr) Visit(*node.parameter);
    Visit(*node.expr);
  }
  void operator()(const promql::Call& node) const {
    for (const promql::ExprPtr& argument : node.arguments) Visit(*argument);
  }
};

}  // namespace

std::vector<const promql::VectorSelector*> SelectorsOf(const promql::Expr& expr) {
  std::vector<const promql::VectorSelector*> found;
  SelectorFinder{found}.Visit(expr);
  return found;
}

}  // namespace tsdb::tools
