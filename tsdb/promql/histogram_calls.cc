// The part of the evaluator that calls functions of classic histograms.
#include <charconv>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/evaluator.h"
#include "tsdb/promql/literals.h"

namespace tsdb::promql {
namespace {

constexpr std::string_view kBucketLabel = "le";

// strconv.ParseFloat of a bucket's bound.
bool ParseBound(std::string_view text, double& bound) {
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bound);
  return error == std::errc() && end == text.data() + text.size() && !std::isnan(bound);
}

// " for metric name "x"", where there is one.
std::string OfMetric(const Labels& labels) {
  const std::string_view name = labels.MetricName();
  if (name.empty()) return "";
  return absl::StrCat(" for metric name \"", absl::Utf8SafeCEscape(ToAbsl(name)), "\"");
}

}  // namespace

absl::StatusOr<StepMatrix> Evaluator::OverHistograms(const Expr& argument, const Steps& steps,
                                                     ComputeHistogram compute) {
  TSDB_ASSIGN_OR_RETURN(const StepMatrix rows, EvaluateVector(argument, steps));
  // By the labels but le: different metrics are different histograms.
  std::map<std::string, Histogram> histograms;
  for (size_t row = 0; row < rows.rows(); ++row) {
    const Labels& labels = rows.labels(row);
    double bound = 0;
    if (!ParseBound(labels.Get(kBucketLabel), bound)) {
      annotations_.Warn(
          absl::StrCat("bucket label \"le\" is missing or has a malformed value of \"",
                       absl::Utf8SafeCEscape(ToAbsl(labels.Get(kBucketLabel))), "\"",
                       OfMetric(labels)),
          argument.span);
      continue;
    }
    Labels rest = WithoutLabel(labels, kBucketLabel);
    Histogram& histogram = histograms[std::string(rest.bytes())];
    histogram.labels = std::move(rest);
    histogram.buckets.emplace_back(row, bound);
  }
  StepMatrix result(steps.count);
  std::vector<Bucket> buckets;
  for (const auto& [signature, histogram] : histograms) {
    const size_t into = result.AddRow(histogram.labels, true);
    for (size_t step = 0; step < steps.count; ++step) {
      buckets.clear();
      for (const auto& [row, bound] : histogram.buckets) {
        if (rows.present(row)[step] != 0) buckets.push_back({bound, rows.values(row)[step]});
      }
      if (!buckets.empty()) result.Set(into, step, compute(histogram, step, buckets));
    }
  }
  result.DropEmptyRows();
  return result;
}

absl::StatusOr<StepMatrix> Evaluator::CallHistogramQuantile(const Call& call, const Steps& steps) {
  TSDB_ASSIGN_OR_RETURN(const std::vector<double> quantiles,
                        EvaluateNumbers(*call.arguments[0], steps));
  for (const double quantile : quantiles) {
    if (quantile >= 0 && quantile <= 1) continue;
    annotations_.Warn(
        absl::StrCat("quantile value should be between 0 and 1, got ", FormatNumber(quantile)),
        call.arguments[0]->span);
  }
  const Expr& argument = *call.arguments[1];
  return OverHistograms(
      argument, steps, [&](const Histogram& histogram, size_t step, std::vector<Bucket>& buckets) {
        const BucketQuantile found = QuantileOfBuckets(quantiles[step], buckets);
        if (found.forced_monotonic) {
          annotations_.Inform(
              absl::StrCat("input to histogram_quantile needed to be fixed for monotonicity (see "
                           "https://prometheus.io/docs/prometheus/latest/querying/functions/"
                           "#histogram_quantile)",
                           OfMetric(histogram.labels)),
              argument.span);
        }
        return found.value;
      });
}

absl::StatusOr<StepMatrix> Evaluator::CallHistogramFraction(const Call& call, const Steps& steps) {
  TSDB_ASSIGN_OR_RETURN(const std::vector<double> lower,
                        EvaluateNumbers(*call.arguments[0], steps));
  TSDB_ASSIGN_OR_RETURN(const std::vector<double> upper,
                        EvaluateNumbers(*call.arguments[1], steps));
  return OverHistograms(*call.arguments[2], steps,
                        [&](const Histogram&, size_t step, std::vector<Bucket>& buckets) {
                          return FractionOfBuckets(lower[step], upper[step], buckets);
                        });
}

}  // namespace tsdb::promql
