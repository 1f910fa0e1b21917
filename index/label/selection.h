// Evaluates matchers over the index, the cheapest first.
//
// With U the series whose value the pattern of a matcher takes, P those that have the name, and A
// all series, a matcher asks, as Prometheus defines it:
//
//   pattern    takes ""?   =, =~            !=, !~
//              no          U                A - U
//              yes         A - (P - U)      P - U
//
// So each matcher requires U or P, and excludes U or P - U. U is known at once for `=`, lists of
// literals, `.*` and `.+`; for other patterns there are three ways, chosen by what they cost:
//   - few candidates left (up to 256): each one's value is looked up and tested;
//   - more: each one's value, by the column, and each distinct value tested once;
//   - many: each value of the name (of the range with the prefix) tested, and then the union of
//     their series made, from their postings or by a pass over the column.
//
// Thread safety: one thread; many may have a Selection of their own at a time.
#pragma once

#include <cstdint>
#include <roaring/roaring.hh>
#include <span>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "index/label/index_state.h"
#include "index/label/value_test.h"

namespace tsdb::label {

class Selection {
 public:
  // Of series below `bound`, of those in `live` if that is not null. REQUIRES: bound <=
  // state.indexed, acquired.
  Selection(const IndexState& state, SeriesId bound, const Roaring* live)
      : state_(state), bound_(bound), live_(live) {}

  Roaring Run(std::span<const ValueTest> tests) ABSL_LOCKS_EXCLUDED(state_.mutex);
  // As many as Run finds; a single matcher mostly costs no bitmap.
  uint64_t Count(std::span<const ValueTest> tests) ABSL_LOCKS_EXCLUDED(state_.mutex);

 private:
  struct Condition {
    const ValueTest* test = nullptr;
    const NameIndex* name = nullptr;  // null: no series has it
    uint32_t values = 0;              // of the name, when the selection began
    bool known = false;               // U needs no scan: `ids`, or all of the name's
    bool all_values = false;          // U = P
    bool dense = false;               // the column has some chunk
    std::vector<ValueId> ids;         // of a list of literals: those that there are
    uint64_t count = 0;               // of U, if known, while the lock is held

    bool requires_pattern() const { return !test->negated() && !test->PatternTakesEmpty(); }
    bool requires_present() const { return test->negated() && test->PatternTakesEmpty(); }
    bool excludes_pattern() const { return test->negated(); }
    bool excludes_other() const { return !test->negated() && test->PatternTakesEmpty(); }
  };

  // Under the same hold of the lock as what uses it: lists become bitmaps between two.
  void Prepare(std::span<const ValueTest> tests) ABSL_SHARED_LOCKS_REQUIRED(state_.mutex);
  void PrepareOne(Condition& condition) ABSL_SHARED_LOCKS_REQUIRED(state_.mutex);

  // What is required and known at once narrows the candidates. True if they are few: in `few_`.
  bool RequireKnown() ABSL_SHARED_LOCKS_REQUIRED(state_.mutex);
  void ExcludeKnown() ABSL_SHARED_LOCKS_REQUIRED(state_.mutex);
  void ApplyScan(const Condition& condition) ABSL_LOCKS_EXCLUDED(state_.mutex);

  void Require(Roaring series);
  void Exclude(const Roaring& series);

  // U of a known condition; the one posting that it is, if it is one.
  Roaring KnownSeries(const Condition& condition) ABSL_SHARED_LOCKS_REQUIRED(state_.mutex);
  const Posting* OnePosting(const Condition& condition) const
      ABSL_SHARED_LOCKS_REQUIRED(state_.mutex);
  std::vector<const Posting*> PostingsOf(const Condition& condition) const
      ABSL_SHARED_LOCKS_REQUIRED(state_.mutex);
  // Their series become `few_`. REQUIRES: lists.
  void TakeFew(std::span<const Posting* const> postings) ABSL_SHARED_LOCKS_REQUIRED(state_.mutex);
  Roaring FilterFew() ABSL_SHARED_LOCKS_REQUIRED(state_.mutex);
  bool Accepts(const Condition& condition, SeriesId series) const
      ABSL_SHARED_LOCKS_REQUIRED(state_.mutex);

  // The values that a scan has to look at; `tested`: all of them are taken.
  std::vector<ValueId> ValuesInRange(const Condition& condition, bool& tested);
  bool FilteringIsCheaper(uint64_t candidates, const Condition& condition, uint64_t values) const;
  void FilterCandidates(const Condition& condition);
  void LeaveOutTheRest(Roaring& result) const;

  const IndexState& state_;
  const SeriesId bound_;
  const Roaring* const live_;
  std::vector<Condition> conditions_;
  bool narrowed_ = false;  // candidates_ counts; else all series below the bound are candidates
  Roaring candidates_;
  std::vector<SeriesId> few_;
};

}  // namespace tsdb::label
