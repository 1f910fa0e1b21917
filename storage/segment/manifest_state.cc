#include "storage/segment/manifest_state.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/coding.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"

namespace tsdb::segment {
namespace {

enum Field : uint8_t {
  kAddSegment = 1,
  kRemoveSegment = 2,
  kLogBegin = 3,
  kNextFileNumber = 4,
  kSeriesCheckpoint = 5,
  kCleanShutdown = 6,
  kAddTombstone = 7,
  kRemoveTombstone = 8,
};

// Where a snapshot is cut into edits: a damaged one then costs little to look for.
constexpr size_t kSnapshotEditBytes = size_t{64} << 10;

absl::Status Broken(std::string_view rule) { return absl::InvalidArgumentError(ToAbsl(rule)); }

// Reads the fields of one edit and applies them as it goes.
class EditReader {
 public:
  EditReader(std::span<const uint8_t> edit, ManifestState* state) : from_(edit), state_(state) {}

  absl::Status ApplyAll() {
    while (!from_.empty()) {
      const size_t at = from_.position();
      absl::Status status = ApplyField();
      if (!status.ok()) {
        return Broken(absl::StrCat("byte ", at, " of the edit: ", status.message()));
      }
    }
    return CheckNumbers();
  }

 private:
  template <typename... Values>
  bool ReadVarints(Values*... values) {
    return (from_.ReadVarint64(values) && ...);
  }
  bool ReadZigZag(int64_t* value) {
    uint64_t bits;
    if (!from_.ReadVarint64(&bits)) return false;
    *value = UnZigZag(bits);
    return true;
  }

  absl::Status ApplyField() {
    uint8_t field;
    if (!from_.ReadByte(&field)) return CutShort();
    switch (field) {
      case kAddSegment:
        return AddSegment();
      case kRemoveSegment:
        return Remove("segment", &state_->segments);
      case kLogBegin:
        return Raise("the log's begin", &state_->log_begin);
      case kNextFileNumber:
        return Raise("the next file number", &state_->next_file_number);
      case kSeriesCheckpoint: {
        SeriesCheckpoint checkpoint;
        if (!ReadVarints(&checkpoint.file, &checkpoint.series)) return CutShort();
        state_->series_checkpoint = checkpoint;
        return absl::OkStatus();
      }
      case kCleanShutdown: {
        CleanShutdown shutdown;
        if (!ReadVarints(&shutdown.log_sequence, &shutdown.records, &shutdown.series)) {
          return CutShort();
        }
        state_->clean_shutdown = shutdown;
        return absl::OkStatus();
      }
      case kAddTombstone:
        return AddTombstone();
      case kRemoveTombstone:
        return Remove("tombstone", &state_->tombstones);
      default:
        return Broken(absl::StrCat("a field of unknown kind ", static_cast<int>(field)));
    }
  }

  absl::Status AddSegment() {
    LiveSegment segment;
    uint64_t span;
    if (!ReadVarints(&segment.number, &segment.bytes, &segment.records) ||
        !ReadZigZag(&segment.time_first) || !ReadVarints(&span)) {
      return CutShort();
    }
    segment.time_last = static_cast<Timestamp>(static_cast<uint64_t>(segment.time_first) + span);
    if (segment.time_last < segment.time_first) {
      return Broken(absl::StrCat("segment ", segment.number, " ends before it begins"));
    }
    if (!state_->segments.emplace(segment.number, segment).second) {
      return Broken(absl::StrCat("segment ", segment.number, " is there already"));
    }
    return absl::OkStatus();
  }

  absl::Status AddTombstone() {
    Tombstone tombstone;
    uint64_t length;
    std::span<const uint8_t> series_set;
    if (!ReadVarints(&tombstone.sequence) || !ReadZigZag(&tombstone.range.begin) ||
        !ReadZigZag(&tombstone.range.end) || !ReadVarints(&length) ||
        !from_.ReadBytes(length, &series_set)) {
      return CutShort();
    }
    if (tombstone.range.Empty()) {
      return Broken(absl::StrCat("tombstone ", tombstone.sequence, " has an empty range"));
    }
    tombstone.series_set.assign(series_set.begin(), series_set.end());
    const uint64_t sequence = tombstone.sequence;
    if (!state_->tombstones.emplace(sequence, std::move(tombstone)).second) {
      return Broken(absl::StrCat("tombstone ", sequence, " is there already"));
    }
    return absl::OkStatus();
  }

  template <typename Map>
  absl::Status Remove(std::string_view what, Map* from) {
    uint64_t key;
    if (!ReadVarints(&key)) return CutShort();
    if (from->erase(key) == 1) return absl::OkStatus();
    return Broken(absl::StrCat(ToAbsl(what), " ", key, " is to be removed but is not there"));
  }

  absl::Status Raise(std::string_view what, uint64_t* value) {
    uint64_t raised;
    if (!ReadVarints(&raised)) return CutShort();
    if (raised < *value) {
      return Broken(absl::StrCat(ToAbsl(what), " would fall from ", *value, " to ", raised));
    }
    *value = raised;
    return absl::OkStatus();
  }

  absl::Status CheckNumbers() const {
    const uint64_t next = state_->next_file_number;
    if (!state_->segments.empty() && state_->segments.rbegin()->first >= next) {
      return Broken(absl::StrCat("segment ", state_->segments.rbegin()->first,
                                 " is not below the next file number, ", next));
    }
    if (state_->series_checkpoint && state_->series_checkpoint->file >= next) {
      return Broken(absl::StrCat("series checkpoint ", state_->series_checkpoint->file,
                                 " is not below the next file number, ", next));
    }
    return absl::OkStatus();
  }

  static absl::Status CutShort() { return Broken("a field is cut short or malformed"); }

  ByteReader from_;
  ManifestState* const state_;
};

template <typename... Values>
void AppendField(std::vector<uint8_t>* to, Field field, Values... values) {
  to->push_back(field);
  (AppendVarint64(to, values), ...);
}

}  // namespace

ManifestEdit& ManifestEdit::AddSegment(const LiveSegment& segment) {
  AppendField(&bytes_, kAddSegment, segment.number, segment.bytes, segment.records,
              ZigZag(segment.time_first),
              static_cast<uint64_t>(segment.time_last) - static_cast<uint64_t>(segment.time_first));
  return *this;
}

ManifestEdit& ManifestEdit::RemoveSegment(uint64_t number) {
  AppendField(&bytes_, kRemoveSegment, number);
  return *this;
}

ManifestEdit& ManifestEdit::TruncateLogBefore(uint64_t sequence) {
  AppendField(&bytes_, kLogBegin, sequence);
  return *this;
}

ManifestEdit& ManifestEdit::SetNextFileNumber(uint64_t number) {
  AppendField(&bytes_, kNextFileNumber, number);
  return *this;
}

ManifestEdit& ManifestEdit::SetSeriesCheckpoint(const SeriesCheckpoint& checkpoint) {
  AppendField(&bytes_, kSeriesCheckpoint, checkpoint.file, checkpoint.series);
  return *this;
}

ManifestEdit& ManifestEdit::MarkCleanShutdown(const CleanShutdown& shutdown) {
  AppendField(&bytes_, kCleanShutdown, shutdown.log_sequence, shutdown.records, shutdown.series);
  return *this;
}

ManifestEdit& ManifestEdit::AddTombstone(const Tombstone& tombstone) {
  AppendField(&bytes_, kAddTombstone, tombstone.sequence, ZigZag(tombstone.range.begin),
              ZigZag(tombstone.range.end), uint64_t{tombstone.series_set.size()});
  bytes_.insert(bytes_.end(), tombstone.series_set.begin(), tombstone.series_set.end());
  return *this;
}

ManifestEdit& ManifestEdit::RemoveTombstone(uint64_t sequence) {
  AppendField(&bytes_, kRemoveTombstone, sequence);
  return *this;
}

absl::Status ApplyEdit(std::span<const uint8_t> edit, ManifestState* state) {
  state->clean_shutdown.reset();
  return EditReader(edit, state).ApplyAll();
}

std::vector<ManifestEdit> SnapshotEdits(const ManifestState& state) {
  std::vector<ManifestEdit> edits(1);
  const auto edit = [&]() -> ManifestEdit& {
    if (edits.back().bytes().size() >= kSnapshotEditBytes) edits.emplace_back();
    return edits.back();
  };
  // First, since all numbers are to lie below it at the end of each edit.
  edit().SetNextFileNumber(state.next_file_number).TruncateLogBefore(state.log_begin);
  if (state.series_checkpoint) edit().SetSeriesCheckpoint(*state.series_checkpoint);
  for (const auto& [number, segment] : state.segments) edit().AddSegment(segment);
  for (const auto& [sequence, tombstone] : state.tombstones) {
    // A large one goes alone, so that no edit passes the limit that its own edit kept.
    if (edits.back().bytes().size() + tombstone.series_set.size() > kSnapshotEditBytes) {
      edits.emplace_back();
    }
    edit().AddTombstone(tombstone);
  }
  // Last, since any edit after it would end it; never in a large tombstone's edit.
  if (state.clean_shutdown) {
    if (edits.back().bytes().size() + 32 > kSnapshotEditBytes) edits.emplace_back();
    edits.back().MarkCleanShutdown(*state.clean_shutdown);
  }
  return edits;
}

}  // namespace tsdb::segment
