#include "tsdb/promql.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/patience.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/database.h"
#include "tsdb/promql/annotations.h"
#include "tsdb/promql/description.h"
#include "tsdb/promql/evaluator.h"
#include "tsdb/promql/parser.h"
#include "tsdb/query_selection.h"
#include "tsdb/scan/query_guard.h"
#include "tsdb/scan/window_plan.h"

namespace tsdb {
namespace {

using promql::Expr;
using promql::Steps;
using promql::ValueType;

// A million years: beyond, sums of times and ranges would overflow.
constexpr Timestamp kTimeMax = Timestamp{1} << 55;

// The series of one query; what all of its selections can vouch for.
class DatabaseSource final : public promql::SeriesSource {
 public:
  DatabaseSource(Database& database, const QueryOptions& options, scan::QueryGuard& guard)
      : SeriesSource(
            {QueryAccess::EngineOf(database).tree, QueryAccess::EngineOf(database).series}),
        database_(database),
        options_(options),
        guard_(guard) {}

  absl::StatusOr<std::vector<SeriesId>> Select(std::span<const Matcher> matchers, Timestamp from,
                                               Timestamp last) override {
    TSDB_ASSIGN_OR_RETURN(const scan::WindowPlan plan,
                          scan::PlanWindows({from, last + 1}, 0, 0, options_.limits));
    TSDB_ASSIGN_OR_RETURN(SeriesSelection selection,
                          SelectSeries(database_, matchers, &plan, options_, guard_));
    select_ns_ += selection.select_ns;
    completeness_.latest = completeness_.latest && selection.completeness.latest;
    completeness_.replaying = completeness_.replaying || selection.completeness.replaying;
    completeness_.damage = std::move(selection.completeness.damage);
    return std::move(selection.series);
  }

  Completeness& completeness() { return completeness_; }
  uint64_t select_ns() const { return select_ns_; }

 private:
  Database& database_;
  const QueryOptions& options_;
  scan::QueryGuard& guard_;
  Completeness completeness_;
  uint64_t select_ns_ = 0;
};

// Whether the rows of the answer are in an order of their own.
bool Ordered(const Expr& expr) {
  const Expr& bare = promql::Bare(expr);
  if (const auto* call = std::get_if<promql::Call>(&bare.node)) {
    return call->function->id == promql::FunctionId::kSort ||
           call->function->id == promql::FunctionId::kSortDesc;
  }
  const auto* aggregation = std::get_if<promql::Aggregation>(&bare.node);
  return aggregation != nullptr && (aggregation->op == promql::AggregateOp::kTopk ||
                                    aggregation->op == promql::AggregateOp::kBottomk);
}

// The samples of the rows, in the order of the rows.
void AddSeries(const promql::StepMatrix& rows, const Steps& steps, PromqlResult& result) {
  for (size_t row = 0; row < rows.rows(); ++row) {
    PromqlSeries& series = result.series.emplace_back(PromqlSeries{rows.labels(row), {}});
    for (size_t step = 0; step < steps.count; ++step) {
      if (rows.present(row)[step] == 0) continue;
      series.samples.push_back({steps.at(step), rows.values(row)[step]});
    }
  }
}

// One expression at its steps.
class Run {
 public:
  Run(Database& database, std::string_view text, const Steps& steps,
      const promql::Evaluator::Asked& asked, const PromqlOptions& options)
      : text_(text),
        steps_(steps),
        asked_(asked),
        options_(options),
        guard_(options.query),
        source_(database, options.query, guard_),
        busy_(QueryAccess::EngineOf(database).pipeline.get(), ThreadsOf(options.query)) {}

  absl::StatusOr<PromqlResult> Answer(const Expr& expr) {
    promql::Annotations annotations(text_);
    promql::Evaluator evaluator(source_, options_, asked_, annotations, guard_);
    PromqlResult result;
    if (expr.type == ValueType::kMatrix) {
      result.type = PromqlType::kMatrix;
      TSDB_ASSIGN_OR_RETURN(result.series, evaluator.EvaluateMatrix(expr, steps_.start));
    } else {
      TSDB_ASSIGN_OR_RETURN(promql::Value value, evaluator.Evaluate(expr, steps_));
      TSDB_RETURN_IF_ERROR(Convert(expr, std::move(value), result));
    }
    result.warnings = annotations.warnings();
    result.infos = annotations.infos();
    result.completeness = std::move(source_.completeness());
    result.cost = evaluator.cost();
    result.cost.select_ns = source_.select_ns();
    result.cost.wall_ns = guard_.ElapsedNs();
    return result;
  }

 private:
  absl::Status Convert(const Expr& expr, promql::Value value, PromqlResult& result) {
    const bool range = asked_.range;
    if (value.type == ValueType::kString) {
      result.type = PromqlType::kString;
      result.text = std::move(value.text);
      return absl::OkStatus();
    }
    result.type = range ? PromqlType::kMatrix : PromqlType::kVector;
    if (value.type == ValueType::kScalar) {
      if (!range) result.type = PromqlType::kScalar;
      PromqlSeries& series = result.series.emplace_back();
      for (size_t step = 0; step < steps_.count; ++step) {
        series.samples.push_back({steps_.at(step), value.numbers[step]});
      }
      return absl::OkStatus();
    }
    TSDB_RETURN_IF_ERROR(value.vector.RemoveNames(/*flagged=*/true));
    value.vector.DropEmptyRows();
    if (range || !Ordered(expr)) value.vector.SortRows();
    if (!guard_.ChargeMemory(value.vector.rows() * steps_.count * sizeof(Sample))) {
      return guard_.status();
    }
    AddSeries(value.vector, steps_, result);
    return absl::OkStatus();
  }

  const std::string_view text_;
  const Steps steps_;
  const promql::Evaluator::Asked asked_;
  const PromqlOptions& options_;
  scan::QueryGuard guard_;
  DatabaseSource source_;
  const merge::MergePipeline::QueryThreads busy_;
};

absl::Status CheckOptions(const PromqlOptions& options) {
  for (const auto& [name, value] : {std::pair{"lookback_ms", options.lookback_ms},
                                    std::pair{"subquery_step_ms", options.subquery_step_ms}}) {
    if (value > 0 && value <= kTimeMax) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("PromqlOptions::", name, " must be at least 1, not ", value));
  }
  return absl::OkStatus();
}

absl::Status CheckTime(const char* what, Timestamp time) {
  if (time >= -kTimeMax && time <= kTimeMax) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the ", what, ", ", time,
                                                 " ms since 1970, is more than a million years "
                                                 "away; are these microseconds?"));
}

}  // namespace

absl::StatusOr<PromqlResult> RunPromql(Database& database, std::string_view expression,
                                       Timestamp time, const PromqlOptions& options) {
  return OrNoMemory("query", [&]() -> absl::StatusOr<PromqlResult> {
    TSDB_RETURN_IF_ERROR(CheckTime("time", time));
    TSDB_RETURN_IF_ERROR(CheckOptions(options));
    TSDB_ASSIGN_OR_RETURN(const promql::ExprPtr expr, promql::Parse(expression));
    return Run(database, expression, {.start = time}, {time, time, false}, options).Answer(*expr);
  });
}

absl::StatusOr<PromqlResult> RunPromqlRange(Database& database, std::string_view expression,
                                            PromqlRange range, const PromqlOptions& options) {
  return OrNoMemory("query", [&]() -> absl::StatusOr<PromqlResult> {
    TSDB_RETURN_IF_ERROR(CheckOptions(options));
    TSDB_RETURN_IF_ERROR(CheckTime("start", range.start));
    TSDB_RETURN_IF_ERROR(CheckTime("end", range.end));
    if (range.step_ms <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("the step must be at least a millisecond, not ", range.step_ms, " ms"));
    }
    if (range.end < range.start) {
      return absl::InvalidArgumentError(
          absl::StrCat("the end, ", range.end, " ms, is before the start, ", range.start));
    }
    TSDB_ASSIGN_OR_RETURN(const promql::ExprPtr expr, promql::Parse(expression));
    if (expr->type != ValueType::kVector && expr->type != ValueType::kScalar) {
      return absl::InvalidArgumentError(
          absl::StrCat("invalid expression type \"", ToAbsl(promql::NameOf(expr->type)),
                       "\" for range query, must be Scalar or instant Vector"));
    }
    const auto count = static_cast<uint64_t>((range.end - range.start) / range.step_ms) + 1;
    const uint64_t limit = options.query.limits.windows;
    if (limit != 0 && count > limit) {
      return absl::InvalidArgumentError(
          absl::StrCat(count, " steps are more than the limit of ", limit,
                       " (QueryLimits::windows); ask for fewer with a longer step"));
    }
    const Steps steps{range.start, range.step_ms, static_cast<size_t>(count)};
    return Run(database, expression, steps, {range.start, range.end, true}, options).Answer(*expr);
  });
}

absl::StatusOr<std::string> DescribePromql(std::string_view expression) {
  return OrNoMemory("describing a query", [&]() -> absl::StatusOr<std::string> {
    TSDB_ASSIGN_OR_RETURN(const promql::ExprPtr expr, promql::Parse(expression));
    return promql::Describe(*expr);
  });
}

}  // namespace tsdb
