// A picture of lines in characters: braille patterns, of 2 x 4 dots each, or one mark a character.
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tsdb::tools {

class Canvas {
 public:
  // What a character of the picture shows. A blank has line == kNoLine.
  static constexpr uint8_t kNoLine = 255;
  struct Cell {
    uint8_t dots = 0;        // of braille: bits as in Unicode
    uint8_t line = kNoLine;  // the last that was drawn here
    char mark = 0;           // shown instead of the dots
  };

  // REQUIRES: columns > 0, rows > 0.
  Canvas(size_t columns, size_t rows, bool braille);

  // In dots, from the top left.
  size_t width() const { return columns_ * dots_across_; }
  size_t height() const { return rows_ * dots_down_; }

  // Both ends included. REQUIRES: within the canvas; line < kNoLine.
  void DrawLine(size_t x0, size_t y0, size_t x1, size_t y1, uint8_t line);
  // Puts `mark` on a line's own character in the column: on the topmost. Nothing if the line is not
  // in the column, or not alone to be seen there.
  void MarkLine(size_t column, uint8_t line, char mark);

  const Cell& At(size_t column, size_t row) const { return cells_[row * columns_ + column]; }
  // The character of a cell that is not blank.
  std::string TextOf(const Cell& cell) const;

 private:
  void Dot(size_t x, size_t y, uint8_t line);

  const size_t columns_;
  const size_t rows_;
  const bool braille_;
  const size_t dots_across_;
  const size_t dots_down_;
  std::vector<Cell> cells_;  // row by row
};

}  // namespace tsdb::tools
