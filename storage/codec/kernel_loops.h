// The kernels, written once over a vector type (vector_portable.h, vector_avx2.h or
// vector_avx512.h) and compiled once per instruction set. Included by kernels_<set>.cc only: all of
// it is in an unnamed namespace, so that the linker can never pick one set's code for another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "storage/codec/kernel_packing.h"
#include "storage/codec/kernel_scans.h"
#include "storage/codec/kernel_unpacking.h"
#include "storage/codec/kernels.h"

namespace tsdb::codec {
namespace {

template <class V>
struct Loops {
  using Integers = typename V::Integers;
  using Doubles = typename V::Doubles;

  static void FillStride(int64_t first, int64_t stride, size_t count, int64_t* out) {
    const auto step = static_cast<uint64_t>(stride);
    Integers row = V::Add(V::Ramp(step), V::Set(static_cast<uint64_t>(first)));
    const Integers row_step = V::Set(step * 8);
    for (size_t i = 0; i < count; i += 8) {
      V::Store(out + i, row);
      row = V::Add(row, row_step);
    }
  }
  static void Fill(uint64_t value, size_t count, uint64_t* out) {
    const Integers row = V::Set(value);
    for (size_t i = 0; i < count; i += 8) V::Store(out + i, row);
  }
  static void Scale(int64_t origin, uint64_t unit, size_t count, int64_t* out) {
    const Integers start = V::Set(static_cast<uint64_t>(origin)), factor = V::Set(unit);
    for (size_t i = 0; i < count; i += 8) {
      V::Store(out + i, V::Add(start, V::Multiply(V::Load(out + i), factor)));
    }
  }
  static void ToDecimals(const int64_t* integers, size_t count, int exponent, double* out) {
    const auto divisor = V::MakeDivisor(exponent);
    for (size_t i = 0; i < count; i += 8) {
      V::StoreDoubles(out + i, V::Divide(V::ToDoubles(V::Load(integers + i)), divisor));
    }
  }

  static constexpr KernelTable Table(InstructionSet set) {
    using S = Scans<V>;
    using P = Packing<V>;
    using U = Unpacking<V>;
    return {set,
            S::ScanAlp,
            S::ScanColumn,
            S::ScanLine,
            S::ScanValues,
            S::AllEqual,
            P::PackFrame,
            P::PackDelta,
            P::PackLine,
            U::UnpackFrame,
            U::UnpackDelta,
            U::UnpackLine,
            U::UnpackAlpFrame,
            U::UnpackAlpDelta,
            U::SumPacked,
            U::UnpackOrLookup8,
            FillStride,
            Fill,
            Scale,
            ToDecimals};
  }
};

}  // namespace
}  // namespace tsdb::codec
