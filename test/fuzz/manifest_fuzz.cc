// Manifests: replaying a whole file.
//
// Mode: bit 0 makes magic numbers, versions, sequences and checksums right, with bit 1 also the
// second copy of every record the same as the first.
#include "storage/segment/manifest_format.h"
#include "storage/segment/segment_format.h"
#include "test/fuzz/fuzz_target.h"

namespace tsdb::fuzz {
namespace {

using segment::kManifestHeaderBytes;
using segment::kManifestRecordHeadBytes;

void RepairRecords(std::vector<uint8_t>& file, bool copies) {
  uint64_t place = 2 * kManifestHeaderBytes;
  for (uint64_t sequence = 1; file.size() >= place + kManifestRecordHeadBytes; ++sequence) {
    const uint64_t length = GetFixed32(file.data() + place + 4);
    const uint64_t size = kManifestRecordHeadBytes + segment::PaddedTo8(length);
    if (size > file.size() - place) return;
    PutFixed64(file.data() + place + 8, sequence);
    RepairChecksum(file, place, place + 4, place + size);
    if (size > file.size() - place - size) return;
    if (copies) std::copy_n(file.data() + place, size, file.data() + place + size);
    place += 2 * size;
  }
}

void Repair(std::vector<uint8_t>& file, bool copies) {
  if (file.size() < 2 * kManifestHeaderBytes) return;
  for (const size_t copy : {size_t{0}, kManifestHeaderBytes}) {
    std::copy_n("tsdbmani", 8, file.data() + copy);
    PutFixed32(file.data() + copy + 32, segment::kManifestVersion);
    RepairChecksum(file, copy + 36, copy, copy + 36);
  }
  RepairRecords(file, copies);
}

void Fuzz(uint8_t mode, std::span<const uint8_t> input) {
  std::vector<uint8_t> file(input.begin(), input.end());
  if ((mode & kRepair) != 0) Repair(file, (mode & 2) != 0);
  const ExactBytes exact(file);
  const auto replay = segment::ReplayManifest(exact.bytes(), "/db/manifest");
  if (!replay.ok()) {
    TSDB_CHECK(replay.status().code() == absl::StatusCode::kDataLoss ||
               replay.status().code() == absl::StatusCode::kUnimplemented);
    return;
  }
  TSDB_CHECK(replay->torn_bytes <= file.size());
  TSDB_CHECK(replay->damaged_copies <= file.size() / kManifestRecordHeadBytes);
  const segment::ManifestState& state = replay->state;
  for (const auto& [number, live] : state.segments) {
    TSDB_CHECK(number == live.number && number < state.next_file_number &&
               live.time_first <= live.time_last);
  }
  size_t set_bytes = 0;
  for (const auto& [sequence, tombstone] : state.tombstones) {
    TSDB_CHECK(sequence == tombstone.sequence && !tombstone.range.Empty());
    set_bytes += tombstone.series_set.size();
  }
  TSDB_CHECK(set_bytes + state.segments.size() <= file.size());

  // As it is written anew when it is opened: the same state, and nothing to heal.
  uint64_t next_sequence = 0;
  const std::vector<uint8_t> anew = segment::EncodeManifest(state, &next_sequence);
  const auto again = segment::ReplayManifest(anew, "/db/manifest");
  TSDB_CHECK(again.ok() && again->state == state);
  TSDB_CHECK(again->torn_bytes == 0 && again->damaged_copies == 0 && next_sequence > 1);
}

}  // namespace
}  // namespace tsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tsdb::fuzz::Input input(data, size);
  const uint8_t mode = input.Byte();
  tsdb::fuzz::Fuzz(mode, input.Rest());
  return 0;
}
