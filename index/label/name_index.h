// Everything of one label name: its values and their series, the values by series, which series
// have the name at all, and the order of the values.
//
// Thread safety: the index's lock (IndexState::mutex) held alone to change it, shared to read it;
// exceptions say so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "index/label/posting.h"
#include "index/label/series_table.h"
#include "index/label/value_column.h"
#include "index/label/value_order.h"
#include "index/label/value_table.h"

namespace tsdb::label {

// One label of one series, on its way into the index.
struct Entry {
  const char* value;  // the text behind its length, in the series' label bytes
  uint64_t hash;      // of the text
  SeriesId series;
  ValueId id;
};

class NameIndex {
 public:
  // `number`: of the name, in order of first sight.
  NameIndex(std::string name, uint32_t number) : name_(std::move(name)), number_(number) {}

  const std::string& name() const { return name_; }
  uint32_t number() const { return number_; }
  const ValueTable& values() const { return values_; }
  const ValueColumn& column() const { return column_; }
  const Posting& present() const { return present_; }
  // No lock is needed for the order itself.
  ValueOrder& order() const { return order_; }

  // Looks for the values; entries with new ones get kNoValue.
  void Resolve(std::span<Entry> entries) const;
  // REQUIRES: resolved entries of one chunk of ValueColumn, rising, above all that were added.
  void Add(std::span<const Entry> entries, const SeriesTable& table);

  size_t Bytes() const;

 private:
  // Sets the entries of the series of the chunk that came before `end`.
  void FillColumn(uint32_t chunk, SeriesId end, const SeriesTable& table);

  const std::string name_;
  const uint32_t number_;
  ValueTable values_;
  ValueColumn column_;
  Posting present_;
  mutable ValueOrder order_;
};

// The series' value of a label, in its label bytes; empty for none.
std::string_view ValueInBytes(std::string_view label_bytes, std::string_view name);

}  // namespace tsdb::label
