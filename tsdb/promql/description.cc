#include "tsdb/promql/description.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/functions.h"

namespace tsdb::promql {
namespace {

struct Branches {
  std::string head;
  std::vector<const Expr*> children;
};

std::string MatchingText(const Binary& node) {
  if (!node.matching.has_value()) return "";
  const VectorMatching& matching = *node.matching;
  std::string text;
  if (matching.on || !matching.labels.empty()) {
    absl::StrAppend(&text, matching.on ? " on (" : " ignoring (",
                    absl::StrJoin(matching.labels, ", "), ")");
  }
  if (matching.cardinality == Cardinality::kManyToOne) absl::StrAppend(&text, " group_left");
  if (matching.cardinality == Cardinality::kOneToMany) absl::StrAppend(&text, " group_right");
  return text;
}

struct Visitor {
  const Expr& expr;

  Branches Leaf() const { return {ToString(expr), {}}; }
  Branches operator()(const NumberLiteral&) const { return Leaf(); }
  Branches operator()(const StringLiteral&) const { return Leaf(); }
  Branches operator()(const VectorSelector&) const { return Leaf(); }
  Branches operator()(const MatrixSelector&) const { return Leaf(); }
  Branches operator()(const Subquery& node) const {
    const std::string whole = ToString(expr), inner = ToString(*node.expr);
    return {"subquery " + whole.substr(inner.size()), {node.expr.get()}};
  }
  Branches operator()(const Paren& node) const { return {"( )", {node.expr.get()}}; }
  Branches operator()(const Unary& node) const {
    return {node.negative ? "-" : "+", {node.expr.get()}};
  }
  Branches operator()(const Binary& node) const {
    return {
        absl::StrCat(ToAbsl(NameOf(node.op)), node.return_bool ? " bool" : "", MatchingText(node)),
        {node.left.get(), node.right.get()}};
  }
  Branches operator()(const Aggregation& node) const {
    Branches branches{std::string(NameOf(node.op)), {}};
    if (node.without || !node.labels.empty()) {
      absl::StrAppend(&branches.head, node.without ? " without (" : " by (",
                      absl::StrJoin(node.labels, ", "), ")");
    }
    if (node.parameter != nullptr) branches.children.push_back(node.parameter.get());
    branches.children.push_back(node.expr.get());
    return branches;
  }
  Branches operator()(const Call& node) const {
    Branches branches{absl::StrCat(ToAbsl(node.function->name), "()"), {}};
    for (const ExprPtr& argument : node.arguments) branches.children.push_back(argument.get());
    return branches;
  }
};

void Draw(const Expr& expr, const std::string& before, const std::string& below,
          std::string& text) {
  const Branches branches = std::visit(Visitor{expr}, expr.node);
  absl::StrAppend(&text, before, branches.head, "  : ", ToAbsl(NameOf(expr.type)), "\n");
  for (size_t i = 0; i < branches.children.size(); ++i) {
    const bool last = i + 1 == branches.children.size();
    Draw(*branches.children[i], below + (last ? "└─ " : "├─ "), below + (last ? "   " : "│  "),
         text);
  }
}

}  // namespace

std::string Describe(const Expr& expr) {
  std::string text;
  Draw(expr, "", "", text);
  return text;
}

}  // namespace tsdb::promql
