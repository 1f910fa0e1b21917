#include "index/label/selection.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "index/label/union.h"

namespace tsdb::label {
namespace {

// Nanoseconds, estimated, not fitted to measurements: only their ratios decide. (A regex took 220
// ns a value in index_benchmark.)
constexpr uint64_t kPerColumnEntry = 6;
constexpr uint64_t kPerParsedSeries = 150;
constexpr uint64_t kPerRegex = 150;
constexpr uint64_t kPerSearch = 25;
constexpr uint64_t kPerUnitedValue = 60;

uint64_t CostOfTest(const ValueTest& test) {
  return test.pattern().kind == Pattern::Kind::kRegex ? kPerRegex : kPerSearch;
}

bool IsPrefixKind(const Pattern& pattern) {
  return pattern.kind == Pattern::Kind::kPrefix ||
         (pattern.kind == Pattern::Kind::kRegex && !pattern.prefix.empty());
}

}  // namespace

void Selection::Prepare(std::span<const ValueTest> tests) {
  conditions_.assign(tests.size(), {});
  for (size_t i = 0; i < tests.size(); ++i) {
    conditions_[i].test = &tests[i];
    PrepareOne(conditions_[i]);
  }
}

void Selection::PrepareOne(Condition& condition) {
  const Pattern& pattern = condition.test->pattern();
  condition.name = state_.names.Find(condition.test->name());
  if (condition.name == nullptr) {
    condition.known = true;  // U and P are empty
    return;
  }
  const ValueTable& values = condition.name->values();
  condition.values = values.size();
  condition.dense = condition.name->column().dense_chunks() > 0;
  if (pattern.kind == Pattern::Kind::kAny || pattern.kind == Pattern::Kind::kNonEmpty) {
    condition.known = condition.all_values = true;
    condition.count = condition.name->present().count();
  } else if (pattern.kind == Pattern::Kind::kOneOf) {
    condition.known = true;
    for (const std::string& literal : pattern.literals) {
      const ValueId id = literal.empty() ? kNoValue : values.Find(literal, HashOfText(literal));
      if (id == kNoValue) continue;
      condition.ids.push_back(id);
      condition.count += values.SeriesOf(id).count();
    }
  }
}

const Posting* Selection::OnePosting(const Condition& condition) const {
  if (condition.name == nullptr) return nullptr;
  if (condition.all_values) return &condition.name->present();
  return condition.ids.size() == 1 ? &condition.name->values().SeriesOf(condition.ids[0]) : nullptr;
}

Roaring Selection::KnownSeries(const Condition& condition) {
  if (const Posting* posting = OnePosting(condition)) return posting->ToRoaring();
  Roaring series;
  for (const ValueId id : condition.ids) {
    const Posting& posting = condition.name->values().SeriesOf(id);
    if (posting.is_list()) {
      series.addMany(posting.count(), posting.ids().data());
    } else {
      series |= posting.bitmap();
    }
  }
  return series;
}

std::vector<const Posting*> Selection::PostingsOf(const Condition& condition) const {
  std::vector<const Posting*> postings;
  for (const ValueId id : condition.ids) {
    postings.push_back(&condition.name->values().SeriesOf(id));
  }
  return postings;
}

void Selection::TakeFew(std::span<const Posting* const> postings) {
  for (const Posting* posting : postings) {
    for (const SeriesId id : posting->ids()) {
      if (id < bound_ && (live_ == nullptr || live_->contains(id))) few_.push_back(id);
    }
  }
  if (postings.size() > 1) std::sort(few_.begin(), few_.end());
}

bool Selection::Accepts(const Condition& condition, SeriesId series) const {
  std::string_view text;
  if (condition.name != nullptr) {
    const auto* const chunk = condition.name->column().ChunkAt(series / ValueColumn::kChunkIds);
    if (chunk == nullptr) {
      text = ValueInBytes(state_.table.BytesOf(series), condition.test->name());
    } else if (const uint32_t entry = (*chunk)[series % ValueColumn::kChunkIds]; entry != 0) {
      // Most often it is one literal: its number is enough.
      if (condition.ids.size() == 1) {
        return (condition.ids[0] + 1 == entry) != condition.test->negated();
      }
      text = condition.name->values().TextOf(entry - 1);
    }
  }
  return condition.test->PatternTakes(text) != condition.test->negated();
}

Roaring Selection::FilterFew() {
  for (const Condition& condition : conditions_) {
    std::erase_if(few_, [&](SeriesId id) {
      state_.mutex.AssertReaderHeld();
      return !Accepts(condition, id);
    });
  }
  return Roaring(few_.size(), few_.data());
}

bool Selection::RequireKnown() {
  std::vector<const Posting*> bitmaps;
  std::vector<const Condition*> lists;  // of literals
  uint64_t fewest = std::numeric_limits<uint64_t>::max();
  for (const Condition& condition : conditions_) {
    const bool by_pattern = condition.requires_pattern() && condition.known;
    if (!condition.requires_pattern() && !condition.requires_present()) continue;
    // A pattern that has to be searched for takes a part of those that have the name: of use here
    // only if they are few.
    const Posting* const posting = by_pattern                  ? OnePosting(condition)
                                   : condition.name == nullptr ? nullptr
                                                               : &condition.name->present();
    const uint64_t count = by_pattern ? condition.count : posting == nullptr ? 0 : posting->count();
    if (count == 0) return true;  // few_ is empty
    if (count < fewest && count <= Posting::kListMax) {
      few_.clear();
      posting != nullptr ? TakeFew({&posting, 1}) : TakeFew(PostingsOf(condition));
    }
    fewest = std::min(fewest, count);
    if (posting == nullptr) {
      lists.push_back(&condition);
    } else if (by_pattern || condition.requires_present()) {
      bitmaps.push_back(posting);
    }
  }
  if (fewest <= Posting::kListMax) return true;
  // No posting here is a list, then.
  std::sort(bitmaps.begin(), bitmaps.end(),
            [](const Posting* a, const Posting* b) { return a->count() < b->count(); });
  for (const Condition* condition : lists) Require(KnownSeries(*condition));
  size_t next = 0;
  if (!narrowed_ && bitmaps.size() >= 2) {
    Require(bitmaps[0]->bitmap() & bitmaps[1]->bitmap());
    next = 2;
  }
  for (; next < bitmaps.size(); ++next) {
    narrowed_ ? void(candidates_ &= bitmaps[next]->bitmap()) : Require(bitmaps[next]->bitmap());
  }
  return false;
}

void Selection::Require(Roaring series) {
  candidates_ = narrowed_ ? candidates_ & series : std::move(series);
  narrowed_ = true;
}

void Selection::Exclude(const Roaring& series) {
  if (!narrowed_) candidates_.addRange(0, bound_);
  narrowed_ = true;
  candidates_ -= series;
}

void Selection::ExcludeKnown() {
  for (const Condition& condition : conditions_) {
    if (!condition.known || condition.requires_pattern()) continue;
    if (condition.excludes_pattern()) {
      const Posting* const posting = OnePosting(condition);
      const bool as_it_is = posting != nullptr && !posting->is_list();
      as_it_is ? Exclude(posting->bitmap()) : Exclude(KnownSeries(condition));
    } else if (condition.name != nullptr && !condition.all_values) {
      Exclude(condition.name->present().ToRoaring() - KnownSeries(condition));
    }
  }
}

std::vector<ValueId> Selection::ValuesInRange(const Condition& condition, bool& tested) {
  const Pattern& pattern = condition.test->pattern();
  const ValueTable& values = condition.name->values();
  std::vector<ValueId> range;
  tested = false;
  if (!IsPrefixKind(pattern)) {
    range.resize(condition.values);
    for (ValueId id = 0; id < condition.values; ++id) range[id] = id;
    return range;
  }
  const auto order = condition.name->order().Get(values, condition.values);
  const auto [first, last] = ValueOrder::RangeOf(*order, values, pattern.prefix);
  range.assign(order->begin() + static_cast<ptrdiff_t>(first),
               order->begin() + static_cast<ptrdiff_t>(last));
  // The order may have been made for a later question: then it covers newer values, too.
  if (order->size() > condition.values) {
    std::erase_if(range, [&](ValueId id) { return id >= condition.values; });
  }
  for (auto id = static_cast<ValueId>(order->size()); id < condition.values; ++id) {
    if (values.TextOf(id).starts_with(pattern.prefix)) range.push_back(id);
  }
  tested = pattern.kind == Pattern::Kind::kPrefix;
  return range;
}

bool Selection::FilteringIsCheaper(uint64_t candidates, const Condition& condition,
                                   uint64_t values) const {
  const uint64_t test = CostOfTest(*condition.test);
  return candidates * kPerColumnEntry + std::min(candidates, values) * test <
         values * (test + kPerUnitedValue);
}

void Selection::FilterCandidates(const Condition& condition) {
  std::vector<const ValueColumn::Chunk*> chunks;
  {
    ReaderMutexLock lock(&state_.mutex);
    const ValueColumn& column = condition.name->column();
    for (uint32_t i = 0; i < column.chunks(); ++i) chunks.push_back(column.ChunkAt(i));
  }
  enum : uint8_t { kUnknown, kTaken, kLeft };
  const auto verdicts = std::make_unique<uint8_t[]>(size_t{condition.values} + 1);
  const auto takes = [&](std::string_view text) {
    return condition.test->PatternTakes(text) != condition.test->negated();
  };
  std::vector<SeriesId> ids(candidates_.cardinality());
  candidates_.toUint32Array(ids.data());
  std::erase_if(ids, [&](SeriesId id) {
    if (id >= bound_) return true;
    const size_t number = id / ValueColumn::kChunkIds;
    if (number >= chunks.size() || chunks[number] == nullptr) {
      return !takes(ValueInBytes(state_.table.BytesOf(id), condition.test->name()));
    }
    const uint32_t entry = (*chunks[number])[id % ValueColumn::kChunkIds];
    uint8_t& verdict = verdicts[entry];
    if (verdict == kUnknown) {
      const auto text =
          entry == 0 ? std::string_view() : condition.name->values().TextOf(entry - 1);
      verdict = takes(text) ? kTaken : kLeft;
    }
    return verdict == kLeft;
  });
  candidates_ = Roaring(ids.size(), ids.data());
}

void Selection::ApplyScan(const Condition& condition) {
  if (narrowed_) {
    const uint64_t candidates = candidates_.cardinality();
    if (candidates == 0) return;
    // Without a column each candidate's labels are taken apart.
    const uint64_t cost = condition.dense ? 1 : kPerParsedSeries / kPerColumnEntry;
    const bool by_range = IsPrefixKind(condition.test->pattern());
    if (!by_range && FilteringIsCheaper(candidates * cost, condition, condition.values)) {
      return FilterCandidates(condition);
    }
  }
  bool tested = false;
  std::vector<ValueId> values = ValuesInRange(condition, tested);
  if (narrowed_ && FilteringIsCheaper(candidates_.cardinality(), condition, values.size())) {
    return FilterCandidates(condition);
  }
  if (!tested) {
    std::erase_if(values, [&](ValueId id) {
      return !condition.test->PatternTakes(condition.name->values().TextOf(id));
    });
  }
  Roaring series = UnionOfValues(state_, *condition.name, condition.values, values, bound_);
  if (condition.requires_pattern()) return Require(std::move(series));
  if (condition.excludes_pattern()) return Exclude(series);
  Roaring present;
  {
    ReaderMutexLock lock(&state_.mutex);
    present = condition.name->present().ToRoaring();
  }
  Exclude(present - series);
}

void Selection::LeaveOutTheRest(Roaring& result) const {
  if (!result.isEmpty() && result.maximum() >= bound_) {
    roaring_bitmap_remove_range_closed(&result.roaring, bound_,
                                       std::numeric_limits<uint32_t>::max());
  }
}

Roaring Selection::Run(std::span<const ValueTest> tests) {
  if (bound_ == 0) return {};
  {
    ReaderMutexLock lock(&state_.mutex);
    Prepare(tests);
    if (RequireKnown()) return FilterFew();
    ExcludeKnown();
  }
  LeaveOutTheRest(candidates_);
  if (live_ != nullptr) {
    candidates_ = narrowed_ ? candidates_ & *live_ : *live_;
    narrowed_ = true;
    LeaveOutTheRest(candidates_);
  }
  // Those that take longer to test come last, on what the others leave.
  std::vector<const Condition*> scans;
  for (const Condition& condition : conditions_) {
    if (!condition.known) scans.push_back(&condition);
  }
  std::sort(scans.begin(), scans.end(), [](const Condition* a, const Condition* b) {
    return CostOfTest(*a->test) * a->values < CostOfTest(*b->test) * b->values;
  });
  for (const Condition* condition : scans) ApplyScan(*condition);
  if (!narrowed_) candidates_.addRange(0, bound_);
  LeaveOutTheRest(candidates_);
  return std::move(candidates_);
}

uint64_t Selection::Count(std::span<const ValueTest> tests) {
  if (bound_ == 0) return 0;
  if (tests.empty() && live_ == nullptr) return bound_;
  if (tests.size() == 1 && live_ == nullptr) {
    ReaderMutexLock lock(&state_.mutex);
    Prepare(tests);
    const Condition& only = conditions_[0];
    if (only.known && (only.all_values || only.ids.size() <= 1)) {
      const Posting* posting = OnePosting(only);
      const uint64_t pattern = posting == nullptr ? 0 : posting->CountBelow(bound_);
      if (only.requires_pattern()) return pattern;
      const uint64_t present = only.name == nullptr ? 0 : only.name->present().CountBelow(bound_);
      if (only.requires_present()) return present - pattern;
      return only.excludes_pattern() ? bound_ - pattern : bound_ - (present - pattern);
    }
  }
  return Run(tests).cardinality();
}

}  // namespace tsdb::label
