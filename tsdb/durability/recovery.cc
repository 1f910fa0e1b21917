#include "tsdb/durability/recovery.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/labels.h"
#include "storage/base/status_macros.h"
#include "storage/codec/run.h"
#include "tsdb/durability/log_payload.h"

namespace tsdb::durability {
namespace {

// A part of a chunk has at most 32 Ki.
constexpr size_t kPayloadRecordsMax = size_t{1} << 20;

}  // namespace

LogReplayer::LogReplayer(label::SeriesTable* table, std::vector<SeriesId> numbers, Sink sink,
                         Deleter deleter)
    : table_(table),
      sink_(std::move(sink)),
      deleter_(std::move(deleter)),
      numbers_(std::move(numbers)) {
  numbers_kept_ = numbers_.size() == table_->Count();
  for (SeriesId i = 0; i < numbers_.size(); ++i) numbers_kept_ &= numbers_[i] == i;
}

absl::Status LogReplayer::Apply(uint64_t sequence, uint8_t kind, std::span<const uint8_t> payload) {
  absl::Status damage;
  absl::Status status;
  switch (static_cast<PayloadKind>(kind)) {
    case PayloadKind::kSeries:
      status = ApplySeries(payload, damage);
      break;
    case PayloadKind::kRecords:
      status = ApplyRecords(payload, damage);
      break;
    case PayloadKind::kDelete:
      status = ApplyDelete(payload, damage);
      break;
    case PayloadKind::kNumbering:
      numbers_.clear();
      numbers_kept_ = table_->Count() == 0;
      break;
    default:
      damage = absl::DataLossError(absl::StrCat("unknown kind ", static_cast<int>(kind)));
  }
  if (!damage.ok()) {
    damage_.push_back(absl::StrCat("batch ", sequence, ": ", std::string(damage.message())));
  }
  return status;
}

absl::Status LogReplayer::ApplySeries(std::span<const uint8_t> payload, absl::Status& damage) {
  absl::Status failed;
  damage = ReadSeries(payload, [&](SeriesId number, std::string_view bytes) {
    const absl::StatusOr<SeriesId> given = table_->FindOrCreate(Labels::FromCanonicalBytes(bytes));
    if (!given.ok()) {
      failed = given.status();
      return failed;
    }
    if (*given != number) numbers_kept_ = false;
    // Numbers are dense; what a lost batch named stays unknown.
    if (number >= table_->series_max()) {
      return absl::DataLossError(absl::StrCat("series number ", number, " is out of range"));
    }
    if (number >= numbers_.size()) numbers_.resize(size_t{number} + 1, kUnknownSeries);
    numbers_[number] = *given;
    return absl::OkStatus();
  });
  if (failed.ok()) return absl::OkStatus();
  damage = absl::OkStatus();
  return failed;
}

absl::Status LogReplayer::ApplyRecords(std::span<const uint8_t> payload, absl::Status& damage) {
  absl::StatusOr<codec::RunsReader> reader = codec::RunsReader::Parse(payload, kPayloadRecordsMax);
  if (!reader.ok()) {
    damage = reader.status();
    return absl::OkStatus();
  }
  if (times_.size() < reader->records() + codec::RunsReader::kColumnSlack) {
    times_.resize(reader->records() + codec::RunsReader::kColumnSlack);
    values_.resize(times_.size());
  }
  // All of it before any of it is passed on: a fault shows only where it is met.
  runs_.clear();
  for (codec::Run run; reader->Next(run, times_.data(), values_.data());) runs_.push_back(run);
  if (!reader->status().ok()) {
    damage = reader->status();
    return absl::OkStatus();
  }
  for (const codec::Run& run : runs_) {
    const SeriesId series = run.series < numbers_.size() ? numbers_[run.series] : kUnknownSeries;
    if (series == kUnknownSeries) {
      orphans_ += run.count;
      damage = absl::DataLossError("records of series whose labels are lost");
      continue;
    }
    TSDB_RETURN_IF_ERROR(sink_(series, {times_.data() + run.begin, run.count},
                               {values_.data() + run.begin, run.count}));
    records_ += run.count;
  }
  return absl::OkStatus();
}

absl::Status LogReplayer::ApplyDelete(std::span<const uint8_t> payload, absl::Status& damage) {
  std::vector<SeriesId> numbers;
  TimeRange range;
  damage = DecodeDelete(payload, numbers_.size(), &numbers, &range);
  if (!damage.ok()) return absl::OkStatus();
  std::vector<SeriesId> series;
  for (const SeriesId number : numbers) {
    const SeriesId known = number < numbers_.size() ? numbers_[number] : kUnknownSeries;
    if (known != kUnknownSeries) series.push_back(known);  // records of others are orphans anyway
  }
  std::sort(series.begin(), series.end());
  return deleter_(series, range);
}

}  // namespace tsdb::durability
