// Evaluates a syntax tree, node by node, each at all steps at once.
//
// Thread safety: one thread; series are read on several within.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "tsdb/promql.h"
#include "tsdb/promql/annotations.h"
#include "tsdb/promql/ast.h"
#include "tsdb/promql/binary_operators.h"
#include "tsdb/promql/classic_histogram.h"
#include "tsdb/promql/functions.h"
#include "tsdb/promql/range_functions.h"
#include "tsdb/promql/series_source.h"
#include "tsdb/promql/step_matrix.h"
#include "tsdb/scan/query_guard.h"

namespace tsdb::promql {

// One of them, as `type` says.
struct Value {
  ValueType type = ValueType::kNone;
  StepMatrix vector;            // kVector
  std::vector<double> numbers;  // kScalar: of each step
  std::string text;             // kString
};

class Evaluator {
 public:
  // What an expression is asked for: [start, end], where the last step need not fall on the end.
  struct Asked {
    Timestamp start = 0, end = 0;  // of @ start() and @ end()
    bool range = false;
  };
  // All must outlive it.
  Evaluator(SeriesSource& source, const PromqlOptions& options, const Asked& asked,
            Annotations& annotations, scan::QueryGuard& guard)
      : source_(source),
        options_(options),
        asked_(asked),
        annotations_(annotations),
        guard_(guard),
        semantics_{options.closed_ranges} {}

  // REQUIRES: expr.type is not kMatrix.
  absl::StatusOr<Value> Evaluate(const Expr& expr, const Steps& steps);
  // The samples of a kMatrix at one time, in order of labels.
  absl::StatusOr<std::vector<PromqlSeries>> EvaluateMatrix(const Expr& expr, Timestamp time);

  const QueryCost& cost() const { return cost_; }

 private:
  absl::StatusOr<Value> EvaluateNode(const Expr& expr, const Steps& steps);
  absl::StatusOr<StepMatrix> EvaluateVector(const Expr& expr, const Steps& steps);
  absl::StatusOr<std::vector<double>> EvaluateNumbers(const Expr& expr, const Steps& steps);
  absl::StatusOr<std::string> EvaluateText(const Expr& expr, const Steps& steps);
  absl::StatusOr<Value> EvaluateUnary(const Unary& unary, const Steps& steps);
  absl::StatusOr<Value> EvaluateBinary(const Binary& binary, const Steps& steps);
  absl::StatusOr<StepMatrix> EvaluateAggregation(const Aggregation& aggregation,
                                                 const Steps& steps);
  // Whether the expression has the same value at every step.
  bool StepInvariant(const Expr& expr);

  // instants.cc, ranges.cc
  enum class Take : uint8_t { kValues, kTimes };
  absl::StatusOr<StepMatrix> Instant(const VectorSelector& selector, const Steps& steps, Take take);
  WindowTimes WindowsOf(const TimeShift& shift, int64_t range_ms, const Steps& steps) const;
  // The series that match and may have samples in [from, last], and a row of `steps` for each.
  struct SelectedRows {
    std::vector<SeriesId> series;
    StepMatrix rows;
  };
  absl::StatusOr<SelectedRows> SelectRows(const VectorSelector& selector, Timestamp from,
                                          Timestamp last, size_t steps);
  // Calls read(begin, end, meter) for parts of the selection on several threads, then takes off the
  // rows without any value.
  using ReadPart = absl::FunctionRef<void(size_t begin, size_t end, scan::Meter& meter)>;
  absl::StatusOr<StepMatrix> ReadParts(SelectedRows& selected, ReadPart read);
  // Reads every sample of the selection; fill(row, reader) turns those of a series into its row.
  using FillRow = absl::FunctionRef<void(size_t row, ColumnReader& reader, StepMatrix& rows)>;
  absl::StatusOr<StepMatrix> ReadRows(const VectorSelector& selector, Timestamp from,
                                      Timestamp last, size_t steps, FillRow fill);
  Steps SubquerySteps(const Subquery& subquery, const WindowTimes& windows) const;
  // A function over a MatrixSelector or a Subquery.
  absl::StatusOr<StepMatrix> OverRange(const Expr& range, RangeCall call);
  absl::StatusOr<StepMatrix> OverSubquery(const Subquery& subquery, RangeCall& call);
  absl::StatusOr<StepMatrix> OverSamples(const VectorSelector& selector, const RangeCall& call);
  // The same out of stored statistics where these can answer.
  absl::StatusOr<StepMatrix> OverStatistics(const VectorSelector& selector, const RangeCall& call);

  // calls.cc
  absl::StatusOr<Value> EvaluateCall(const Expr& expr, const Call& call, const Steps& steps);
  absl::StatusOr<StepMatrix> CallVector(const Expr& expr, const Call& call, const Steps& steps);
  absl::StatusOr<StepMatrix> CallRange(const Call& call, const Steps& steps);
  absl::Status CheckFactors(const Expr& range, std::span<const std::vector<double>> factors,
                            const Steps& steps);
  absl::StatusOr<StepMatrix> CallMap(const Call& call, const Steps& steps);
  absl::StatusOr<StepMatrix> CallRound(const Call& call, const Steps& steps);
  absl::StatusOr<StepMatrix> CallClamp(const Call& call, const Steps& steps);
  absl::StatusOr<StepMatrix> CallAbsent(const Call& call, const Steps& steps);
  absl::StatusOr<StepMatrix> CallTimestamp(const Call& call, const Steps& steps);
  absl::StatusOr<StepMatrix> CallSort(const Expr& expr, const Call& call, const Steps& steps);
  absl::StatusOr<StepMatrix> CallLabelReplace(const Call& call, const Steps& steps);
  absl::StatusOr<StepMatrix> CallLabelJoin(const Call& call, const Steps& steps);
  void InformOfCounters(const StepMatrix& rows, Span place);

  // histogram_calls.cc
  absl::StatusOr<StepMatrix> CallHistogramFraction(const Call& call, const Steps& steps);
  absl::StatusOr<StepMatrix> CallHistogramQuantile(const Call& call, const Steps& steps);
  // A row for each histogram among the argument's series: what `compute` makes of its buckets, of
  // which there is at least one, at a step.
  using ComputeHistogram = absl::FunctionRef<double(const Histogram& histogram, size_t step,
                                                    std::vector<Bucket>& buckets)>;
  absl::StatusOr<StepMatrix> OverHistograms(const Expr& argument, const Steps& steps,
                                            ComputeHistogram compute);

  SeriesSource& source_;
  const PromqlOptions& options_;
  const Asked asked_;
  Annotations& annotations_;
  scan::QueryGuard& guard_;
  const Semantics semantics_;
  QueryCost cost_;
  std::unordered_map<const Expr*, bool> invariant_;
};

// The expression within any parentheses.
const Expr& Bare(const Expr& expr);

}  // namespace tsdb::promql
