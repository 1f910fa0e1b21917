#include "tsdb/promql/parse_error.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/base/string_view_bridge.h"
#include "tsdb/promql/parser.h"
#include "tsdb/promql/quoting.h"

namespace tsdb::promql {
namespace {

constexpr size_t kShownBytesMax = 160;
constexpr size_t kShownBefore = 100;

size_t LineBegin(std::string_view text, size_t at) {
  const size_t newline = text.substr(0, at).rfind('\n');
  return newline == text.npos ? 0 : newline + 1;
}

// The first byte of a character at or before `at`.
size_t CharacterBegin(std::string_view text, size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

// The line of the place and below it a caret. A tab stays one, above and below, so that both lines
// stand alike however wide it is shown.
std::string Picture(std::string_view text, size_t at) {
  size_t begin = LineBegin(text, at);
  size_t end = std::min(text.find('\n', at), text.size());
  std::string line = "  ", caret = "  ";
  if (at - begin > kShownBytesMax - kShownBefore && end - begin > kShownBytesMax &&
      at - begin > kShownBefore) {
    begin = CharacterBegin(text, at - kShownBefore);
    line += "...";
    caret += "   ";
  }
  const bool cut = end - begin > kShownBytesMax;
  if (cut) end = CharacterBegin(text, begin + kShownBytesMax);
  for (size_t i = begin; i < end;) {
    const Character character = CharacterAt(text, i);
    const bool control = character.code < 0x20 || character.code == 0x7F;
    if (text[i] == '\t') {
      line += '\t';
    } else if (control) {
      line += ' ';
    } else {
      AppendUtf8(character.code, line);
    }
    if (i < at) caret += text[i] == '\t' ? '\t' : ' ';
    i += character.bytes;
  }
  if (cut) line += "...";
  return absl::StrCat(line, "\n", caret, "^");
}

}  // namespace

std::string PlaceOf(std::string_view text, size_t at) {
  at = std::min(at, text.size());
  const size_t begin = LineBegin(text, at);
  const auto lines = std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(begin), '\n');
  size_t column = 1;
  for (size_t i = begin; i < at; i += CharacterAt(text, i).bytes) ++column;
  return absl::StrCat(lines + 1, ":", column);
}

absl::Status ParseError(std::string_view text, size_t at, std::string_view message,
                        std::string_view hint) {
  at = std::min(at, text.size());
  std::string out = absl::StrCat(PlaceOf(text, at), ": parse error: ", ToAbsl(message));
  if (!text.empty()) absl::StrAppend(&out, "\n", Picture(text, at));
  if (!hint.empty()) absl::StrAppend(&out, "\nhint: ", ToAbsl(hint));
  return absl::InvalidArgumentError(out);
}

}  // namespace tsdb::promql
