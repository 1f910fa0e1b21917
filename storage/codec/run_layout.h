// The first byte of an encoded run. docs/formats/runs.md is the full description.
#pragma once

#include <cstdint>

namespace tsdb::codec {

enum class RunTimes : uint8_t { kLineAgain, kSame, kLine, kDelta };
enum class RunValues : uint8_t { kFrame, kDelta, kZigzag, kXor };

inline constexpr uint8_t kRunValuesShift = 2;
inline constexpr uint8_t kRunDecimalsAgain = 1 << 4;  // exponent and width of the run before
inline constexpr uint8_t kRunExceptions = 1 << 5;
inline constexpr uint8_t kRunCountAgain = 1 << 6;
inline constexpr uint8_t kRunNextSeries = 1 << 7;  // the series of the run before, plus one

}  // namespace tsdb::codec
