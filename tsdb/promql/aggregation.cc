#include "tsdb/promql/aggregation.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/kahan.h"
#include "tsdb/promql/label_functions.h"
#include "tsdb/promql/literals.h"
#include "tsdb/promql/range_functions.h"
#include "tsdb/promql/ranking.h"
#include "tsdb/promql/special_values.h"
#include "tsdb/scan/label_bytes.h"

namespace tsdb::promql {
namespace {

// The rows of one group.
struct Group {
  Labels labels;
  std::vector<uint32_t> rows;
  bool drop_name = false;  // of any row
};

bool Names(const Aggregation& aggregation, std::string_view name) {
  return std::ranges::find(aggregation.labels, name) != aggregation.labels.end();
}

// Canonical bytes of a group's labels, in `bytes`.
void GroupKey(const Aggregation& aggregation, const Labels& labels, std::string& bytes) {
  bytes.clear();
  if (!aggregation.without && aggregation.labels.empty()) return;
  for (scan::LabelReader reader(labels.bytes()); reader.Next();) {
    const bool named = Names(aggregation, reader.name());
    if (aggregation.without ? !named && reader.name() != kMetricNameLabel : named) {
      bytes.append(reader.label());
    }
  }
}

// In the order in which they come first.
std::vector<Group> GroupRows(const Aggregation& aggregation, const StepMatrix& vector) {
  std::unordered_map<std::string, size_t> numbers;
  std::vector<Group> groups;
  std::string bytes;
  for (size_t row = 0; row < vector.rows(); ++row) {
    GroupKey(aggregation, vector.labels(row), bytes);
    const auto [entry, added] = numbers.try_emplace(bytes, groups.size());
    if (added) groups.push_back({Labels::FromCanonicalBytes(bytes), {}, false});
    Group& group = groups[entry->second];
    group.rows.push_back(static_cast<uint32_t>(row));
    group.drop_name = group.drop_name || vector.drop_name(row);
  }
  return groups;
}

struct Extreme {
  double value = kNan;
};

// Folds the rows of a group into one: a State for each step, `add`ed to, then its `result`.
template <typename State, typename Add, typename Result>
void Fold(const StepMatrix& vector, const Group& group, StepMatrix& folded, size_t into, Add add,
          Result result) {
  std::vector<State> states(vector.steps());
  const std::span<uint8_t> present = folded.present(into);
  for (const uint32_t row : group.rows) {
    const std::span<const double> values = vector.values(row);
    const std::span<const uint8_t> bits = vector.present(row);
    for (size_t step = 0; step < states.size(); ++step) {
      if (bits[step] == 0) continue;
      add(states[step], values[step]);
      present[step] = 1;
    }
  }
  const std::span<double> values = folded.values(into);
  for (size_t step = 0; step < states.size(); ++step) {
    if (present[step] != 0) values[step] = result(states[step]);
  }
}

void FoldGroup(AggregateOp op, const StepMatrix& vector, const Group& group, Semantics semantics,
               StepMatrix& folded, size_t into) {
  const auto extreme = [&](auto better) {
    Fold<Extreme>(
        vector, group, folded, into,
        [better](Extreme& extreme, double value) {
          if (std::isnan(extreme.value) || better(value, extreme.value)) extreme.value = value;
        },
        [](const Extreme& extreme) { return extreme.value; });
  };
  const auto deviation_of = [&]<typename Variance>(Variance, auto result) {
    Fold<Variance>(
        vector, group, folded, into, [](Variance& v, double value) { v.Add(value); },
        [result](const Variance& v) { return result(v.Variance()); });
  };
  const auto deviation = [&](auto result) {
    if (semantics.closed_ranges) return deviation_of(KahanVariance<true>(), result);
    deviation_of(KahanVariance<false>(), result);
  };
  switch (op) {
    case AggregateOp::kSum:
      return Fold<KahanSum>(
          vector, group, folded, into, [](KahanSum& sum, double value) { sum.Add(value); },
          [](const KahanSum& sum) { return sum.Total(); });
    case AggregateOp::kAvg:
      return Fold<KahanMean>(
          vector, group, folded, into, [](KahanMean& mean, double value) { mean.Add(value); },
          [](const KahanMean& mean) { return mean.Mean(); });
    case AggregateOp::kMin:
      return extreme([](double a, double b) { return a < b; });
    case AggregateOp::kMax:
      return extreme([](double a, double b) { return a > b; });
    case AggregateOp::kStddev:
      return deviation([](double variance) { return std::sqrt(variance); });
    case AggregateOp::kStdvar:
      return deviation([](double variance) { return variance; });
    case AggregateOp::kGroup:
      return Fold<Extreme>(
          vector, group, folded, into, [](Extreme&, double) {}, [](const Extreme&) { return 1.0; });
    default:  // kCount
      return Fold<double>(
          vector, group, folded, into, [](double& count, double) { ++count; },
          [](const double& count) { return count; });
  }
}

StepMatrix Folded(const Aggregation& aggregation, const StepMatrix& vector, Semantics semantics) {
  StepMatrix folded(vector.steps());
  for (Group& group : GroupRows(aggregation, vector)) {
    const size_t into = folded.AddRow(std::move(group.labels), group.drop_name);
    FoldGroup(aggregation.op, vector, group, semantics, folded, into);
  }
  return folded;
}

StepMatrix Quantiles(const Aggregation& aggregation, const StepMatrix& vector,
                     std::span<const double> quantiles, Annotations& annotations) {
  StepMatrix result(vector.steps());
  std::vector<double> values;
  for (Group& group : GroupRows(aggregation, vector)) {
    const size_t into = result.AddRow(std::move(group.labels), group.drop_name);
    for (size_t step = 0; step < vector.steps(); ++step) {
      values.clear();
      for (const uint32_t row : group.rows) {
        if (vector.present(row)[step] != 0) values.push_back(vector.values(row)[step]);
      }
      if (!values.empty()) result.Set(into, step, Quantile(quantiles[step], values));
    }
  }
  for (const double quantile : quantiles) {
    if (quantile >= 0 && quantile <= 1) continue;
    annotations.Warn(
        absl::StrCat("quantile value should be between 0 and 1, got ", FormatNumber(quantile)),
        aggregation.parameter->span);
  }
  return result;
}

// A value's text becomes a label like those that rows have, before they are grouped.
absl::StatusOr<StepMatrix> CountValues(const Aggregation& aggregation, const StepMatrix& vector,
                                       const std::string& label, Semantics semantics) {
  if (!IsLabelName(label, semantics)) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid label name \"", absl::CHexEscape(ToAbsl(label)), "\""));
  }
  // What a row's labels lack of a group's when the value is known.
  const bool labelled = !aggregation.without || !Names(aggregation, label);
  StepMatrix result(vector.steps());
  std::unordered_map<std::string, size_t> rows;  // of the result, by their labels
  for (const Group& group : GroupRows(aggregation, vector)) {
    std::unordered_map<std::string, size_t> of_values;
    for (const uint32_t row : group.rows) {
      for (size_t step = 0; step < vector.steps(); ++step) {
        if (vector.present(row)[step] == 0) continue;
        const auto [entry, unknown] =
            of_values.try_emplace(FormatNumber(vector.values(row)[step]), 0);
        if (unknown) {
          LabelsEdit edit(group.labels);
          if (labelled) edit.Set(label, entry->first);
          Labels labels = edit.Take();
          const auto [known, added] = rows.try_emplace(std::string(labels.bytes()), 0);
          if (added) known->second = result.AddRow(std::move(labels), group.drop_name);
          entry->second = known->second;
        }
        const size_t into = entry->second;
        const double before = result.present(into)[step] == 0 ? 0 : result.values(into)[step];
        result.Set(into, step, before + 1);
      }
    }
  }
  return result;
}

}  // namespace

absl::StatusOr<StepMatrix> Aggregate(const Aggregation& aggregation, StepMatrix vector,
                                     std::span<const double> numbers, const std::string& text,
                                     Semantics semantics, Annotations& annotations) {
  StepMatrix result;
  switch (aggregation.op) {
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk: {
      std::vector<std::vector<uint32_t>> groups;
      vector.SortRows();  // of equals the first ones stay
      for (Group& group : GroupRows(aggregation, vector)) groups.push_back(std::move(group.rows));
      return RankRows(std::move(vector), groups, numbers, aggregation.op == AggregateOp::kTopk);
    }
    case AggregateOp::kQuantile:
      result = Quantiles(aggregation, vector, numbers, annotations);
      break;
    case AggregateOp::kCountValues: {
      TSDB_ASSIGN_OR_RETURN(result, CountValues(aggregation, vector, text, semantics));
      break;
    }
    default:
      result = Folded(aggregation, vector, semantics);
      break;
  }
  TSDB_RETURN_IF_ERROR(result.MergeRows());
  return result;
}

}  // namespace tsdb::promql
