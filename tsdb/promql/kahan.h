// Compensated summation, as Prometheus adds.
//
// Source: A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen",
// 1974; Prometheus's kahanSumInc.
//
// Thread safety: plain values.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

namespace tsdb::promql {

struct KahanSum {
  double sum = 0;
  double compensation = 0;

  void Add(double value) {
    const double next = sum + value;
    if (std::isinf(next)) {
      compensation = 0;
    } else if (std::fabs(sum) >= std::fabs(value)) {
      compensation += (sum - next) + value;
    } else {
      compensation += (value - next) + sum;
    }
    sum = next;
  }
  // The sum of both.
  void Merge(const KahanSum& other) {
    Add(other.sum);
    if (!std::isinf(sum)) compensation += other.compensation;
  }
  double Total() const { return std::isinf(sum) ? sum : sum + compensation; }
};

// The mean of values added one by one. Where their sum would overflow it goes on with the mean of
// what it has, which does not.
class KahanMean {
 public:
  void Add(double value) {
    ++count_;
    if (!incremental_) {
      KahanSum next = sum_;
      next.Add(value);
      if (count_ == 1 || !std::isinf(next.sum)) {
        sum_ = next;
        return;
      }
      incremental_ = true;
      sum_.sum /= count_ - 1;
      sum_.compensation /= count_ - 1;
    }
    const double share = (count_ - 1) / count_;
    sum_.sum *= share;
    sum_.compensation *= share;
    sum_.Add(value / count_);
  }
  // REQUIRES: something was added.
  double Mean() const {
    if (incremental_) return sum_.Total();
    if (std::isinf(sum_.sum)) return sum_.sum;
    return sum_.sum / count_ + sum_.compensation / count_;
  }
  double count() const { return count_; }

 private:
  KahanSum sum_;  // of the values, or, if `incremental_`, their mean
  double count_ = 0;
  bool incremental_ = false;
};

// The variance of values added one by one, by Welford's recurrence. Of one infinite value, or one
// that is no number, it is NaN; with `forgiving`, as Prometheus 2 had it, 0.
template <bool forgiving>
class KahanVariance {
 public:
  void Add(double value) {
    if (++count_ == 1) {
      mean_.sum = value;
      squares_.sum = forgiving || std::isfinite(value) ? 0 : std::nan("");
      return;
    }
    const double delta = value - (mean_.sum + mean_.compensation);
    mean_.Add(delta / count_);
    squares_.Add(delta * (value - (mean_.sum + mean_.compensation)));
  }
  // Of all values, not of a sample of them. REQUIRES: something was added.
  double Variance() const { return (squares_.sum + squares_.compensation) / count_; }

 private:
  KahanSum mean_, squares_;
  double count_ = 0;
};

}  // namespace tsdb::promql
