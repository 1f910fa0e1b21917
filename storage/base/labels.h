// A series' identity: its labels, sorted by name, names unique, held as one canonical byte string
// so that hashing, comparing and storing a label set are operations on bytes.
//
//   canonical bytes = { varint(name bytes) name varint(value bytes) value }*     sorted by name
//
// Thread safety: immutable after construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tsdb {

// One label as views into somebody's bytes.
struct Label {
  std::string_view name;
  std::string_view value;
  friend bool operator==(const Label&, const Label&) = default;
};

inline constexpr size_t kLabelsMax = 256;             // labels of one series
inline constexpr size_t kLabelNameBytesMax = 1024;    // UTF-8 bytes of a name
inline constexpr size_t kLabelValueBytesMax = 65536;  // UTF-8 bytes of a value
inline constexpr std::string_view kMetricNameLabel = "__name__";

class Labels {
 public:
  class Iterator {
   public:
    using value_type = Label;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Label operator*() const { return label_; }
    const Label* operator->() const { return &label_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& a, const Iterator& b) {
      return a.position_ == b.position_;
    }

   private:
    friend class Labels;
    Iterator(const char* position, const char* end);
    void Read();
    const char* position_ = nullptr;  // of label_; end_ when past the last one
    const char* next_ = nullptr;
    const char* end_ = nullptr;
    Label label_;
  };

  // The empty set: no series has it, but a variable may.
  Labels() = default;

  // Sorts, checks and copies. A label with an empty value is the same as no such label and is
  // dropped. kInvalidArgument names the label at fault: no label left, an empty or repeated name, a
  // name or value that is not UTF-8 or is over the limits above, or too many labels.
  static absl::StatusOr<Labels> Create(std::span<const Label> labels);
  static absl::StatusOr<Labels> Create(std::initializer_list<Label> labels) {
    return Create(std::span<const Label>(labels.begin(), labels.size()));
  }
  // Labels around canonical bytes made by bytes() earlier. REQUIRES: they were.
  static Labels FromCanonicalBytes(std::string_view bytes);

  std::string_view bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  // Value of the label, empty when there is none.
  std::string_view Get(std::string_view name) const;
  std::string_view MetricName() const { return Get(kMetricNameLabel); }
  Iterator begin() const { return Iterator(bytes_.data(), bytes_.data() + bytes_.size()); }
  Iterator end() const {
    return Iterator(bytes_.data() + bytes_.size(), bytes_.data() + bytes_.size());
  }

  // As Prometheus prints it: name{a="x",b="y"}, with \ " and newline escaped in values; names that
  // are not identifiers are quoted.
  std::string ToString() const;

  friend bool operator==(const Labels&, const Labels&) = default;

 private:
  std::string bytes_;
};

// Whether `text` is well-formed UTF-8 (no surrogates, no over-long forms).
bool IsValidUtf8(std::string_view text);

}  // namespace tsdb
