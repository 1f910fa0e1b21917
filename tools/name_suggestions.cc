#include "tools/name_suggestions.h"

#include <algorithm>
#include <variant>
#include <vector>

#include "storage/base/nearest_names.h"
#include "tools/select_series.h"
#include "tools/terminal.h"
#include "tsdb/promql/parser.h"
#include "tsdb/query.h"

namespace tsdb::tools {
namespace {

// The metrics that an expression names, in its order.
struct NameCollector {
  std::vector<std::string>& names;

  void Visit(const promql::Expr& expr) const { std::visit(*this, expr.node); }
  void operator()(const promql::NumberLiteral&) const {}
  void operator()(const promql::StringLiteral&) const {}
  void operator()(const promql::VectorSelector& node) const {
    if (!node.name.empty()) names.push_back(node.name);
  }
  void operator()(const promql::MatrixSelector& node) const { (*this)(node.vector); }
  void operator()(const promql::Subquery& node) const { Visit(*node.expr); }
  void operator()(const promql::Paren& node) const { Visit(*node.expr); }
  void operator()(const promql::Unary& node) const { Visit(*node.expr); }
  void operator()(const promql::Binary& node) const {
    Visit(*node.left);
    Visit(*node.right);
  }
  void operator()(const promql::Aggregation& node) const { Visit(*node.expr); }
  void operator()(const promql::Call& node) const {
    for (const promql::ExprPtr& argument : node.arguments) Visit(*argument);
  }
};

}  // namespace

std::string ExplainNothing(Database& database, std::string_view expression) {
  const auto expr = promql::Parse(expression);
  const auto metrics =
      LabelValues(database, kMetricNameLabel, {}, TimeRange::All(), WithoutMemoryLimit());
  if (!expr.ok() || !metrics.ok()) return "";
  std::vector<std::string> names;
  NameCollector{names}.Visit(**expr);
  const std::vector<std::string_view> known(metrics->begin(), metrics->end());
  for (const std::string& name : names) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::vector<std::string_view> near = NearestNames(name, known);
    std::string text = "there is no metric " + Printable(name);
    if (!near.empty()) text += "; did you mean " + Printable(JoinWithOr(near)) + "?";
    return text;
  }
  return "";
}

}  // namespace tsdb::tools
