#include "storage/base/labels.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace tsdb {
namespace {

// Lengths are below 2^21, so a varint takes at most three bytes here; any 32-bit length is written
// right.
void AppendVarint(std::string& out, size_t length) {
  while (length >= 0x80) {
    out.push_back(static_cast<char>(length | 0x80));
    length >>= 7;
  }
  out.push_back(static_cast<char>(length));
}

// Reads a varint at `position` and moves past it; stops at `end`, so that wrong bytes cannot lead
// outside.
size_t ReadVarint(const char*& position, const char* end) {
  size_t length = 0;
  for (unsigned shift = 0; position < end && shift < 35; shift += 7) {
    const auto byte = static_cast<uint8_t>(*position++);
    length |= static_cast<size_t>(byte & 0x7F) << shift;
    if (byte < 0x80) break;
  }
  return length;
}

std::string_view ReadText(const char*& position, const char* end) {
  // Not in one expression: what is left must be counted after the length was read.
  const size_t claimed = ReadVarint(position, end);
  const size_t length = std::min(claimed, static_cast<size_t>(end - position));
  const std::string_view text(position, length);
  position += length;
  return text;
}

// A label name as it may appear in a message: quoted, at most 64 bytes, nothing unprintable, so
// that a hostile name cannot fill a log or steer a terminal.
std::string Quoted(std::string_view text) {
  constexpr size_t kShownBytesMax = 64;
  constexpr char kHexDigits[] = "0123456789abcdef";
  const bool valid = IsValidUtf8(text);
  std::string_view shown = text.substr(0, kShownBytesMax);
  // Not in the middle of a character.
  while (valid && shown.size() < text.size() && (text[shown.size()] & 0xC0) == 0x80) {
    shown.remove_suffix(1);
  }
  std::string out = "\"";
  for (const char c : shown) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !valid)) {
      out += "\\x";
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 15];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += shown.size() < text.size() ? "\"..." : "\"";
  return out;
}

absl::Status CheckLabel(const Label& label) {
  if (label.name.empty()) {
    return absl::InvalidArgumentError("a label has an empty name (its value is " +
                                      Quoted(label.value) + ")");
  }
  if (label.name.size() > kLabelNameBytesMax) {
    return absl::InvalidArgumentError("the label name " + Quoted(label.name) + " has " +
                                      std::to_string(label.name.size()) + " bytes; the limit is " +
                                      std::to_string(kLabelNameBytesMax));
  }
  if (!IsValidUtf8(label.name)) {
    return absl::InvalidArgumentError("the label name " + Quoted(label.name) +
                                      " is not valid UTF-8");
  }
  if (label.value.size() > kLabelValueBytesMax) {
    return absl::InvalidArgumentError("the value of label " + Quoted(label.name) + " has " +
                                      std::to_string(label.value.size()) + " bytes; the limit is " +
                                      std::to_string(kLabelValueBytesMax));
  }
  if (!IsValidUtf8(label.value)) {
    return absl::InvalidArgumentError("the value of label " + Quoted(label.name) +
                                      " is not valid UTF-8: " + Quoted(label.value));
  }
  return absl::OkStatus();
}

// What a metric or label name may be without quotes. Only metric names may hold a colon.
bool IsIdentifier(std::string_view name, bool colon_allowed) {
  if (name.empty()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9' && i > 0;
    if (!letter && !digit && !(c == ':' && colon_allowed)) return false;
  }
  return true;
}

void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// Length of the well-formed UTF-8 character at `position`, 0 when there is none (Unicode 15, table
// 3-7).
size_t Utf8CharacterBytes(const uint8_t* position, const uint8_t* end) {
  const uint8_t lead = *position;
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (static_cast<size_t>(end - position) < bytes) return 0;
  // The second byte's range excludes over-long forms, surrogates, and anything past U+10FFFF.
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xBF;
  if (lead == 0xE0) second_min = 0xA0;
  if (lead == 0xED) second_max = 0x9F;
  if (lead == 0xF0) second_min = 0x90;
  if (lead == 0xF4) second_max = 0x8F;
  if (position[1] < second_min || position[1] > second_max) return 0;
  for (size_t i = 2; i < bytes; ++i) {
    if ((position[i] & 0xC0) != 0x80) return 0;
  }
  return bytes;
}

}  // namespace

Labels::Iterator::Iterator(const char* position, const char* end) : position_(position), end_(end) {
  Read();
}

void Labels::Iterator::Read() {
  next_ = position_;
  if (position_ == end_) return;
  label_.name = ReadText(next_, end_);
  label_.value = ReadText(next_, end_);
}

Labels::Iterator& Labels::Iterator::operator++() {
  position_ = next_;
  Read();
  return *this;
}

absl::StatusOr<Labels> Labels::Create(std::span<const Label> labels) {
  if (labels.size() > kLabelsMax) {
    return absl::InvalidArgumentError("a series has " + std::to_string(labels.size()) +
                                      " labels; the limit is " + std::to_string(kLabelsMax));
  }
  size_t bytes = 0;
  bool increasing = true;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (absl::Status status = CheckLabel(labels[i]); !status.ok()) return status;
    increasing = increasing && (i == 0 || labels[i - 1].name < labels[i].name);
    bytes += labels[i].name.size() + labels[i].value.size() + 6;
  }
  // Labels mostly come sorted; only others are copied.
  std::vector<Label> sorted;
  if (!increasing) {
    sorted.assign(labels.begin(), labels.end());
    std::sort(sorted.begin(), sorted.end(),
              [](const Label& a, const Label& b) { return a.name < b.name; });
    // Before empty values are dropped: a name given twice is a mistake whatever its values are.
    const auto repeated =
        std::adjacent_find(sorted.begin(), sorted.end(),
                           [](const Label& a, const Label& b) { return a.name == b.name; });
    if (repeated != sorted.end()) {
      return absl::InvalidArgumentError("the label name " + Quoted(repeated->name) +
                                        " appears more than once");
    }
    labels = sorted;
  }
  Labels result;
  result.bytes_.reserve(bytes);
  for (const Label& label : labels) {
    if (label.value.empty()) continue;
    AppendVarint(result.bytes_, label.name.size());
    result.bytes_.append(label.name);
    AppendVarint(result.bytes_, label.value.size());
    result.bytes_.append(label.value);
  }
  if (result.empty()) {
    return absl::InvalidArgumentError(
        labels.empty() ? "a series needs at least one label"
                       : "a series needs at least one label whose value is not empty");
  }
  return result;
}

Labels Labels::FromCanonicalBytes(std::string_view bytes) {
  Labels result;
  result.bytes_ = bytes;
  return result;
}

std::string_view Labels::Get(std::string_view name) const {
  for (const Label label : *this) {
    if (label.name == name) return label.value;
    if (label.name > name) break;
  }
  return {};
}

std::string Labels::ToString() const {
  const std::string_view metric = MetricName();
  const bool plain_metric = IsIdentifier(metric, true);
  std::string out;
  if (plain_metric) out = metric;
  const size_t before_braces = out.size();
  if (!plain_metric && !metric.empty()) {
    out += '{';
    AppendQuoted(out, metric);  // {"a name with spaces",A="x"}: first, as readers want it
  }
  for (const Label label : *this) {
    if (label.name == kMetricNameLabel) continue;
    out += out.size() == before_braces ? '{' : ',';
    if (IsIdentifier(label.name, false)) {
      out += label.name;
    } else {
      AppendQuoted(out, label.name);
    }
    out += '=';
    AppendQuoted(out, label.value);
  }
  if (out.size() > before_braces) {
    out += '}';
  } else if (out.empty()) {
    out = "{}";
  }
  return out;
}

bool IsValidUtf8(std::string_view text) {
  const auto* position = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* const end = position + text.size();
  while (position < end) {
    // Nearly all label text is ASCII: eight bytes at a time.
    while (end - position >= 8) {
      uint64_t word;
      std::memcpy(&word, position, sizeof(word));
      if ((word & 0x8080808080808080) != 0) break;
      position += 8;
    }
    if (position == end) break;
    const size_t bytes = Utf8CharacterBytes(position, end);
    if (bytes == 0) return false;
    position += bytes;
  }
  return true;
}

}  // namespace tsdb
