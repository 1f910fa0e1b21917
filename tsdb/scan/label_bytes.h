// Reading canonical label bytes (storage/base/labels.h) in place: for orders and groups of many
// series, where a Labels each would copy them.
//
// Thread safety: a LabelReader belongs to one thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "storage/base/coding.h"

namespace tsdb::scan {

class LabelReader {
 public:
  explicit LabelReader(std::string_view bytes)
      : bytes_(bytes), reader_({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}) {}

  // Goes to the first or next label; false at the end.
  bool Next() {
    const size_t begin = reader_.position();
    if (!ReadText(name_) || !ReadText(value_)) return false;
    label_ = bytes_.substr(begin, reader_.position() - begin);
    return true;
  }
  std::string_view name() const { return name_; }
  std::string_view value() const { return value_; }
  // The canonical bytes of the label alone.
  std::string_view label() const { return label_; }

 private:
  bool ReadText(std::string_view& text) {
    uint64_t length = 0;
    if (!reader_.ReadVarint64(&length)) return false;
    const size_t begin = reader_.position();
    if (!reader_.Skip(length)) return false;
    text = bytes_.substr(begin, length);
    return true;
  }

  std::string_view bytes_;
  ByteReader reader_;
  std::string_view name_, value_, label_;
};

// Whether the labels `a` come before `b`: by the first name or value that differs, the shorter set
// first if none does.
inline bool LabelsBefore(std::string_view a, std::string_view b) {
  LabelReader left(a), right(b);
  for (;;) {
    if (!right.Next()) return false;
    if (!left.Next()) return true;
    if (const int order = left.name().compare(right.name()); order != 0) return order < 0;
    if (const int order = left.value().compare(right.value()); order != 0) return order < 0;
  }
}

}  // namespace tsdb::scan
