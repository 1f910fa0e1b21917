// The loops of the codec that are worth vector instructions, as a table of function pointers per
// instruction set. Everything above this header is scalar and decides; everything below computes.
//
// All kernels see columns as *rows* of eight values: value i is lane i % 8 of row i / 8. Integer
// arithmetic wraps. Each kernel gives identical results on every instruction set: the floating
// point ones add in a fixed order and divide with one correct rounding.
//
// Division by a power of ten: the vector kernels compute integer / 10^k (k <= 18) as
//
//   fma(a, y, a * z)     with b = 10^k, y = 1 / b rounded, z = 1 / b - y rounded
//
// which equals the correctly rounded quotient here. y + z misses 1 / b by less than 2^-106 of it,
// and the rounding of a * z adds as little, so what the fused addition rounds misses a / b by less
// than 2^-51 units of the last place. That changes the rounding only if a / b lies that close to
// the middle m between two doubles; but a - b * m is a multiple of half a unit times 2^k, so a / b
// is at least 2^-43 units away from m (5^k has at most 42 bits), or on it. And it is never on it:
// a = 5^k * 2^k * m would need more than the 53 bits that a, converted from an integer, has.
// Measured against one division: docs/decisions/decimal-division.md.
//
// Thread safety: kernels are pure functions of their arguments.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/codec/instruction_set.h"

namespace tsdb::codec {

// Fraction bits of a line's stride: with 2048 samples the rounding of a stride moves its end by
// less than one millisecond.
inline constexpr int kLineFractionBits = 12;

inline constexpr int kDecimalExponentMax = 18;
// 10^0 .. 10^18, each exact in a double, their correctly rounded reciprocals, and what these miss,
// rounded.
extern const double kPowersOfTen[kDecimalExponentMax + 1];
extern const double kPowersOfTenInverse[kDecimalExponentMax + 1];
extern const double kPowersOfTenInverseRest[kDecimalExponentMax + 1];

// What the encoder needs to know about a column of integers. Deltas are of neighbours, from
// position 1 on; all zero for a single value. `delta_or` has the bits set in any delta.
struct ColumnShape {
  int64_t min = 0, max = 0, delta_min = 0, delta_max = 0;
  uint64_t delta_or = 0;
};

struct AlpScan {
  ColumnShape shape;   // of the integers, including those of values that are not exact
  double sum = 0;      // of the values, lane by lane; not canonical if NaN
  bool exact = false;  // every value is its integer / 10^exponent, bit for bit
};

struct ValueTotals {
  double min = 0, max = 0, sum = 0;
};

// A stretch of rows of one packed column.
struct PackedRows {
  const uint8_t* packed = nullptr;  // start of the column
  uint32_t width = 0;               // bits, 0..64
  uint32_t rows = 0;                // of the whole column
  uint32_t begin = 0, end = 0;      // rows to produce
};

struct KernelTable {
  InstructionSet set;

  // --- scans: one pass over the input, no output but a summary (and AlpScan's integers) ---
  // integers[i] = round(values[i] * 10^exponent); `integers` has room for count rounded up to 8.
  AlpScan (*scan_alp)(const double* values, size_t count, int exponent, int64_t* integers);
  ColumnShape (*scan_column)(const int64_t* column, size_t count);
  // Least and greatest of column[i] - origin - (i * stride >> kLineFractionBits).
  void (*scan_line)(const int64_t* column, size_t count, int64_t origin, uint64_t stride,
                    int64_t* min, int64_t* max);
  ValueTotals (*scan_values)(const double* values, size_t count);
  bool (*all_equal)(const uint64_t* column, size_t count);

  // --- packing: return the bytes written; may read the input up to the end of its last row ---
  size_t (*pack_frame)(const int64_t* column, size_t count, int64_t base, uint32_t shift,
                       uint32_t width, uint8_t* out);
  size_t (*pack_delta)(const int64_t* column, size_t count, int64_t carry, int64_t delta_min,
                       uint32_t shift, uint32_t width, uint8_t* out);
  // As pack_frame, of what scan_line looked at; does not read past `count`.
  size_t (*pack_line)(const int64_t* column, size_t count, int64_t base, uint64_t stride,
                      uint32_t width, uint8_t* out);

  // --- unpacking: row `begin` goes to out[0..7] ---
  void (*unpack_frame)(const PackedRows& rows, int64_t base, uint32_t shift, int64_t* out);
  void (*unpack_delta)(const PackedRows& rows, int64_t carry, int64_t delta_min, uint32_t shift,
                       int64_t* out);
  void (*unpack_line)(PackedRows rows, int64_t base, uint64_t stride, int64_t* out);
  void (*unpack_alp_frame)(PackedRows rows, int64_t base, uint32_t shift, int exponent,
                           double* out);
  void (*unpack_alp_delta)(PackedRows rows, int64_t carry, int64_t delta_min, uint32_t shift,
                           int exponent, double* out);
  // Sum of the first `values` packed values of the rows.
  uint64_t (*sum_packed)(const PackedRows& rows, uint32_t values);
  // out[i] |= dictionary[index i], for ALP-RD's left parts: the dictionary has eight entries.
  void (*unpack_or_lookup8)(const PackedRows& rows, const uint64_t* dictionary, uint64_t* out);

  // --- plain loops, `count` a multiple of 8 ---
  void (*fill_stride)(int64_t first, int64_t stride, size_t count, int64_t* out);
  void (*fill)(uint64_t value, size_t count, uint64_t* out);
  // out[i] = origin + unit * out[i].
  void (*scale)(int64_t origin, uint64_t unit, size_t count, int64_t* out);
  // out[i] = integers[i] / 10^exponent, correctly rounded.
  void (*to_decimals)(const int64_t* integers, size_t count, int exponent, double* out);
};

// The table of the active instruction set.
const KernelTable& Kernels();

// Defined in kernels_<set>.cc; the vector ones only on x86-64.
const KernelTable& PortableKernels();
const KernelTable& Avx2Kernels();
const KernelTable& Avx512Kernels();

}  // namespace tsdb::codec
