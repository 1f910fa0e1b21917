#include "storage/segment/manifest_format.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/base/crc32c.h"
#include "storage/base/status_macros.h"
#include "storage/base/string_view_bridge.h"
#include "storage/segment/segment_format.h"

namespace tsdb::segment {
namespace {

constexpr std::string_view kMagic = "tsdbmani";
constexpr size_t kHeaderCopyCrcAt = 36;
constexpr uint64_t kFirstSequence = 1;
// What a search through damage may spend on checksums.
constexpr uint64_t kSearchBytesMax = uint64_t{256} << 20;

struct Header {
  DatabaseIdentity identity;
  uint64_t base_length;
  uint32_t version;
};

void AppendHeaderCopy(const Header& header, std::vector<uint8_t>* to) {
  const size_t start = to->size();
  to->insert(to->end(), kMagic.begin(), kMagic.end());
  to->insert(to->end(), header.identity.begin(), header.identity.end());
  AppendFixed64(to, header.base_length);
  AppendFixed32(to, header.version);
  AppendFixed32(to, crc32c::Compute(std::span(*to).subspan(start)));
  TSDB_CHECK(to->size() - start == kManifestHeaderBytes);
}

std::optional<Header> ParseHeaderCopy(std::span<const uint8_t> bytes) {
  if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0 ||
      crc32c::Compute(bytes.first(kHeaderCopyCrcAt)) !=
          GetFixed32(bytes.data() + kHeaderCopyCrcAt)) {
    return std::nullopt;
  }
  Header header;
  std::copy_n(bytes.data() + 8, header.identity.size(), header.identity.begin());
  header.base_length = GetFixed64(bytes.data() + 24);
  header.version = GetFixed32(bytes.data() + 32);
  return header;
}

// One copy of a record, whole and checked.
struct RecordCopy {
  uint64_t bytes;  // with head and padding
  uint64_t sequence;
  std::span<const uint8_t> edit;
};

class Replayer {
 public:
  Replayer(std::span<const uint8_t> file, const std::string& path) : file_(file), path_(path) {}

  absl::StatusOr<ManifestReplay> Run() {
    TSDB_RETURN_IF_ERROR(ReadHeader());
    while (place_ < file_.size()) {
      uint64_t next = 0;
      const std::optional<RecordCopy> record = FindRecord(&next);
      if (!record) {
        TSDB_RETURN_IF_ERROR(CheckTorn());
        replay_.torn_bytes += file_.size() - place_;
        break;
      }
      if (absl::Status status = ApplyEdit(record->edit, &replay_.state); !status.ok()) {
        return Damaged(absl::StrCat("edit ", sequence_, ": ", status.message()));
      }
      ++sequence_;
      place_ = next;
    }
    // Every edit of the file as it was put in place was synced before.
    if (place_ < base_length_) return Damaged("the file was cut short");
    return std::move(replay_);
  }

 private:
  absl::Status Damaged(std::string_view what) const {
    return absl::DataLossError(
        absl::StrCat("manifest '", path_, "', offset ", place_, ": ", ToAbsl(what),
                     "; restore the file from a backup: without it nothing says which segments "
                     "are live"));
  }

  absl::Status ReadHeader() {
    if (file_.size() < 2 * kManifestHeaderBytes) return Damaged("the file was cut short");
    const std::span<const uint8_t> copies[] = {
        file_.first(kManifestHeaderBytes),
        file_.subspan(kManifestHeaderBytes, kManifestHeaderBytes)};
    const std::optional<Header> first = ParseHeaderCopy(copies[0]);
    const std::optional<Header> header = first ? first : ParseHeaderCopy(copies[1]);
    if (!header) return Damaged("neither of its headers is whole");
    if (header->version != kManifestVersion) {
      return absl::UnimplementedError(absl::StrCat(
          "manifest '", path_, "' has format version ", header->version,
          "; this program reads version ", kManifestVersion, ", a newer one wrote the file"));
    }
    if (!std::equal(copies[0].begin(), copies[0].end(), copies[1].begin())) {
      ++replay_.damaged_copies;
    }
    replay_.state.identity = header->identity;
    base_length_ = header->base_length;
    place_ = 2 * kManifestHeaderBytes;
    return absl::OkStatus();
  }

  // A copy that begins at `place`, whole, with a sequence in [first, last], and, if `bytes` is not
  // 0, of that size.
  std::optional<RecordCopy> CopyAt(uint64_t place, uint64_t first, uint64_t last,
                                   uint64_t bytes = 0) {
    if (file_.size() - place < kManifestRecordHeadBytes) return std::nullopt;
    const std::span<const uint8_t> rest = file_.subspan(place);
    const uint64_t length = GetFixed32(rest.data() + 4);
    const uint64_t size = kManifestRecordHeadBytes + PaddedTo8(length);
    const uint64_t sequence = GetFixed64(rest.data() + 8);
    if (length > kManifestEditBytesMax || size > rest.size() || sequence < first ||
        sequence > last || (bytes != 0 && size != bytes) || size > search_left_) {
      return std::nullopt;
    }
    if (crc32c::Compute(rest.subspan(4, size - 4)) != GetFixed32(rest.data())) {
      search_left_ -= size;  // of whole copies there are no more than the file has bytes
      return std::nullopt;
    }
    const std::span<const uint8_t> padding =
        rest.subspan(kManifestRecordHeadBytes + length, size - kManifestRecordHeadBytes - length);
    if (std::any_of(padding.begin(), padding.end(), [](uint8_t byte) { return byte != 0; })) {
      return std::nullopt;
    }
    return RecordCopy{size, sequence, rest.subspan(kManifestRecordHeadBytes, length)};
  }

  // The record at place_, from whichever copy is whole, and where the next one begins.
  std::optional<RecordCopy> FindRecord(uint64_t* next) {
    if (const auto first = CopyAt(place_, sequence_, sequence_)) {
      const uint64_t second = place_ + first->bytes;
      const uint64_t there = std::min<uint64_t>(first->bytes, file_.size() - second);
      *next = second + there;
      if (there < first->bytes) {
        replay_.torn_bytes += there;
        if (there == 0) ++replay_.damaged_copies;
      } else if (std::memcmp(&file_[place_], &file_[second], there) != 0) {
        ++replay_.damaged_copies;
      }
      return first;
    }
    // The first copy's length cannot be trusted: the second one begins where its own length says
    // that a first one of the same length would have ended.
    for (uint64_t place = place_ + kManifestRecordHeadBytes; place < file_.size(); place += 8) {
      if (place - place_ > kManifestRecordHeadBytes + kManifestEditBytesMax) break;
      if (const auto second = CopyAt(place, sequence_, sequence_, place - place_)) {
        ++replay_.damaged_copies;
        *next = place + second->bytes;
        return second;
      }
    }
    return std::nullopt;
  }

  // Nothing whole is at place_: OK if that can be a torn append.
  absl::Status CheckTorn() {
    if (place_ < base_length_) return Damaged("neither copy of an edit is whole");
    // What follows a torn append was never written.
    const uint64_t last = sequence_ + (file_.size() - place_) / kManifestRecordHeadBytes;
    for (uint64_t place = place_ + 8; place < file_.size(); place += 8) {
      if (CopyAt(place, sequence_ + 1, last)) {
        return Damaged(absl::StrCat(
            "neither copy of an edit is whole, but a later edit, at offset ", place, ", is"));
      }
    }
    if (search_left_ < kManifestRecordHeadBytes + kManifestEditBytesMax) {
      return Damaged("what is there was made to look like many edits");
    }
    return absl::OkStatus();
  }

  const std::span<const uint8_t> file_;
  const std::string& path_;
  ManifestReplay replay_;
  uint64_t base_length_ = 0;
  uint64_t place_ = 0;
  uint64_t sequence_ = kFirstSequence;
  uint64_t search_left_ = kSearchBytesMax;
};

}  // namespace

void AppendManifestRecord(uint64_t sequence, std::span<const uint8_t> edit,
                          std::vector<uint8_t>* to) {
  TSDB_CHECK(edit.size() <= kManifestEditBytesMax);
  std::vector<uint8_t> covered;  // by the checksum
  covered.reserve(kManifestRecordHeadBytes + edit.size() + 8);
  AppendFixed32(&covered, static_cast<uint32_t>(edit.size()));
  AppendFixed64(&covered, sequence);
  covered.insert(covered.end(), edit.begin(), edit.end());
  covered.resize(kManifestRecordHeadBytes - 4 + PaddedTo8(edit.size()));
  for (int copy = 0; copy < 2; ++copy) {
    AppendFixed32(to, crc32c::Compute(covered));
    to->insert(to->end(), covered.begin(), covered.end());
  }
}

std::vector<uint8_t> EncodeManifest(const ManifestState& state, uint64_t* next_sequence) {
  std::vector<uint8_t> records;
  *next_sequence = kFirstSequence;
  for (const ManifestEdit& edit : SnapshotEdits(state)) {
    AppendManifestRecord((*next_sequence)++, edit.bytes(), &records);
  }
  std::vector<uint8_t> file;
  file.reserve(2 * kManifestHeaderBytes + records.size());
  const Header header{state.identity, 2 * kManifestHeaderBytes + records.size(), kManifestVersion};
  AppendHeaderCopy(header, &file);
  AppendHeaderCopy(header, &file);
  file.insert(file.end(), records.begin(), records.end());
  return file;
}

absl::StatusOr<ManifestReplay> ReplayManifest(std::span<const uint8_t> file,
                                              const std::string& path) {
  return Replayer(file, path).Run();
}

}  // namespace tsdb::segment
