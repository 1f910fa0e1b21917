#include "tools/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace tsdb::tools {
namespace {

constexpr size_t kWidthWithoutTerminal = 120;

struct Range {
  uint32_t first;
  uint32_t last;
};

// Drawn over the character before them: combining marks, joiners, variation selectors.
constexpr Range kZeroWidth[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},
                                {0x064B, 0x065F}, {0x200B, 0x200F}, {0x20D0, 0x20FF},
                                {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
// East Asian wide and full-width characters, and emoji.
constexpr Range kDoubleWidth[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},  {0x3041, 0xA4CF},
                                  {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},  {0xFE30, 0xFE6F},
                                  {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F},
                                  {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

template <size_t kCount>
bool IsIn(uint32_t character, const Range (&ranges)[kCount]) {
  return std::any_of(std::begin(ranges), std::end(ranges), [&](const Range& range) {
    return character >= range.first && character <= range.last;
  });
}

// The character at `position`, which moves past it.
uint32_t NextCharacter(std::string_view text, size_t& position) {
  const auto lead = static_cast<uint8_t>(text[position++]);
  if (lead < 0x80) return lead;
  const size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  uint32_t character = lead & (0x3F >> more);
  for (size_t i = 0; i < more && position < text.size(); ++i) {
    character = character << 6 | (static_cast<uint8_t>(text[position++]) & 0x3F);
  }
  return character;
}

size_t WidthOf(uint32_t character) {
  if (IsIn(character, kZeroWidth)) return 0;
  return IsIn(character, kDoubleWidth) ? 2 : 1;
}

}  // namespace

bool StdoutIsTerminal() { return isatty(STDOUT_FILENO) == 1; }

bool StderrIsTerminal() { return isatty(STDERR_FILENO) == 1; }

bool UseColor(Color wish, bool is_terminal) {
  if (wish != Color::kAuto) return wish == Color::kAlways;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return is_terminal && (no_color == nullptr || *no_color == '\0') &&
         (term == nullptr || std::string_view(term) != "dumb");
}

size_t OutputWidth() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  const long width = columns == nullptr ? 0 : std::strtol(columns, nullptr, 10);
  return width > 0 ? static_cast<size_t>(width) : kWidthWithoutTerminal;
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size();) width += WidthOf(NextCharacter(text, i));
  return width;
}

std::string CutToWidth(std::string_view text, size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  size_t used = 1;  // the ellipsis
  size_t end = 0;
  for (size_t i = 0; i < text.size(); end = i) {
    used += WidthOf(NextCharacter(text, i));
    if (used > width) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string CutMiddle(std::string_view text, size_t width) {
  const size_t full = DisplayWidth(text);
  if (full <= width) return std::string(text);
  const size_t head_width = width / 3;
  std::string out = CutToWidth(text, head_width + 1);  // with the ellipsis
  // Characters are dropped from the front of the rest until it fits.
  size_t left = full;
  size_t begin = 0;
  while (begin < text.size() && left + head_width + 1 > width) {
    left -= WidthOf(NextCharacter(text, begin));
  }
  out += text.substr(begin);
  return out;
}

std::string Printable(std::string_view text) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t begin = i;
    const uint32_t character = NextCharacter(text, i);
    if (character == '\n') {
      out += "\\n";
    } else if (character == '\t') {
      out += "\\t";
    } else if (character < 0x20 || (character >= 0x7F && character < 0xA0)) {
      out += "\\x";
      out += kHexDigits[character >> 4];
      out += kHexDigits[character & 15];
    } else {
      out += text.substr(begin, i - begin);
    }
  }
  return out;
}

}  // namespace tsdb::tools
