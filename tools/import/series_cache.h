// Recognises series by their text as written, so that labels are parsed, checked and looked up
// once, not for every sample. Files have an order: a line is mostly of the same series as the one
// before it, or of the one that came after that the last time. Such lines cost one comparison of
// bytes, no hash.
//
// Memory is bounded: when the texts have grown past the bound, all are forgotten.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace tsdb::importer {

template <typename Value>
class SeriesCache {
 public:
  struct Entry {
    std::string text;
    Value value;
    Entry* next = nullptr;  // what followed the last time
  };

  // The entry that most likely comes next, if `line` starts with its text; else null. Whether the
  // text ends there is for the caller to see.
  Entry* Expected(std::string_view line) const {
    if (last_ == nullptr) return nullptr;
    if (line.starts_with(last_->text)) return last_;
    Entry* const next = last_->next;
    return next != nullptr && line.starts_with(next->text) ? next : nullptr;
  }
  Entry* Find(std::string_view text) const {
    const auto found = entries_by_text_.find(text);
    return found == entries_by_text_.end() ? nullptr : found->second;
  }
  // The entry is of the line at hand.
  void Use(Entry* entry) {
    if (entry == last_) return;
    if (last_ != nullptr) last_->next = entry;
    last_ = entry;
  }
  // REQUIRES: there is none of this text.
  Entry* Add(std::string_view text, Value value) {
    bytes_ += text.size() + kEntryBytes;
    if (bytes_ > kBytesMax) {
      Clear();
      bytes_ = text.size() + kEntryBytes;
    }
    Entry& entry = entries_.emplace_back(Entry{std::string(text), std::move(value)});
    entries_by_text_.emplace(entry.text, &entry);
    return &entry;
  }
  void Clear() {
    last_ = nullptr;
    entries_by_text_.clear();
    entries_.clear();
    bytes_ = 0;
  }

 private:
  // Of texts; a scrape target has a tenth of it at most.
  static constexpr size_t kBytesMax = size_t{64} << 20;
  static constexpr size_t kEntryBytes = 160;  // beside the text, about

  std::deque<Entry> entries_;  // which stay in place when one is added
  std::unordered_map<std::string_view, Entry*> entries_by_text_;
  Entry* last_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace tsdb::importer
