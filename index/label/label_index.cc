#include "index/label/label_index.h"

#include <algorithm>
#include <utility>

#include "index/label/listing.h"
#include "index/label/selection.h"
#include "index/label/value_test.h"
#include "storage/base/status_macros.h"

namespace tsdb::label {
namespace {

absl::StatusOr<std::vector<ValueTest>> MakeTests(std::span<const Matcher> matchers) {
  std::vector<ValueTest> tests;
  tests.reserve(matchers.size());
  for (size_t i = 0; i < matchers.size(); ++i) {
    TSDB_ASSIGN_OR_RETURN(tests.emplace_back(), ValueTest::Create(matchers[i], i));
  }
  return tests;
}

absl::Status CheckName(std::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("the values of an empty label name");
  if (IsValidUtf8(name)) return absl::OkStatus();
  return absl::InvalidArgumentError("the values of a label name that is not valid UTF-8");
}

}  // namespace

void LabelIndex::CatchUp() const {
  const SeriesId end = state_.table.Count();
  if (indexed() >= end) return;
  MutexLock lock(&indexing_mutex_);
  if (indexed() < end) indexer_.IndexBelow(end);
}

bool LabelIndex::CatchUpIfBehind(uint32_t pending) const {
  const SeriesId end = state_.table.Count();
  // What is indexed may have passed `end` by now.
  if (uint64_t{indexed()} + std::max(pending, 1u) > end) return false;
  if (!indexing_mutex_.TryLock()) return false;
  indexer_.IndexBelow(state_.table.Count());
  indexing_mutex_.Unlock();
  return true;
}

SeriesId LabelIndex::Bound() const {
  CatchUp();
  return indexed();
}

absl::StatusOr<Roaring> LabelIndex::Select(std::span<const Matcher> matchers,
                                           const Roaring* live) const {
  TSDB_ASSIGN_OR_RETURN(const std::vector<ValueTest> tests, MakeTests(matchers));
  return Selection(state_, Bound(), live).Run(tests);
}

absl::StatusOr<std::vector<SeriesId>> LabelIndex::SelectIds(std::span<const Matcher> matchers,
                                                            const Roaring* live) const {
  TSDB_ASSIGN_OR_RETURN(const Roaring series, Select(matchers, live));
  std::vector<SeriesId> ids(series.cardinality());
  series.toUint32Array(ids.data());
  return ids;
}

absl::StatusOr<uint64_t> LabelIndex::SeriesCount(std::span<const Matcher> matchers,
                                                 const Roaring* live) const {
  TSDB_ASSIGN_OR_RETURN(const std::vector<ValueTest> tests, MakeTests(matchers));
  return Selection(state_, Bound(), live).Count(tests);
}

absl::StatusOr<std::vector<std::string>> LabelIndex::LabelNames(std::span<const Matcher> matchers,
                                                                const Roaring* live) const {
  TSDB_ASSIGN_OR_RETURN(const std::vector<ValueTest> tests, MakeTests(matchers));
  const SeriesId bound = Bound();
  return NamesOf(state_, Selection(state_, bound, live).Run(tests));
}

absl::StatusOr<std::vector<std::string>> LabelIndex::LabelValues(std::string_view name,
                                                                 std::span<const Matcher> matchers,
                                                                 const Roaring* live) const {
  TSDB_RETURN_IF_ERROR(CheckName(name));
  TSDB_ASSIGN_OR_RETURN(const std::vector<ValueTest> tests, MakeTests(matchers));
  const SeriesId bound = Bound();
  if (tests.empty() && live == nullptr) return AllValuesOf(state_, name, bound);
  return ValuesOf(state_, name, Selection(state_, bound, live).Run(tests));
}

Cardinality LabelIndex::CardinalityTop(size_t top) const { return CountTop(state_, Bound(), top); }

size_t LabelIndex::Bytes() const {
  MutexLock indexing(&indexing_mutex_);
  ReaderMutexLock lock(&state_.mutex);
  return sizeof(*this) + state_.names.Bytes() + indexer_.Bytes();
}

}  // namespace tsdb::label
