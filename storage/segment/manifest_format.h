// The manifest as bytes: what manifest.cc writes and how it is replayed. docs/formats/manifest.md
// is the format.
//
// Thread safety: functions only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/segment/manifest_state.h"

namespace tsdb::segment {

inline constexpr uint32_t kManifestVersion = 1;
inline constexpr size_t kManifestHeaderBytes = 40;  // of one of the two copies
inline constexpr size_t kManifestRecordHeadBytes = 16;
// Of one edit. Bounds what a forged length can make a reader do.
inline constexpr size_t kManifestEditBytesMax = size_t{16} << 20;

// Appends both copies of a record. REQUIRES: edit.size() <= kManifestEditBytesMax.
void AppendManifestRecord(uint64_t sequence, std::span<const uint8_t> edit,
                          std::vector<uint8_t>* to);

// A whole file that has `state`; the sequence of the next record goes to `next_sequence`. The same
// state gives the same bytes.
std::vector<uint8_t> EncodeManifest(const ManifestState& state, uint64_t* next_sequence);

struct ManifestReplay {
  ManifestState state;
  uint64_t torn_bytes = 0;      // at the end, of an edit that was never acknowledged
  uint64_t damaged_copies = 0;  // of headers and records whose other copy is whole
};

// kDataLoss names `path` (for messages only), the offset and what is wrong; kUnimplemented: a
// version of the future. Cost: one pass; over a file with damage bounded by a gigabyte of
// checksums.
absl::StatusOr<ManifestReplay> ReplayManifest(std::span<const uint8_t> file,
                                              const std::string& path);

}  // namespace tsdb::segment
