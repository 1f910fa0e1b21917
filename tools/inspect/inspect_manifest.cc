#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/coding.h"
#include "storage/base/crc32c.h"
#include "storage/segment/manifest_format.h"
#include "storage/segment/manifest_state.h"
#include "storage/segment/segment_format.h"
#include "tools/inspect/inspection.h"
#include "tools/number_text.h"

namespace tsdb::tools {
namespace {

using segment::kManifestHeaderBytes;
using segment::kManifestRecordHeadBytes;

constexpr std::string_view kMagic = "tsdbmani";
constexpr size_t kIdentityAt = 8, kIdentityBytes = 16, kBaseLengthAt = 24, kVersionAt = 32;
constexpr size_t kHeaderCrcAt = 36;

// What the fields of an edit are: docs/formats/manifest.md. `v`: a varint, `z`: zigzag, `b`: bytes.
struct FieldKind {
  const char* name;
  const char* values;       // one letter each
  const char* value_names;  // separated by blanks
};
constexpr FieldKind kFields[] = {
    {"add segment", "vvvzv", "number bytes samples time_first span"},
    {"remove segment", "v", "number"},
    {"log needed from batch", "v", "sequence"},
    {"next file number", "v", "number"},
    {"series checkpoint", "vv", "file series"},
    {"clean shutdown", "vvv", "log_sequence samples series"},
    {"add tombstone", "vzzb", "sequence begin end series_set"},
    {"remove tombstone", "v", "sequence"},
};

// The next field in words, or an empty text if it is none.
std::string DescribeField(ByteReader& reader) {
  uint8_t number;
  if (!reader.ReadByte(&number) || number == 0 || number > std::size(kFields)) return "";
  const FieldKind& kind = kFields[number - 1];
  std::string text = kind.name;
  const bool single = kind.values[1] == '\0';
  std::string_view names = kind.value_names;
  for (const char* each = kind.values; *each != '\0'; ++each) {
    const std::string_view name = names.substr(0, names.find(' '));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    uint64_t value;
    if (!reader.ReadVarint64(&value)) return "";
    text += ' ';
    if (!single) absl::StrAppend(&text, std::string(name), "=");
    if (*each == 'z') {
      absl::StrAppend(&text, UnZigZag(value));
    } else if (*each == 'v') {
      absl::StrAppend(&text, value);
    } else {
      std::span<const uint8_t> bytes;
      if (!reader.ReadBytes(value, &bytes)) return "";
      absl::StrAppend(&text, value, " bytes");
    }
  }
  return text;
}

struct Header {
  bool whole = false;
  std::string identity;
  uint64_t base_length = 0;
  uint32_t version = 0;
};

Header ReadHeader(std::span<const uint8_t> bytes) {
  Header header;
  header.whole =
      std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0 &&
      crc32c::Compute(bytes.first(kHeaderCrcAt)) == GetFixed32(bytes.data() + kHeaderCrcAt);
  for (size_t i = 0; i < kIdentityBytes; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    const uint8_t byte = bytes[kIdentityAt + i];
    header.identity += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  header.base_length = GetFixed64(bytes.data() + kBaseLengthAt);
  header.version = GetFixed32(bytes.data() + kVersionAt);
  return header;
}

// One whole copy of an edit.
struct EditCopy {
  uint64_t bytes = 0;  // with head and padding
  uint64_t sequence = 0;
  std::span<const uint8_t> edit;
};

class ManifestInspector {
 public:
  ManifestInspector(std::span<const uint8_t> file, const InspectOptions& options)
      : file_(file), options_(options), search_left_(kSearchFactor * file.size()) {
    inspection_.tables.push_back(
        {"headers", {"offset", "bytes", "state", "identity", "base_length", "version"}, {}, 0});
    inspection_.tables.push_back(
        {"edits", {"offset", "bytes", "state", "sequence", "field"}, {}, 0});
    inspection_.tables[1].dispensable = {"bytes"};
    inspection_.tables[1].last_is_long = true;
    inspection_.tables.push_back({"segments", {"number", "bytes", "samples", "from", "to"}, {}, 0});
  }

  Inspection Run() {
    inspection_.figures = {BytesFigure("bytes", file_.size())};
    if (!ReadHeaders()) return std::move(inspection_);
    for (uint64_t place = 2 * kManifestHeaderBytes; place < file_.size();) {
      place = TakeRecord(place);
    }
    AddVerdict();
    return std::move(inspection_);
  }

 private:
  void AddFinding(uint64_t offset, std::string reason) {
    inspection_.findings.push_back({offset, std::move(reason)});
  }

  bool ReadHeaders() {
    if (file_.size() < 2 * kManifestHeaderBytes) {
      AddFinding(0, absl::StrCat("the file has ", file_.size(), " bytes, its two headers have ",
                                 2 * kManifestHeaderBytes));
      return false;
    }
    Header known;
    for (int i = 0; i < 2; ++i) {
      const uint64_t place = i * kManifestHeaderBytes;
      const Header header = ReadHeader(file_.subspan(place, kManifestHeaderBytes));
      const bool differs = header.whole && known.whole &&
                           std::memcmp(file_.data(), file_.data() + place, kManifestHeaderBytes);
      inspection_.tables[0].Add(
          {{"", place, ""},
           BytesFigure("", kManifestHeaderBytes),
           {"", std::string(header.whole ? "whole" : "damaged"), ""},
           {"", header.whole ? header.identity : std::string(), ""},
           header.whole ? Figure{"", header.base_length, ""} : BlankFigure(),
           header.whole ? Figure{"", uint64_t{header.version}, ""} : BlankFigure()},
          options_.limit);
      if (!header.whole) AddFinding(place, "the header is not what was written");
      if (differs) AddFinding(place, "the two headers differ");
      if (header.whole && !known.whole) known = header;
    }
    if (!known.whole) return false;
    base_length_ = known.base_length;
    inspection_.figures.push_back({"version", uint64_t{known.version}, ""});
    inspection_.figures.push_back({"identity", known.identity, ""});
    if (known.version == segment::kManifestVersion) return true;
    AddFinding(0, absl::StrCat("format version ", known.version, "; this program reads version ",
                               segment::kManifestVersion));
    return false;
  }

  // A whole copy at `place`.
  std::optional<EditCopy> CopyAt(uint64_t place) {
    if (place > file_.size() || file_.size() - place < kManifestRecordHeadBytes) {
      return std::nullopt;
    }
    const std::span<const uint8_t> rest = file_.subspan(place);
    const uint64_t length = GetFixed32(rest.data() + 4);
    const uint64_t size = kManifestRecordHeadBytes + segment::PaddedTo8(length);
    if (length > segment::kManifestEditBytesMax || size > rest.size() || size > search_left_) {
      return std::nullopt;
    }
    if (crc32c::Compute(rest.subspan(4, size - 4)) != GetFixed32(rest.data())) {
      search_left_ -= size;
      return std::nullopt;
    }
    return EditCopy{size, GetFixed64(rest.data() + 8),
                    rest.subspan(kManifestRecordHeadBytes, length)};
  }

  // Takes the record at `place`, or the stretch without a whole copy there; returns its end.
  uint64_t TakeRecord(uint64_t place) {
    std::optional<EditCopy> copy = CopyAt(place);
    uint64_t at = place;
    if (!copy.has_value()) {
      for (at += 8; at < file_.size() && !copy.has_value(); at += 8) copy = CopyAt(at);
      if (copy.has_value()) at -= 8;
      at = std::min<uint64_t>(at, file_.size());
      // The second copy of a record that the first is gone of begins as far behind as it is long.
      const bool half =
          copy.has_value() && at - place == copy->bytes && copy->sequence == last_sequence_ + 1;
      if (half) {
        AddFinding(place, absl::StrCat("the first copy of edit ", copy->sequence,
                                       " is not what was written"));
        AddEdit(place, at + copy->bytes - place, "first copy damaged", *copy);
        return at + copy->bytes;
      }
      AddStretch(place, at);
      if (!copy.has_value()) return at;
    }
    const uint64_t second = at + copy->bytes;
    const std::optional<EditCopy> other = CopyAt(second);
    if (other.has_value() && other->sequence == copy->sequence) {
      AddEdit(at, 2 * copy->bytes, "whole", *copy);
      return second + other->bytes;
    }
    const uint64_t there = std::min<uint64_t>(copy->bytes, file_.size() - second);
    if (there < copy->bytes) {
      // The tail of the file: torn while it was appended, and never acknowledged.
      torn_bytes_ += there;
      AddEdit(at, copy->bytes + there, "second copy torn", *copy);
      if (at < base_length_ || there == 0) {
        AddFinding(second, absl::StrCat("the second copy of edit ", copy->sequence, " is cut off"));
      }
      return file_.size();
    }
    AddFinding(second, absl::StrCat("the second copy of edit ", copy->sequence,
                                    " is not what was written"));
    AddEdit(at, 2 * copy->bytes, "second copy damaged", *copy);
    return second + there;
  }

  void AddStretch(uint64_t begin, uint64_t end) {
    const bool tail = end == file_.size() && begin >= base_length_;
    inspection_.tables[1].Add({{"", begin, ""},
                               BytesFigure("", end - begin),
                               {"", std::string(tail ? "torn" : "damaged"), ""},
                               BlankFigure(),
                               BlankFigure()},
                              options_.limit);
    if (tail) {
      torn_bytes_ += end - begin;
    } else {
      AddFinding(begin, absl::StrCat("neither copy of an edit is whole, ", end - begin, " bytes"));
    }
  }

  void AddEdit(uint64_t place, uint64_t bytes, const char* state, const EditCopy& copy) {
    ByteReader reader(copy.edit);
    bool readable = true;
    do {
      const size_t at = reader.position();
      std::string field = reader.empty() ? "nothing" : DescribeField(reader);
      readable = !field.empty();
      if (!readable) field = absl::StrCat("unreadable from byte ", at, " on");
      inspection_.tables[1].Add({{"", place, ""},
                                 BytesFigure("", bytes),
                                 {"", std::string(state), ""},
                                 {"", copy.sequence, ""},
                                 {"", std::move(field), ""}},
                                options_.limit);
    } while (readable && !reader.empty());
    if (copy.sequence != last_sequence_ + 1) {
      AddFinding(place, absl::StrCat("edit ", copy.sequence, " follows edit ", last_sequence_));
    }
    last_sequence_ = copy.sequence;
    ++edits_;
  }

  // What a reader of the whole makes of it.
  void AddVerdict() {
    const auto replay = segment::ReplayManifest(file_, "");
    inspection_.figures.push_back({"base_length", base_length_, ""});
    inspection_.figures.push_back({"edits", edits_, ""});
    inspection_.figures.push_back({"last_edit", last_sequence_, ""});
    inspection_.figures.push_back(BytesFigure("torn_bytes", torn_bytes_));
    inspection_.figures.push_back({"usable", replay.ok(), ""});
    if (!replay.ok()) {
      std::string reason(replay.status().message());
      // It names the file, which is known here.
      const size_t offset = TakeOffset(reason);
      AddFinding(offset, std::move(reason));
      return;
    }
    const segment::ManifestState& state = replay->state;
    inspection_.figures.push_back({"segments", uint64_t{state.segments.size()}, ""});
    inspection_.figures.push_back({"next_file_number", state.next_file_number, ""});
    inspection_.figures.push_back({"log_needed_from", state.log_begin, ""});
    inspection_.figures.push_back({"tombstones", uint64_t{state.tombstones.size()}, ""});
    if (state.series_checkpoint.has_value()) {
      inspection_.figures.push_back({"rest_segment", state.series_checkpoint->file, ""});
    }
    for (const auto& [number, live] : state.segments) {
      inspection_.tables[2].Add({{"", number, ""},
                                 BytesFigure("", live.bytes),
                                 {"", live.records, ""},
                                 live.records > 0 ? TimeFigure("", live.time_first) : BlankFigure(),
                                 live.records > 0 ? TimeFigure("", live.time_last) : BlankFigure()},
                                options_.limit);
    }
  }

  // Takes "manifest '', offset N: " off the front of a message; returns N.
  static uint64_t TakeOffset(std::string& reason) {
    constexpr std::string_view kFront = "manifest '', offset ";
    if (!reason.starts_with(kFront)) return 0;
    uint64_t offset = 0;
    size_t at = kFront.size();
    for (; at < reason.size() && reason[at] >= '0' && reason[at] <= '9'; ++at) {
      offset = 10 * offset + static_cast<uint64_t>(reason[at] - '0');
    }
    reason = "no reader can use the file: " + reason.substr(std::min(reason.size(), at + 2));
    return offset;
  }

  const std::span<const uint8_t> file_;
  const InspectOptions options_;
  Inspection inspection_;
  uint64_t search_left_;
  uint64_t base_length_ = 0, edits_ = 0, last_sequence_ = 0, torn_bytes_ = 0;
};

}  // namespace

Inspection InspectManifest(std::span<const uint8_t> file, const InspectOptions& options) {
  return ManifestInspector(file, options).Run();
}

}  // namespace tsdb::tools
