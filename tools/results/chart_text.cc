#include "tools/results/chart_text.h"

#include <algorithm>

#include "tools/results/result_text.h"

namespace tsdb::tools {
namespace {

// A character outside ASCII becomes a question mark, the ellipsis a tilde.
std::string InAscii(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x80) {
      out += text[i];
    } else if (byte >= 0xC0) {
      out += text.substr(i, 3) == "…" ? '~' : '?';
    }
  }
  return out;
}

std::string Blanks(std::string_view text, size_t width) {
  const size_t text_width = DisplayWidth(text);
  return std::string(width > text_width ? width - text_width : 0, ' ');
}

}  // namespace

size_t ChartWidth(const ResultStyle& style) {
  return std::max(style.width > 0 ? style.width : kChartWidthUnknown, kChartWidthMin);
}

std::string ChartTitle(const ResultPage& page) {
  if (page.question.expression.empty()) return "";
  const Style style(page.style.color);
  return style.bold +
         ChartText(ForPeople(page.question.expression, std::string::npos), ChartWidth(page.style),
                   page.style) +
         style.reset + "\n";
}

std::string ChartText(std::string_view text, size_t width, const ResultStyle& style) {
  const std::string cut = CutMiddle(text, width);
  return style.utf8 ? cut : CutToWidth(InAscii(cut), width);
}

std::string PaddedLeft(std::string_view text, size_t width) {
  return Blanks(text, width).append(text);
}

std::string PaddedRight(std::string_view text, size_t width) {
  return std::string(text) + Blanks(text, width);
}

}  // namespace tsdb::tools
