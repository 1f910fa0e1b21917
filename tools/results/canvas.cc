#include "tools/results/canvas.h"

#include <cstdlib>

namespace tsdb::tools {

Canvas::Canvas(size_t columns, size_t rows, bool braille)
    : columns_(columns),
      rows_(rows),
      braille_(braille),
      dots_across_(braille ? 2 : 1),
      dots_down_(braille ? 4 : 1),
      cells_(columns * rows) {}

void Canvas::Dot(size_t x, size_t y, uint8_t line) {
  constexpr uint8_t kBits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
  Cell& cell = cells_[y / dots_down_ * columns_ + x / dots_across_];
  if (braille_) cell.dots |= kBits[y % 4][x % 2];
  cell.line = line;
}

// Bresenham's algorithm.
void Canvas::DrawLine(size_t x0, size_t y0, size_t x1, size_t y1, uint8_t line) {
  auto x = static_cast<int64_t>(x0);
  auto y = static_cast<int64_t>(y0);
  const auto end_x = static_cast<int64_t>(x1);
  const auto end_y = static_cast<int64_t>(y1);
  const int64_t across = std::abs(end_x - x);
  const int64_t down = -std::abs(end_y - y);
  int64_t error = across + down;
  while (true) {
    Dot(static_cast<size_t>(x), static_cast<size_t>(y), line);
    if (x == end_x && y == end_y) return;
    const int64_t twice = 2 * error;
    if (twice >= down) {
      error += down;
      x += x < end_x ? 1 : -1;
    }
    if (twice <= across) {
      error += across;
      y += y < end_y ? 1 : -1;
    }
  }
}

void Canvas::MarkLine(size_t column, uint8_t line, char mark) {
  for (size_t row = 0; row < rows_; ++row) {
    Cell& cell = cells_[row * columns_ + column];
    if (cell.line != line) continue;
    cell.mark = mark;
    return;
  }
}

std::string Canvas::TextOf(const Cell& cell) const {
  if (cell.mark != 0) return {cell.mark};
  if (!braille_) return "*";
  // U+2800 and the bits.
  return {'\xE2', static_cast<char>(0xA0 | cell.dots >> 6),
          static_cast<char>(0x80 | (cell.dots & 0x3F))};
}

}  // namespace tsdb::tools
