#include "tsdb/promql/binary_operators.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/status_macros.h"
#include "tsdb/promql/vector_matching.h"

namespace tsdb::promql {
namespace {

constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

bool DropsName(const Binary& binary, Semantics semantics) {
  if (binary.op == BinaryOp::kAtan2 && semantics.closed_ranges) return false;
  return !IsComparison(binary.op) || binary.return_bool;
}

// Whether any of the rows has a value at each step.
std::vector<uint8_t> AnyPresent(const StepMatrix& matrix, std::span<const uint32_t> rows) {
  std::vector<uint8_t> any(matrix.steps());
  for (const uint32_t row : rows) {
    const std::span<const uint8_t> present = matrix.present(row);
    for (size_t step = 0; step < any.size(); ++step) any[step] |= present[step];
  }
  return any;
}

// Whether any row has a value at each step.
std::vector<uint8_t> AnyPresent(const StepMatrix& matrix) {
  std::vector<uint32_t> rows(matrix.rows());
  std::iota(rows.begin(), rows.end(), 0u);
  return AnyPresent(matrix, rows);
}

// One operation between two vectors. "One" is the side that may have a single series for each
// signature, "many" the other: the left one, unless group_right says otherwise.
class Matching {
 public:
  Matching(const Binary& binary, const StepMatrix& left, const StepMatrix& right,
           Semantics semantics)
      : binary_(binary),
        matching_(*binary.matching),
        swapped_(matching_.cardinality == Cardinality::kOneToMany),
        many_(swapped_ ? right : left),
        one_(swapped_ ? left : right),
        semantics_(semantics),
        result_(left.steps()) {}

  absl::StatusOr<StepMatrix> Run() {
    many_any_ = AnyPresent(many_);
    for (const MatchGroup& group :
         GroupBySignature(matching_, swapped_ ? one_ : many_, swapped_ ? many_ : one_)) {
      TSDB_RETURN_IF_ERROR(
          MatchOne(swapped_ ? group.right : group.left, swapped_ ? group.left : group.right));
    }
    TSDB_RETURN_IF_ERROR(result_.MergeRows());
    return std::move(result_);
  }

 private:
  absl::Status MatchOne(const std::vector<uint32_t>& many, const std::vector<uint32_t>& one) {
    if (one.empty()) return absl::OkStatus();
    rows_.clear();
    rows_by_labels_.clear();
    for (size_t step = 0; step < result_.steps(); ++step) {
      if (many_any_[step] == 0) continue;  // nothing can meet, so nothing can be ambiguous
      uint32_t partner = kNone;
      for (const uint32_t row : one) {
        if (one_.present(row)[step] == 0) continue;
        if (partner != kNone) return Duplicates(partner, row);
        partner = row;
      }
      if (partner != kNone) TSDB_RETURN_IF_ERROR(MatchStep(many, partner, step));
    }
    return absl::OkStatus();
  }

  absl::Status MatchStep(const std::vector<uint32_t>& many, uint32_t partner, size_t step) {
    bool matched = false;
    const bool one_to_one = matching_.cardinality == Cardinality::kOneToOne;
    for (const uint32_t row : many) {
      if (many_.present(row)[step] == 0) continue;
      if (one_to_one && matched && !semantics_.closed_ranges) return Ambiguous();
      double left = many_.values(row)[step], right = one_.values(partner)[step];
      if (swapped_) std::swap(left, right);
      double value = Apply(binary_.op, left, right);
      if (IsComparison(binary_.op) && !binary_.return_bool) {
        if (value == 0) {
          matched = matched || !semantics_.closed_ranges;
          continue;
        }
        value = left;
      }
      if (one_to_one && matched) return Ambiguous();
      matched = true;
      const size_t into = RowFor(row, partner);
      if (result_.present(into)[step] != 0) {
        return absl::InvalidArgumentError(
            "multiple matches for labels: grouping labels must ensure unique matches");
      }
      result_.Set(into, step, value);
    }
    return absl::OkStatus();
  }

  // The result's row for a pair of series; pairs that get the same labels share one.
  size_t RowFor(uint32_t many, uint32_t one) {
    const auto [pair, unknown] = rows_.try_emplace({many, one}, 0);
    if (!unknown) return pair->second;
    Labels labels = ResultLabels(many_.labels(many), one_.labels(one));
    const auto [row, added] = rows_by_labels_.try_emplace(std::string(labels.bytes()), 0);
    if (added) row->second = result_.AddRow(std::move(labels), DropsName(binary_, semantics_));
    return pair->second = row->second;
  }

  Labels ResultLabels(const Labels& many, const Labels& one) const {
    LabelsEdit edit(many);
    // Of a comparison with bool only at the end, where that is the rule.
    if (DropsName(binary_, semantics_) && (!binary_.return_bool || semantics_.closed_ranges)) {
      edit.Remove(kMetricNameLabel);
    }
    if (matching_.cardinality == Cardinality::kOneToOne) {
      if (matching_.on) {
        edit.Keep(matching_.labels);
      } else {
        for (const std::string& name : matching_.labels) edit.Remove(name);
      }
    }
    for (const std::string& name : matching_.include) edit.Set(name, one.Get(name));
    return edit.Take();
  }

  absl::Status Duplicates(uint32_t first, uint32_t second) const {
    const Labels& labels = one_.labels(first);
    return absl::InvalidArgumentError(absl::StrCat(
        "found duplicate series for the match group ", TextOf(MatchedLabels(matching_, labels)),
        " on the ", swapped_ ? "left" : "right", " hand-side of the operation: [", TextOf(labels),
        ", ", TextOf(one_.labels(second)),
        "];many-to-many matching not allowed: matching labels must be unique on one side"));
  }

  static absl::Status Ambiguous() {
    return absl::InvalidArgumentError(
        "multiple matches for labels: many-to-one matching must be explicit "
        "(group_left/group_right)");
  }

  const Binary& binary_;
  const VectorMatching& matching_;
  const bool swapped_;
  const StepMatrix& many_;
  const StepMatrix& one_;
  const Semantics semantics_;
  StepMatrix result_;
  std::vector<uint8_t> many_any_;  // whether a series of many_ has a value at each step
  // The rows of the present group, by the pair of series they come from.
  std::map<std::pair<uint32_t, uint32_t>, size_t> rows_;
  std::unordered_map<std::string, size_t> rows_by_labels_;
};

// Takes values away where `mask` is not `wanted`.
void Mask(StepMatrix& matrix, const std::vector<uint32_t>& rows, const std::vector<uint8_t>& mask,
          uint8_t wanted) {
  for (const uint32_t row : rows) {
    const std::span<uint8_t> present = matrix.present(row);
    for (size_t step = 0; step < mask.size(); ++step) present[step] &= mask[step] == wanted;
  }
}

}  // namespace

double Apply(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::kAdd:
      return left + right;
    case BinaryOp::kSub:
      return left - right;
    case BinaryOp::kMul:
      return left * right;
    case BinaryOp::kDiv:
      return left / right;
    case BinaryOp::kMod:
      return std::fmod(left, right);
    case BinaryOp::kPow:
      return std::pow(left, right);
    case BinaryOp::kAtan2:
      return std::atan2(left, right);
    case BinaryOp::kEqual:
      return left == right ? 1 : 0;
    case BinaryOp::kNotEqual:
      return left != right ? 1 : 0;
    case BinaryOp::kLess:
      return left < right ? 1 : 0;
    case BinaryOp::kLessEqual:
      return left <= right ? 1 : 0;
    case BinaryOp::kGreater:
      return left > right ? 1 : 0;
    case BinaryOp::kGreaterEqual:
      return left >= right ? 1 : 0;
    case BinaryOp::kAnd:
    case BinaryOp::kOr:
    case BinaryOp::kUnless:
      break;
  }
  return std::numeric_limits<double>::quiet_NaN();  // sets have no values of their own
}

void ApplyToVector(const Binary& binary, std::span<const double> numbers, bool numbers_are_left,
                   Semantics semantics, StepMatrix& vector) {
  const bool filter = IsComparison(binary.op) && !binary.return_bool;
  for (size_t row = 0; row < vector.rows(); ++row) {
    const std::span<double> values = vector.values(row);
    const std::span<uint8_t> present = vector.present(row);
    for (size_t step = 0; step < values.size(); ++step) {
      const double result = numbers_are_left ? Apply(binary.op, numbers[step], values[step])
                                             : Apply(binary.op, values[step], numbers[step]);
      if (filter) {
        present[step] &= result != 0 ? 1 : 0;
      } else {
        values[step] = result;
      }
    }
    if (DropsName(binary, semantics)) vector.SetDropName(row, true);
  }
}

absl::StatusOr<StepMatrix> ApplyToVectors(const Binary& binary, const StepMatrix& left,
                                          const StepMatrix& right, Semantics semantics) {
  return Matching(binary, left, right, semantics).Run();
}

absl::StatusOr<StepMatrix> ApplySet(const Binary& binary, StepMatrix left, StepMatrix right) {
  for (const MatchGroup& group : GroupBySignature(*binary.matching, left, right)) {
    if (binary.op == BinaryOp::kOr) {
      Mask(right, group.right, AnyPresent(left, group.left), 0);
    } else {
      Mask(left, group.left, AnyPresent(right, group.right), binary.op == BinaryOp::kAnd ? 1 : 0);
    }
  }
  if (binary.op == BinaryOp::kOr) {
    left.Reserve(left.rows() + right.rows());
    for (size_t row = 0; row < right.rows(); ++row) {
      const size_t into = left.AddRow(right.labels(row), right.drop_name(row));
      std::ranges::copy(right.values(row), left.values(into).begin());
      std::ranges::copy(right.present(row), left.present(into).begin());
    }
    TSDB_RETURN_IF_ERROR(left.MergeRows());
  }
  return left;
}

}  // namespace tsdb::promql
