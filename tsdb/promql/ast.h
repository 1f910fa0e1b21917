// PromQL's syntax tree, as the parser makes it: checked, so that whoever walks it may rely on the
// types of operands and the number of arguments.
//
// Thread safety: plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "index/label/matcher.h"
#include "storage/base/types.h"

namespace tsdb::promql {

enum class ValueType : uint8_t { kNone, kScalar, kString, kVector, kMatrix };
// As Prometheus's messages call them: "scalar", "string", "instant vector", "range vector".
std::string_view NameOf(ValueType type);

// Bytes [begin, end) of the expression's text.
struct Span {
  size_t begin = 0;
  size_t end = 0;
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct NumberLiteral {
  double value = 0;
  bool duration = false;  // was written as one: 5m is 300
};

struct StringLiteral {
  std::string value;
};

// `@ 1609746000`, `@ start()`, `@ end()`.
struct AtModifier {
  enum class Kind : uint8_t { kTime, kStart, kEnd };
  Kind kind = Kind::kTime;
  Timestamp time = 0;  // milliseconds, of kTime
};

// What shifts the time at which a selector or a subquery is asked.
struct TimeShift {
  std::optional<AtModifier> at;
  int64_t offset_ms = 0;
};

// name{a="b"}[range] offset 5m @ 17
struct VectorSelector {
  std::string name;  // as written in front of the braces, or quoted in them; else empty
  // All that must match; a `name` is among them as __name__="name".
  std::vector<Matcher> matchers;
  TimeShift shift;
};

// A vector selector's samples over a range: kMatrix.
struct MatrixSelector {
  VectorSelector vector;
  int64_t range_ms = 0;  // > 0
};

// expr[range:step]: kMatrix.
struct Subquery {
  ExprPtr expr;  // kVector
  int64_t range_ms = 0;
  int64_t step_ms = 0;  // 0: the default
  TimeShift shift;
};

struct Paren {
  ExprPtr expr;
};

struct Unary {
  bool negative = false;
  ExprPtr expr;  // kScalar or kVector
};

enum class BinaryOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,  // arithmetic
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,  // comparison
  kAnd,
  kOr,
  kUnless  // sets
};
std::string_view NameOf(BinaryOp op);
constexpr bool IsComparison(BinaryOp op) {
  return op >= BinaryOp::kEqual && op <= BinaryOp::kGreaterEqual;
}
constexpr bool IsSet(BinaryOp op) { return op >= BinaryOp::kAnd; }

inline constexpr int kLowestPrecedence = 1;
inline constexpr int kPowerPrecedence = 6;
// How tightly an operator binds; only ^ binds to the right.
constexpr int PrecedenceOf(BinaryOp op) {
  if (op == BinaryOp::kOr) return kLowestPrecedence;
  if (IsSet(op)) return 2;
  if (IsComparison(op)) return 3;
  if (op == BinaryOp::kAdd || op == BinaryOp::kSub) return 4;
  return op == BinaryOp::kPow ? kPowerPrecedence : 5;
}

enum class Cardinality : uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };

// on/ignoring (labels) group_left/group_right (include). Between two vectors only.
struct VectorMatching {
  Cardinality cardinality = Cardinality::kOneToOne;  // kManyToMany: sets
  bool on = false;
  std::vector<std::string> labels;
  std::vector<std::string> include;
};

struct Binary {
  BinaryOp op = BinaryOp::kAdd;
  ExprPtr left, right;
  bool return_bool = false;
  // Present between two vectors, also where none was written.
  std::optional<VectorMatching> matching;
};

enum class AggregateOp : uint8_t {
  kSum,
  kAvg,
  kMin,
  kMax,
  kCount,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kQuantile,
  kCountValues
};
std::string_view NameOf(AggregateOp op);

struct Aggregation {
  AggregateOp op = AggregateOp::kSum;
  ExprPtr parameter;  // of kTopk, kBottomk, kQuantile: kScalar; of kCountValues: kString
  ExprPtr expr;       // kVector
  bool without = false;
  std::vector<std::string> labels;  // by (labels): without = false, none: one group
};

struct Function;  // functions.h

struct Call {
  const Function* function = nullptr;
  std::vector<ExprPtr> arguments;
};

struct Expr {
  Span span;
  ValueType type = ValueType::kNone;
  std::variant<NumberLiteral, StringLiteral, VectorSelector, MatrixSelector, Subquery, Paren, Unary,
               Binary, Aggregation, Call>
      node;
};

// The expression in Prometheus's normal form: Parse(ToString(e)) is e.
std::string ToString(const Expr& expr);

}  // namespace tsdb::promql
