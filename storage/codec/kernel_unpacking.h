// Kernels that unpack a column and turn it into timestamps or values on the way.
// Included by kernels_<set>.cc only, by way of kernel_loops.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "storage/codec/bit_packing.h"
#include "storage/codec/kernel_rows.h"
#include "storage/codec/kernels.h"

namespace tsdb::codec {
namespace {

template <class V>
struct Unpacking {
  using Integers = typename V::Integers;
  using Doubles = typename V::Doubles;

  using Line = typename Rows<V>::Line;

  static Integers WidenTail(const uint8_t* from, uint32_t bytes) {
    uint64_t lane[8] = {};
    for (uint32_t i = 0; i < 8; ++i) std::memcpy(&lane[i], from + i * bytes, bytes);
    return V::Load(lane);
  }

  // Gives rows [row, rows.end), the first of which reaches the narrowed last word, to the sink. Out
  // of line: it is rare, and its buffer would cost every call a frame.
  template <class Sink>
  [[gnu::noinline]] static Sink UnpackTail(const PackedRows& rows, uint32_t row, Sink sink) {
    const uint32_t width = rows.width, full_words = rows.rows * width / 64;
    const Integers mask = V::Set(LowBits(width));
    const Integers tail =
        WidenTail(rows.packed + size_t{full_words} * 64, TailBytes(rows.rows * width % 64));
    typename V::BitPosition position(row * width, width);
    for (uint32_t bit = row * width; row < rows.end; ++row, bit += width) {
      const Integers low =
          bit / 64 < full_words ? V::Load(rows.packed + size_t{bit / 64} * 64) : tail;
      sink(V::And(V::Funnel(low, tail, position), mask));
    }
    return sink;
  }

  // Whether there is a faster way for the first rows of a narrow column.
  static constexpr bool kNarrow = requires { typename V::Narrow; };

  // Rows that a sink takes at once. Their steps are written side by side: a row's own steps wait
  // for each other, and the processor's window holds too few rows to hide that by itself.
  static constexpr uint32_t kBatch = V::kBatch;

  // Gives each row from `begin` to `end` to sink(row). The sink is passed by value: its state then
  // stays in registers, where a reference would be stored and reloaded for each row.
  template <class Sink>
  static Sink Unpack(const PackedRows& rows, Sink sink) {
    const uint32_t width = rows.width;
    if (width == 0) {
      for (uint32_t row = rows.begin; row < rows.end; ++row) sink(V::Set(0));
      return sink;
    }
    const Integers mask = V::Set(LowBits(width));
    const uint32_t split = RowsInFullWords(rows);
    uint32_t row = rows.begin;
    typename V::BitPosition position(row * width, width);
    uint32_t bit = row * width;
    const auto next = [&] {
      const Integers low = V::Load(rows.packed + size_t{bit / 64} * 64);
      // The word of the row's last bit: the same one unless the row straddles two.
      const Integers high = V::Load(rows.packed + size_t{(bit + width - 1) / 64} * 64);
      bit += width;
      return V::And(V::Funnel(low, high, position), mask);
    };
    for (; row + kBatch <= split; row += kBatch) {
      Integers batch[kBatch];
      for (Integers& packed : batch) packed = next();
      sink.Batch(batch);
    }
    for (; row < split; ++row) sink(next());
    return row == rows.end ? sink : UnpackTail(rows, row, sink);
  }

  // From packed values to integers: by addition to a base, or by a running sum.
  struct Frame {
    Integers base;
    uint32_t shift;
    void Batch(Integers (&rows)[kBatch]) {
      for (Integers& row : rows) row = (*this)(row);
    }
    Integers operator()(Integers packed) const { return V::Add(base, V::ShiftLeft(packed, shift)); }
  };
  struct Running {
    Integers carry, delta_min;
    uint32_t shift;
    void Batch(Integers (&rows)[kBatch]) {
      for (Integers& row : rows) row = V::Add(delta_min, V::ShiftLeft(row, shift));
      V::PrefixSums(rows);
      for (Integers& row : rows) {
        const Integers next = V::Add(carry, V::BroadcastLast(row));
        row = V::Add(carry, row);
        carry = next;
      }
    }
    Integers operator()(Integers packed) {
      const Integers sums = V::PrefixSum(V::Add(delta_min, V::ShiftLeft(packed, shift)));
      const Integers result = V::Add(carry, sums);
      // Not from `result`: this way only one addition is on the chain from row to row.
      carry = V::Add(carry, V::BroadcastLast(sums));
      return result;
    }
  };
  struct OnLine {
    Integers base;
    Line line;
    void Batch(Integers (&rows)[kBatch]) {
      for (Integers& row : rows) row = (*this)(row);
    }
    Integers operator()(Integers packed) { return V::Add(V::Add(base, packed), line.Next()); }
  };

  template <class Source>
  struct IntegerSink {
    Source source;
    int64_t* out;
    void Batch(Integers (&rows)[kBatch]) {
      source.Batch(rows);
      for (Integers row : rows) {
        V::Store(out, row);
        out += 8;
      }
    }
    void operator()(Integers packed) {
      V::Store(out, source(packed));
      out += 8;
    }
  };
  template <class Source>
  struct DecimalSink {
    Source source;
    typename V::Divisor divisor;
    double* out;
    void Batch(Integers (&rows)[kBatch]) {
      source.Batch(rows);
      Doubles values[kBatch];
      for (uint32_t i = 0; i < kBatch; ++i) values[i] = V::ToDoubles(rows[i]);
      V::DivideAll(values, divisor);
      for (Doubles row : values) {
        V::StoreDoubles(out, row);
        out += 8;
      }
    }
    void operator()(Integers packed) {
      V::StoreDoubles(out, V::Divide(V::ToDoubles(source(packed)), divisor));
      out += 8;
    }
  };

  static void UnpackFrame(const PackedRows& rows, int64_t base, uint32_t shift, int64_t* out) {
    const Frame frame{V::Set(static_cast<uint64_t>(base)), shift};
    Unpack(rows, IntegerSink<Frame>{frame, out});
  }
  static void UnpackDelta(const PackedRows& rows, int64_t carry, int64_t delta_min, uint32_t shift,
                          int64_t* out) {
    const Running running{V::Set(static_cast<uint64_t>(carry)),
                          V::Set(static_cast<uint64_t>(delta_min)), shift};
    Unpack(rows, IntegerSink<Running>{running, out});
  }
  static void UnpackLine(PackedRows rows, int64_t base, uint64_t stride, int64_t* out) {
    if constexpr (kNarrow) {
      V::Narrow::Line(rows, base, stride, out);
      if (rows.begin == rows.end) return;
    }
    const OnLine line{V::Set(static_cast<uint64_t>(base)), Line(stride, rows.begin)};
    Unpack(rows, IntegerSink<OnLine>{line, out});
  }
  static void UnpackAlpFrame(PackedRows rows, int64_t base, uint32_t shift, int exponent,
                             double* out) {
    if constexpr (kNarrow) {
      V::Narrow::AlpFrame(rows, base, shift, exponent, out);
      if (rows.begin == rows.end) return;
    }
    const Frame frame{V::Set(static_cast<uint64_t>(base)), shift};
    const auto divisor = V::MakeDivisor(exponent);
    Unpack(rows, DecimalSink<Frame>{frame, divisor, out});
  }
  static void UnpackAlpDelta(PackedRows rows, int64_t carry, int64_t delta_min, uint32_t shift,
                             int exponent, double* out) {
    if constexpr (kNarrow) {
      V::Narrow::AlpDelta(rows, carry, delta_min, shift, exponent, out);
      if (rows.begin == rows.end) return;
    }
    const Running running{V::Set(static_cast<uint64_t>(carry)),
                          V::Set(static_cast<uint64_t>(delta_min)), shift};
    const auto divisor = V::MakeDivisor(exponent);
    Unpack(rows, DecimalSink<Running>{running, divisor, out});
  }

  // Rows are taken or masked, never branched on: which value a lookup wants is unpredictable.
  struct SumSink {
    Integers sum, index, limit;
    void Batch(const Integers (&rows)[kBatch]) {
      for (Integers row : rows) (*this)(row);
    }
    void operator()(Integers packed) {
      sum = V::Add(sum, V::WhereBelow(packed, index, limit));
      index = V::Add(index, V::Set(8));
    }
  };
  // The mean lookup in a delta column ends here, so whole groups have a loop of their own: eight
  // rows, unrolled, none depending on another.
  static uint64_t SumPacked(const PackedRows& rows, uint32_t values) {
    constexpr uint32_t kRows = 8;
    const uint32_t width = rows.width;
    if (rows.end - rows.begin != kRows || width == 0 ||
        rows.end * width > rows.rows * width / 64 * 64) {
      return V::SumOf(Unpack(rows, SumSink{V::Set(0), V::Ramp(1), V::Set(values)}).sum);
    }
    const Integers mask = V::Set(LowBits(width)), limit = V::Set(values);
    Integers sum = V::Set(0), index = V::Ramp(1);
    uint32_t bit = rows.begin * width;
    typename V::BitPosition position(bit, width);
#pragma GCC unroll 8
    for (uint32_t row = 0; row < kRows; ++row, bit += width) {
      const Integers low = V::Load(rows.packed + size_t{bit / 64} * 64);
      const Integers high = V::Load(rows.packed + size_t{(bit + width - 1) / 64} * 64);
      const Integers packed = V::And(V::Funnel(low, high, position), mask);
      sum = V::Add(sum, V::WhereBelow(packed, index, limit));
      index = V::Add(index, V::Set(kLanes));
    }
    return V::SumOf(sum);
  }

  struct LookupSink {
    Integers dictionary;
    uint64_t* out;
    void Batch(const Integers (&rows)[kBatch]) {
      for (Integers row : rows) (*this)(row);
    }
    void operator()(Integers packed) {
      V::Store(out, V::Or(V::Load(out), V::Lookup8(packed, dictionary)));
      out += 8;
    }
  };
  static void UnpackOrLookup8(const PackedRows& rows, const uint64_t* dictionary, uint64_t* out) {
    Unpack(rows, LookupSink{V::Load(dictionary), out});
  }
};

}  // namespace
}  // namespace tsdb::codec
