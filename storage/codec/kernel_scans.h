// Kernels that look at a column once and say what the encoder needs to know of it.
// Included by kernels_<set>.cc only, by way of kernel_loops.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "storage/codec/kernel_rows.h"
#include "storage/codec/kernels.h"

namespace tsdb::codec {
namespace {

template <class V>
struct Scans {
  using Integers = typename V::Integers;
  using Doubles = typename V::Doubles;

  using Line = typename Rows<V>::Line;

  // The least, greatest and so on of a column and of its deltas, row by row.
  struct ShapeScan {
    Integers min, max, delta_min, delta_max, delta_or, before, first_delta;

    // `first` is the column's first row; `count` its length.
    ShapeScan(Integers first, size_t count) {
      // A value that would have preceded the first by the second's delta: the first row needs no
      // case of its own, and no delta is seen that the column does not have.
      const uint64_t delta = count > 1 ? V::Second(first) - V::First(first) : 0;
      first_delta = V::Set(delta);
      before = V::Set(V::First(first) - delta);
      min = max = V::Set(V::First(first));
      delta_min = delta_max = first_delta;
      delta_or = V::Set(0);
    }
    void AddDelta(Integers row, Integers delta) {
      before = row;
      min = V::Min(min, row);
      max = V::Max(max, row);
      delta_min = V::Min(delta_min, delta);
      delta_max = V::Max(delta_max, delta);
      delta_or = V::Or(delta_or, delta);
    }
    void Add(Integers row) { AddDelta(row, V::Subtract(row, V::Previous(row, before))); }
    void AddPart(Integers row, size_t lanes) {
      const Integers delta = V::Subtract(row, V::Previous(row, before));
      AddDelta(row, V::FirstOf(static_cast<uint32_t>(lanes), delta, first_delta));
    }
    ColumnShape Finish() const {
      return {V::Least(min), V::Greatest(max), V::Least(delta_min), V::Greatest(delta_max),
              V::OrOf(delta_or)};
    }
  };

  static AlpScan ScanAlp(const double* values, size_t count, int exponent, int64_t* integers) {
    const Doubles power = V::SetDouble(kPowersOfTen[exponent]);
    const auto divisor = V::MakeDivisor(exponent);
    const size_t whole = count / 8 * 8, rest = count % 8;
    const Integers first = whole > 0 ? V::Load(values) : Rows<V>::LoadPart(values, rest);
    ShapeScan shape(V::Round(V::MultiplyDoubles(V::FromBits(first), power)), count);
    Integers differences = V::Set(0);
    Doubles sum = V::SetDouble(0);
    for (size_t i = 0; i < whole; i += 8) {
      const Doubles row = V::LoadDoubles(values + i);
      const Integers rounded = V::Round(V::MultiplyDoubles(row, power));
      const Doubles back = V::Divide(V::ToDoubles(rounded), divisor);
      V::Store(integers + i, rounded);
      differences = V::OrXor(differences, V::Bits(back), V::Bits(row));
      sum = V::AddDoubles(sum, row);
      shape.Add(rounded);
    }
    if (rest > 0) {
      const Doubles row = V::FromBits(Rows<V>::LoadPart(values + whole, rest));
      const Integers rounded = V::Round(V::MultiplyDoubles(row, power));
      const Doubles back = V::Divide(V::ToDoubles(rounded), divisor);
      V::Store(integers + whole, rounded);
      differences = V::OrXor(differences, V::Bits(back), V::Bits(row));
      sum = V::AddDoubles(
          sum, V::FromBits(V::FirstOf(static_cast<uint32_t>(rest), V::Bits(row), V::Set(0))));
      shape.AddPart(rounded, rest);
    }
    return {shape.Finish(), V::SumInOrder(sum), !V::AnyBit(differences)};
  }

  static ColumnShape ScanColumn(const int64_t* column, size_t count) {
    const size_t whole = count / 8 * 8, rest = count % 8;
    ShapeScan shape(whole > 0 ? V::Load(column) : Rows<V>::LoadPart(column, rest), count);
    for (size_t i = 0; i < whole; i += 8) shape.Add(V::Load(column + i));
    if (rest > 0) shape.AddPart(Rows<V>::LoadPart(column + whole, rest), rest);
    return shape.Finish();
  }

  static void ScanLine(const int64_t* column, size_t count, int64_t origin, uint64_t stride,
                       int64_t* min, int64_t* max) {
    const size_t whole = count / 8 * 8, rest = count % 8;
    const Integers start = V::Set(static_cast<uint64_t>(origin));
    Line line(stride, 0);
    // Residual of the first value: its line is 0.
    Integers least = V::Subtract(V::Set(static_cast<uint64_t>(column[0])), start);
    Integers greatest = least;
    for (size_t i = 0; i < whole; i += 8) {
      const Integers residual = V::Subtract(V::Subtract(V::Load(column + i), start), line.Next());
      least = V::Min(least, residual);
      greatest = V::Max(greatest, residual);
    }
    if (rest > 0) {
      const Integers residual =
          V::Subtract(V::Subtract(Rows<V>::LoadPart(column + whole, rest), start), line.Next());
      const auto lanes = static_cast<uint32_t>(rest);
      least = V::Min(least, V::FirstOf(lanes, residual, least));
      greatest = V::Max(greatest, V::FirstOf(lanes, residual, greatest));
    }
    *min = V::Least(least);
    *max = V::Greatest(greatest);
  }

  static ValueTotals ScanValues(const double* values, size_t count) {
    const size_t whole = count / 8 * 8, rest = count % 8;
    Doubles min = V::SetDouble(__builtin_inf()), max = V::SetDouble(-__builtin_inf());
    Doubles sum = V::SetDouble(0);
    for (size_t i = 0; i < whole; i += 8) {
      const Doubles row = V::LoadDoubles(values + i);
      // Of two operands the second is kept if either is NaN, so the order of these matters.
      min = V::MinDoubles(row, min);
      max = V::MaxDoubles(row, max);
      sum = V::AddDoubles(sum, row);
    }
    if (rest > 0) {
      const Doubles row = V::FromBits(Rows<V>::LoadPart(values + whole, rest));
      const auto lanes = static_cast<uint32_t>(rest);
      min = V::MinDoubles(row, min);
      max = V::MaxDoubles(row, max);
      sum = V::AddDoubles(sum, V::FromBits(V::FirstOf(lanes, V::Bits(row), V::Set(0))));
    }
    double least[8], greatest[8];
    V::StoreDoubles(least, min);
    V::StoreDoubles(greatest, max);
    ValueTotals totals{least[0], greatest[0], V::SumInOrder(sum)};
    for (int i = 1; i < 8; ++i) {
      totals.min = least[i] < totals.min ? least[i] : totals.min;
      totals.max = greatest[i] > totals.max ? greatest[i] : totals.max;
    }
    return totals;
  }

  static bool AllEqual(const uint64_t* column, size_t count) {
    const size_t whole = count / 8 * 8, rest = count % 8;
    const Integers first = V::Set(column[0]);
    Integers differences = V::Set(0);
    for (size_t i = 0; i < whole; i += 8) {
      differences = V::OrXor(differences, V::Load(column + i), first);
      // Columns that are not constant should not cost a whole pass.
      if (i % 64 == 0 && V::AnyBit(differences)) return false;
    }
    if (rest > 0)
      differences = V::OrXor(differences, Rows<V>::LoadPart(column + whole, rest), first);
    return !V::AnyBit(differences);
  }
};

}  // namespace
}  // namespace tsdb::codec
