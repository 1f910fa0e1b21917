// What the terminal's pictures, of lines and of bars, write around them.
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "tools/results/printers.h"

namespace tsdb::tools {

inline constexpr size_t kChartWidthUnknown = 80;
inline constexpr size_t kChartHeightUnknown = 20;
inline constexpr size_t kChartWidthMin = 24;

// The columns of the picture, not fewer than a picture can have.
size_t ChartWidth(const ResultStyle& style);
// The expression, bold, with a newline; nothing if there is none.
std::string ChartTitle(const ResultPage& page);
// Text cut to `width` columns, in ASCII if the terminal knows no more.
std::string ChartText(std::string_view text, size_t width, const ResultStyle& style);
// With blanks before or after, up to `width` columns.
std::string PaddedLeft(std::string_view text, size_t width);
std::string PaddedRight(std::string_view text, size_t width);

}  // namespace tsdb::tools
