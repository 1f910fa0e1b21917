// Manifests that are not as they were written. What was acknowledged comes back or is reported.
#include <algorithm>
#include <catch2/catch.hpp>

#include "storage/base/coding.h"
#include "storage/base/crc32c.h"
#include "test/faults/memory_file_system.h"
#include "test/storage/segment/manifests.h"
#include "test/storage/segment/status_text.h"

namespace tsdb::segment {
namespace {

using Bytes = std::vector<uint8_t>;

// A manifest to which all sample edits were appended, and where each record begins.
class Written {
 public:
  Written() : files_({kManifestDirectory}), states_(StatesAfter(SampleEdits())) {
    auto manifest = *Manifest::Create(&files_, kManifestDirectory, kIdentity);
    for (const ManifestEdit& edit : SampleEdits()) {
      places_.push_back(manifest->bytes());
      REQUIRE(manifest->Apply(edit).ok());
    }
    bytes_ = files_.Content(kManifestPath);
    places_.push_back(bytes_.size());
  }
  const Bytes& bytes() const { return bytes_; }
  const std::vector<ManifestState>& states() const { return states_; }
  // Of the i-th edit's record; of the end for i = edits.
  const std::vector<size_t>& places() const { return places_; }
  size_t last() const { return places_.size() - 2; }  // edit

 private:
  MemoryFileSystem files_;
  std::vector<ManifestState> states_;
  std::vector<size_t> places_;
  Bytes bytes_;
};

TEST_CASE("manifest: a flip in any byte loses nothing and is told", "[manifest]") {
  const Written written;
  for (size_t at = 0; at < written.bytes().size(); ++at) {
    for (const uint8_t mask : {0x01, 0x10, 0x80, 0xff}) {
      CAPTURE(at, mask);
      Bytes bytes = written.bytes();
      bytes[at] ^= mask;
      const auto replay = ReplayManifest(bytes, kManifestPath);
      REQUIRE(replay.ok());
      REQUIRE(replay->state == written.states().back());
      REQUIRE(replay->damaged_copies == 1);
      REQUIRE(replay->torn_bytes == 0);
    }
  }
}

TEST_CASE("manifest: opening heals a damaged copy", "[manifest]") {
  const Written written;
  MemoryFileSystem files({kManifestDirectory});
  Bytes bytes = written.bytes();
  bytes[written.places()[2] + 5] ^= 1;
  files.SetContent(kManifestPath, bytes);
  CHECK((*Manifest::Open(&files, kManifestDirectory))->damaged_copies() == 1);
  CHECK((*Manifest::Open(&files, kManifestDirectory))->damaged_copies() == 0);
}

TEST_CASE("manifest: both copies damaged in the middle is data loss there", "[manifest]") {
  const Written written;
  for (size_t edit = 0; edit < written.last(); ++edit) {
    const size_t begin = written.places()[edit], size = written.places()[edit + 1] - begin;
    for (size_t at = 0; at < size / 2; ++at) {
      CAPTURE(edit, at);
      Bytes bytes = written.bytes();
      bytes[begin + at] ^= 0x20;
      bytes[begin + size / 2 + at] ^= 0x20;
      const absl::Status status = ReplayManifest(bytes, kManifestPath).status();
      REQUIRE(absl::IsDataLoss(status));
      REQUIRE(Contains(status, kManifestPath));
      REQUIRE(Contains(status, "offset " + std::to_string(begin)));
    }
  }
}

TEST_CASE("manifest: both copies of the last edit torn is an edit that never was", "[manifest]") {
  const Written written;
  const size_t begin = written.places()[written.last()];
  const size_t size = written.bytes().size() - begin;
  for (size_t at = 0; at < size / 2; ++at) {
    Bytes bytes = written.bytes();
    bytes[begin + at] ^= 0x20;
    bytes[begin + size / 2 + at] ^= 0x20;
    const auto replay = ReplayManifest(bytes, kManifestPath);
    REQUIRE(replay.ok());
    REQUIRE(replay->state == written.states()[written.last()]);
    REQUIRE(replay->torn_bytes == size);
  }
}

TEST_CASE("manifest: cut at any length it has the edits before", "[manifest]") {
  const Written written;
  for (size_t length = 0; length < written.bytes().size(); ++length) {
    CAPTURE(length);
    const auto replay = ReplayManifest(std::span(written.bytes()).first(length), kManifestPath);
    if (length < written.places()[0]) {
      REQUIRE(absl::IsDataLoss(replay.status()));
      continue;
    }
    // An edit is there as soon as its first copy is.
    size_t edits = 0;
    while (edits < written.last() + 1 &&
           (written.places()[edits] + written.places()[edits + 1]) / 2 <= length) {
      ++edits;
    }
    REQUIRE(replay.ok());
    REQUIRE(replay->state == written.states()[edits]);
  }
}

TEST_CASE("manifest: what was put in place as a whole cannot be torn", "[manifest]") {
  MemoryFileSystem files({kManifestDirectory});
  const Written written;
  files.SetContent(kManifestPath, written.bytes());
  REQUIRE(Manifest::Open(&files, kManifestDirectory).ok());  // writes it anew
  const Bytes bytes = files.Content(kManifestPath);
  for (size_t length = 0; length < bytes.size(); ++length) {
    REQUIRE(
        absl::IsDataLoss(ReplayManifest(std::span(bytes).first(length), kManifestPath).status()));
  }
}

TEST_CASE("manifest: zeros or noise after the last edit are a torn append", "[manifest]") {
  const Written written;
  for (const size_t more : {1, 8, 100, 4096, 65536}) {
    for (const bool noise : {false, true}) {
      Bytes bytes = written.bytes();
      uint64_t state = more;
      for (size_t i = 0; i < more; ++i) {
        state = state * 6364136223846793005 + 1442695040888963407;
        bytes.push_back(noise ? static_cast<uint8_t>(state >> 56) : 0);
      }
      const auto replay = ReplayManifest(bytes, kManifestPath);
      REQUIRE(replay.ok());
      CHECK(replay->state == written.states().back());
      CHECK(replay->torn_bytes == more);
    }
  }
}

TEST_CASE("manifest: an unknown version is refused by name", "[manifest]") {
  const Written written;
  Bytes bytes = written.bytes();
  for (const size_t copy : {size_t{0}, kManifestHeaderBytes}) {
    PutFixed32(bytes.data() + copy + 32, 2);
    PutFixed32(bytes.data() + copy + 36, crc32c::Compute(std::span(bytes).subspan(copy, 36)));
  }
  const absl::Status status = ReplayManifest(bytes, kManifestPath).status();
  CHECK(absl::IsUnimplemented(status));
  CHECK(Contains(status, "version 2"));
}

TEST_CASE("manifest: forged edits with fitting checksums break no rule", "[manifest]") {
  const auto edits = SampleEdits();
  ManifestState empty;
  empty.identity = kIdentity;
  uint64_t next;
  const Bytes base = EncodeManifest(empty, &next);
  size_t accepted = 0, refused = 0;
  for (const ManifestEdit& edit : edits) {
    for (size_t at = 0; at <= edit.bytes().size(); ++at) {
      for (const uint8_t value : {0x00, 0x01, 0x08, 0x09, 0x7f, 0x80, 0xff}) {
        Bytes forged(edit.bytes().begin(), edit.bytes().end());
        if (at == forged.size()) forged.push_back(0);
        forged[at] = value;
        Bytes bytes = base;
        AppendManifestRecord(next, forged, &bytes);
        const auto replay = ReplayManifest(bytes, kManifestPath);
        if (!replay.ok()) {
          REQUIRE(absl::IsDataLoss(replay.status()));
          ++refused;
          continue;
        }
        ++accepted;
        for (const auto& [number, segment] : replay->state.segments) {
          REQUIRE(number < replay->state.next_file_number);
          REQUIRE(segment.time_first <= segment.time_last);
        }
      }
    }
  }
  CHECK(accepted > 100);
  CHECK(refused > 300);
}

TEST_CASE("manifest: a file made to be searched is given up in time", "[manifest]") {
  ManifestState empty;
  uint64_t next;
  Bytes bytes = EncodeManifest(empty, &next);
  // Each 16 bytes claim to be a record of 8 MiB with the sequence that is looked for.
  const size_t start = bytes.size();
  bytes.resize(start + (size_t{12} << 20));
  for (size_t at = start; at + 16 <= bytes.size(); at += 16) {
    PutFixed32(bytes.data() + at + 4, 8 << 20);
    PutFixed64(bytes.data() + at + 8, next + 1);
  }
  CHECK(absl::IsDataLoss(ReplayManifest(bytes, kManifestPath).status()));
}

}  // namespace
}  // namespace tsdb::segment
