#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/coding.h"
#include "storage/base/labels.h"
#include "storage/codec/run.h"
#include "storage/wal/log.h"
#include "storage/wal/log_format.h"
#include "tools/inspect/inspection.h"
#include "tools/number_text.h"
#include "tsdb/durability/log_payload.h"

namespace tsdb::tools {
namespace {

using durability::PayloadKind;
using wal::kBatchHeaderBytes;
using wal::kFileHeaderBytes;
using wal::kLogAlignment;

constexpr std::string_view kBatchMagic = "logb";
constexpr size_t kFirstAt = 16;  // in the file's header
// More than any writer puts in a batch: a few bytes can stand for any number of equal records.
constexpr size_t kRecordsMax = size_t{1} << 20;

// What a batch's payload turned out to hold.
struct Payload {
  std::string kind;
  uint64_t series = 0;
  uint64_t samples = 0;
  Timestamp first = kTimestampMax, last = kTimestampMin;
  absl::Status status;
};

class LogInspector {
 public:
  LogInspector(std::span<const uint8_t> file, std::optional<uint64_t> next,
               const InspectOptions& options)
      : file_(file), next_(next), options_(options), search_left_(kSearchFactor * file.size()) {
    inspection_.tables.push_back({"batches",
                                  {"offset", "bytes", "state", "sequence", "durable", "kind",
                                   "series", "samples", "from", "to"},
                                  {},
                                  0});
    inspection_.tables[0].dispensable = {"durable", "from"};
    if (!options.contents) return;
    inspection_.tables.push_back(
        {"contents", {"sequence", "what", "series", "samples", "from", "to", "labels"}, {}, 0});
    inspection_.tables[1].last_is_long = true;
  }

  Inspection Run(std::optional<uint64_t> first) {
    if (!ReadHeader(first)) return std::move(inspection_);
    while (position_ < file_.size()) {
      const uint64_t from = position_;
      const std::optional<wal::BatchView> batch = FindBatch();
      if (position_ > from) AddStretch(from, position_, batch);
      if (!batch.has_value()) break;
      AddBatch(*batch);
      position_ += batch->length;
    }
    if (next_.has_value() && last_ + 1 < *next_) {
      gaps_.push_back({position_, last_ + 1, *next_ - 1, "the file ends before the next begins"});
    }
    JudgeGaps();
    AddFigures();
    return std::move(inspection_);
  }

 private:
  // Batches that are missing, and where they should be.
  struct Gap {
    uint64_t offset;
    uint64_t first, last;
    std::string reason;
  };

  void AddFinding(uint64_t offset, std::string reason) {
    inspection_.findings.push_back({offset, std::move(reason)});
  }

  // False if what follows cannot be read.
  bool ReadHeader(std::optional<uint64_t> first) {
    if (file_.size() < kFileHeaderBytes) {
      // A crash can leave a file that was begun and never written.
      inspection_.figures = {BytesFigure("bytes", file_.size())};
      if (std::any_of(file_.begin(), file_.end(), [](uint8_t byte) { return byte != 0; })) {
        AddFinding(0, absl::StrCat("the file has ", file_.size(), " bytes, its header alone has ",
                                   kFileHeaderBytes));
      } else if (first && next_ && *first < *next_) {
        AddFinding(0, absl::StrCat("batches ", *first, " to ", *next_ - 1,
                                   " are lost: the file ends here"));
      }
      return false;
    }
    const uint64_t own = GetFixed64(file_.data() + kFirstAt);
    uint32_t version = 0;
    const wal::HeaderCheck check = wal::CheckFileHeader(file_, first.value_or(own), &version);
    if (check == wal::HeaderCheck::kOtherVersion) {
      inspection_.figures = {{"version", uint64_t{version}, ""}};
      AddFinding(0, absl::StrCat("format version ", version, "; this program reads version ",
                                 wal::kLogVersion));
      return false;
    }
    first_ = first.value_or(own);
    if (check == wal::HeaderCheck::kGood) {
      position_ = kFileHeaderBytes;
    } else if (!first.has_value()) {
      first_ = 1;  // nothing vouches for a number
    }
    header_whole_ = check == wal::HeaderCheck::kGood;
    if (!header_whole_ && std::any_of(file_.begin(), file_.end(), [](uint8_t b) { return b; })) {
      AddFinding(0, first.has_value() && own != *first && version == wal::kLogVersion
                        ? absl::StrCat("the header says that the first batch is ", own,
                                       ", the file's name ", *first)
                        : "the file's header is not what was written");
    }
    last_ = first_ == 0 ? 0 : first_ - 1;
    return true;
  }

  // Why no batch begins at `place`. Cheap, but for the checksum, which the search pays for.
  std::string WhyNone(uint64_t place) const {
    if (file_.size() - place < kBatchHeaderBytes) return "a batch's header does not fit here";
    const uint8_t* at = file_.data() + place;
    if (!std::equal(kBatchMagic.begin(), kBatchMagic.end(), at)) return "no batch begins here";
    const uint64_t length = GetFixed32(at + 8);
    if (length > wal::kBatchBytesMax || length > file_.size() - place - kBatchHeaderBytes) {
      return absl::StrCat("a batch of ", length, " bytes does not fit here");
    }
    return "the batch's checksum does not match";
  }

  // The first whole batch from position_ on, to which it moves, else to the file's end.
  std::optional<wal::BatchView> FindBatch() {
    why_none_.clear();
    for (; file_.size() - position_ >= kBatchHeaderBytes; position_ += kLogAlignment) {
      const uint8_t* at = file_.data() + position_;
      if (std::equal(kBatchMagic.begin(), kBatchMagic.end(), at) && search_left_ > 0) {
        if (const auto batch = wal::ReadBatch(file_.subspan(position_))) return batch;
        search_left_ -= std::min<uint64_t>(search_left_, kBatchHeaderBytes + GetFixed32(at + 8));
      }
      if (why_none_.empty()) why_none_ = WhyNone(position_);
    }
    if (why_none_.empty()) why_none_ = WhyNone(position_);
    position_ = file_.size();
    return std::nullopt;
  }

  // Bytes in which no whole batch is.
  void AddStretch(uint64_t begin, uint64_t end, const std::optional<wal::BatchView>& after) {
    const auto bytes = file_.subspan(begin, end - begin);
    const bool zeros = std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
    std::string state = zeros ? "zeros" : "no batch";
    if (zeros) zero_bytes_ += bytes.size();
    if (!zeros && begin < kFileHeaderBytes && !header_whole_ && end <= kFileHeaderBytes) {
      state = "header";
    } else if (!zeros) {
      broken_bytes_ += bytes.size();
      broken_at_.push_back({begin, last_ + 1, after ? after->sequence - 1 : 0, why_none_});
    }
    std::vector<Figure> row = {{"", begin, ""}, BytesFigure("", bytes.size()), {"", state, ""}};
    row.resize(inspection_.tables[0].columns.size(), BlankFigure());
    inspection_.tables[0].Add(std::move(row), options_.limit);
  }

  void AddBatch(const wal::BatchView& batch) {
    const bool stale = batch.sequence <= last_ || (next_ && batch.sequence >= *next_);
    if (!stale && batch.sequence != last_ + 1) {
      const bool broken = !broken_at_.empty() && broken_at_.back().first == last_ + 1;
      gaps_.push_back({broken ? broken_at_.back().offset : position_, last_ + 1, batch.sequence - 1,
                       broken ? broken_at_.back().reason : "batches are missing"});
    }
    Payload payload = stale ? Payload() : ReadPayload(batch);
    const bool timed = payload.samples > 0 || payload.first <= payload.last;
    const auto count = [](bool shown, uint64_t number) {
      return shown ? Figure{"", number, ""} : BlankFigure();
    };
    inspection_.tables[0].Add({{"", position_, ""},
                               BytesFigure("", batch.length),
                               {"",
                                std::string(stale                 ? "an older file's"
                                            : payload.status.ok() ? "whole"
                                                                  : "unreadable"),
                                ""},
                               {"", batch.sequence, ""},
                               {"", batch.durable, ""},
                               {"", payload.kind, ""},
                               count(payload.series > 0, payload.series),
                               count(payload.samples > 0, payload.samples),
                               timed ? TimeFigure("", payload.first) : BlankFigure(),
                               timed ? TimeFigure("", payload.last) : BlankFigure()},
                              options_.limit);
    if (stale) return;
    if (!payload.status.ok()) {
      AddFinding(position_, absl::StrCat("batch ", batch.sequence,
                                         ": its checksum holds, but not its content: ",
                                         payload.status.message()));
    }
    ++batches_;
    samples_ += payload.samples;
    closed_ = batch.kind == wal::kClosing;
    if (payload.samples > 0) {
      time_first_ = std::min(time_first_, payload.first);
      time_last_ = std::max(time_last_, payload.last);
    }
    last_ = batch.sequence;
    durable_.push_back({position_, batch.durable});
  }

  Payload ReadPayload(const wal::BatchView& batch) {
    Payload payload;
    if (batch.kind == wal::kClosing) {
      payload.kind = "closing";
      return payload;
    }
    switch (static_cast<PayloadKind>(batch.kind)) {
      case PayloadKind::kSeries:
        payload.kind = "series";
        ReadSeries(batch, payload);
        break;
      case PayloadKind::kRecords:
        payload.kind = "records";
        ReadRecords(batch, payload);
        break;
      case PayloadKind::kNumbering:
        payload.kind = "numbering";
        break;
      case PayloadKind::kDelete:
        payload.kind = "deletion";
        ReadDeletion(batch, payload);
        break;
      default:
        payload.kind = absl::StrCat("kind ", static_cast<int>(batch.kind));
        payload.status = absl::DataLossError("unknown kind");
    }
    return payload;
  }

  void ReadSeries(const wal::BatchView& batch, Payload& payload) {
    payload.status = durability::ReadSeries(batch.payload, [&](SeriesId series,
                                                               std::string_view labels) {
      ++payload.series;
      AddContent(batch, "series", series, 0, {}, {}, Labels::FromCanonicalBytes(labels).ToString());
      return absl::OkStatus();
    });
  }

  void ReadRecords(const wal::BatchView& batch, Payload& payload) {
    auto reader = codec::RunsReader::Parse(batch.payload, kRecordsMax);
    if (!reader.ok()) {
      payload.status = reader.status();
      return;
    }
    const size_t room = reader->records() + codec::RunsReader::kColumnSlack;
    if (times_.size() < room) {
      times_.resize(room);
      values_.resize(room);
    }
    for (codec::Run run; reader->Next(run, times_.data(), values_.data());) {
      const auto [first, last] =
          std::minmax_element(times_.begin() + run.begin, times_.begin() + run.begin + run.count);
      ++payload.series;
      payload.samples += run.count;
      payload.first = std::min(payload.first, *first);
      payload.last = std::max(payload.last, *last);
      AddContent(batch, "run", run.series, run.count, *first, *last, "");
    }
    payload.status = reader->status();
  }

  void ReadDeletion(const wal::BatchView& batch, Payload& payload) {
    // Counts, not numbers: a few bytes can stand for all series there can be.
    ByteReader reader(batch.payload);
    TimeRange range;
    std::vector<SeriesId> none;
    payload.status = durability::DecodeDelete(batch.payload, 0, &none, &range);
    if (!payload.status.ok()) return;
    uint64_t left_out, count, next = 0;
    if (!reader.Skip(16)) return;
    while (reader.ReadVarint64(&left_out) && reader.ReadVarint64(&count)) {
      next += left_out;
      AddContent(batch, absl::StrCat("deletes ", count, " from"), next, 0, range.begin,
                 range.Empty() ? range.end : range.Last(), "");
      payload.series += count;
      next += count;
    }
    payload.first = range.begin;
    payload.last = range.Empty() ? range.end : range.Last();
  }

  void AddContent(const wal::BatchView& batch, std::string what, uint64_t series, uint64_t samples,
                  std::optional<Timestamp> first, std::optional<Timestamp> last,
                  std::string labels) {
    if (!options_.contents) return;
    inspection_.tables[1].Add({{"", batch.sequence, ""},
                               {"", std::move(what), ""},
                               {"", series, ""},
                               samples > 0 ? Figure{"", samples, ""} : BlankFigure(),
                               first ? TimeFigure("", *first) : BlankFigure(),
                               last ? TimeFigure("", *last) : BlankFigure(),
                               {"", std::move(labels), ""}},
                              options_.limit);
  }

  // Which gaps are damage: those that a later batch, or the next file, knows to have been durable.
  void JudgeGaps() {
    uint64_t durable = next_.has_value() ? *next_ - 1 : 0;
    size_t batch = durable_.size();
    for (size_t i = gaps_.size(); i-- > 0;) {
      while (batch > 0 && durable_[batch - 1].first >= gaps_[i].offset) {
        durable = std::max(durable, durable_[--batch].second);
      }
      const Gap& gap = gaps_[i];
      if (durable < gap.first) {
        torn_ = true;
        continue;
      }
      lost_ += gap.last - gap.first + 1;
      AddFinding(gap.offset, gap.first == gap.last
                                 ? absl::StrCat("batch ", gap.first, " is lost: ", gap.reason)
                                 : absl::StrCat("batches ", gap.first, " to ", gap.last,
                                                " are lost: ", gap.reason));
    }
    // Behind the last batch nothing shows what was durable.
    torn_ |= broken_bytes_ > 0 && inspection_.findings.empty();
    std::sort(inspection_.findings.begin(), inspection_.findings.end(),
              [](const auto& a, const auto& b) { return a.offset < b.offset; });
  }

  void AddFigures() {
    inspection_.figures = {
        BytesFigure("bytes", file_.size()),  {"version", uint64_t{wal::kLogVersion}, ""},
        {"header_whole", header_whole_, ""}, {"first_batch", first_, ""},
        {"last_batch", last_, ""},           {"batches", batches_, ""},
        {"batches_lost", lost_, ""},         {"samples", samples_, ""}};
    if (samples_ > 0) {
      inspection_.figures.push_back(TimeFigure("from", time_first_));
      inspection_.figures.push_back(TimeFigure("to", time_last_));
    }
    inspection_.figures.push_back(BytesFigure("bytes_of_no_batch", broken_bytes_));
    inspection_.figures.push_back(BytesFigure("bytes_allocated_ahead", zero_bytes_));
    inspection_.figures.push_back({"ends_with",
                                   std::string(closed_ ? "a log that was closed"
                                               : torn_ ? "a torn end"
                                               : next_ ? "the next file"
                                                       : "an open log"),
                                   ""});
  }

  const std::span<const uint8_t> file_;
  const std::optional<uint64_t> next_;
  const InspectOptions options_;
  Inspection inspection_;
  uint64_t search_left_;
  uint64_t position_ = 0;
  uint64_t first_ = 0, last_ = 0;  // sequence numbers
  bool header_whole_ = false, closed_ = false, torn_ = false;
  uint64_t batches_ = 0, samples_ = 0, lost_ = 0, zero_bytes_ = 0, broken_bytes_ = 0;
  Timestamp time_first_ = kTimestampMax, time_last_ = kTimestampMin;
  std::string why_none_;
  std::vector<Gap> broken_at_, gaps_;
  std::vector<std::pair<uint64_t, uint64_t>> durable_;  // offset of a batch, and what it knew
  std::vector<Timestamp> times_;
  std::vector<double> values_;
};

}  // namespace

Inspection InspectLog(std::span<const uint8_t> file, std::optional<uint64_t> first,
                      std::optional<uint64_t> next, const InspectOptions& options) {
  return LogInspector(file, next, options).Run(first);
}

}  // namespace tsdb::tools
