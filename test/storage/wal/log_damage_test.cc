// Damaged and foreign log files: found, described, and no worse than they are.
#include <algorithm>
#include <catch2/catch.hpp>

#include "storage/base/crc32c.h"
#include "storage/wal/log_format.h"
#include "storage/wal/log_reader.h"
#include "test/faults/fault_file_system.h"
#include "test/storage/wal/log_fixture.h"
#include "test/tsdb/threads.h"

namespace tsdb::wal {
namespace {

// A closed log of 12 batches in one file, then 8 in another.
void Fill(MemoryFileSystem& files, bool close) {
  for (int opening = 0; opening < 2; ++opening) {
    const Replayed opened = OpenLog(&files);
    const uint64_t first = opened.report.last_sequence + 1;
    AppendPayloads(*opened.log, first, first + (opening == 0 ? 11 : 7));
    REQUIRE(opened.log->AwaitDurable(first).ok());
    if (close || opening == 0) REQUIRE(opened.log->Close().ok());
  }
}

std::vector<std::string> Paths(MemoryFileSystem& files) {
  const auto names = files.List(kDirectory);
  REQUIRE(names.ok());
  std::vector<std::string> paths;
  for (const std::string& name : *names) paths.push_back(JoinPath(kDirectory, name));
  return paths;
}

TEST_CASE("log: a file cut at any length gives what lies before, and says what is gone", "[wal]") {
  MemoryFileSystem whole({kDirectory});
  Fill(whole, true);
  const size_t which = GENERATE(0u, 1u);
  const std::string path = Paths(whole)[which];
  const std::vector<uint8_t> content = whole.Content(path);
  for (size_t length = 0; length < content.size(); length += kSweepStep) {
    const auto files = whole.AfterProcessCrash();
    files->SetContent(path, {content.begin(), content.begin() + static_cast<ptrdiff_t>(length)});
    const Replayed opened = OpenLog(files.get());
    REQUIRE(opened.status.ok());
    RequireTrue(opened);
    // Of the last file a cut may be a crash; of an earlier one it cannot be.
    const size_t others = which == 0 ? 8 : 12;
    REQUIRE(opened.batches.size() >= others);
    if (which == 0) REQUIRE(!opened.report.damage.empty());
    if (which == 0) REQUIRE(opened.report.damage[0].file == path);
  }
}

TEST_CASE("log: any byte changed costs at most the batch that it is in", "[wal]") {
  MemoryFileSystem whole({kDirectory});
  Fill(whole, true);
  const size_t which = GENERATE(0u, 1u);
  const std::string path = Paths(whole)[which];
  std::vector<uint8_t> content = whole.Content(path);
  for (size_t at = 0; at < content.size(); at += kSweepStep) {
    INFO("byte " << at << " of " << path);
    const auto files = whole.AfterProcessCrash();
    content[at] ^= 0x40;
    files->SetContent(path, content);
    content[at] ^= 0x40;
    const Replayed opened = OpenLog(files.get());
    if (absl::IsUnimplemented(opened.status)) continue;  // the version, with a matching checksum
    REQUIRE(opened.status.ok());
    RequireTrue(opened);
    REQUIRE(opened.batches.size() >= 19);
    // Noticed, unless it is the last batch, which says only that all before it was durable.
    if (opened.batches.size() < 20) {
      REQUIRE(opened.report.damage.size() == 1);
      const LogDamage& damage = opened.report.damage[0];
      REQUIRE(damage.file == path);
      REQUIRE(damage.offset <= at);
      REQUIRE(at < damage.offset + damage.length);
      REQUIRE(damage.first_lost == damage.last_lost);
    } else {
      REQUIRE(opened.report.damage.size() + opened.report.torn_bytes > 0);
      for (const LogDamage& damage : opened.report.damage) {
        REQUIRE(damage.file == path);
        REQUIRE(damage.offset <= at);
        REQUIRE(at < damage.offset + damage.length);
        if (damage.offset != 0) continue;
        // The file's header, in which no batch is.
        REQUIRE(damage.first_lost == 0);
        REQUIRE(damage.last_lost == 0);
      }
    }
  }
}

TEST_CASE("log: a missing file is damage that names the batches", "[wal]") {
  MemoryFileSystem files({kDirectory});
  LocalLogOptions options;
  options.file_bytes = 500;
  options.staged_bytes = 100;
  {
    const Replayed opened = OpenLog(&files, options);
    AppendPayloads(*opened.log, 1, 60);
  }
  const std::vector<std::string> paths = Paths(files);
  REQUIRE(paths.size() > 4);
  const uint64_t first = *ParseLogFileName(files.List(kDirectory)->at(2));
  const uint64_t next = *ParseLogFileName(files.List(kDirectory)->at(3));
  REQUIRE(files.Remove(paths[2]).ok());
  const Replayed opened = OpenLog(&files, options);
  REQUIRE(opened.batches.size() == 60 - (next - first));
  REQUIRE(opened.report.damage.size() == 1);
  REQUIRE(opened.report.damage[0].first_lost == first);
  REQUIRE(opened.report.damage[0].last_lost == next - 1);
}

TEST_CASE("log: where the first file is missing and the next is empty, numbers go on", "[wal]") {
  MemoryFileSystem files({kDirectory});
  const std::string path = JoinPath(kDirectory, LogFileName(7));
  std::vector<uint8_t> bytes;
  PutFileHeader(7, bytes);
  REQUIRE(files.Create(path, CreateMode::kNew).ok());
  files.SetContent(path, bytes);
  const Replayed opened = OpenLog(&files, {}, 5);
  REQUIRE(opened.status.ok());
  REQUIRE(opened.report.damage.size() == 1);
  CHECK(opened.report.damage[0].first_lost == 5);
  CHECK(opened.report.damage[0].last_lost == 6);
  CHECK(opened.report.last_sequence == 6);
  AppendPayloads(*opened.log, 7, 9);
}

TEST_CASE("log: another version is refused, a foreign file is named and left alone", "[wal]") {
  MemoryFileSystem files({kDirectory});
  Fill(files, true);
  auto foreign = files.Create(JoinPath(kDirectory, "notes.txt"), CreateMode::kNew);
  REQUIRE(foreign.ok());
  {
    const Replayed opened = OpenLog(&files);
    REQUIRE(opened.batches.size() == 20);
    REQUIRE(opened.report.foreign == std::vector<std::string>{"notes.txt"});
  }
  std::vector<uint8_t> header;
  PutFileHeader(1, header);
  std::vector<uint8_t> content = files.Content(Paths(files)[0]);
  // A header of version 2 with a good checksum.
  header[8] = 2;
  std::vector<uint8_t> checked(header.begin(), header.begin() + 28);
  const uint32_t checksum = crc32c::Compute(checked);
  for (int i = 0; i < 4; ++i) header[28 + i] = static_cast<uint8_t>(checksum >> (8 * i));
  std::copy(header.begin(), header.end(), content.begin());
  files.SetContent(Paths(files)[0], content);
  const Replayed opened = OpenLog(&files);
  REQUIRE(absl::IsUnimplemented(opened.status));
  REQUIRE(opened.batches.empty());
  REQUIRE(opened.status.message().find("version 2") != std::string::npos);
}

TEST_CASE("log: of a torn end what was written counts, not what was allocated ahead", "[wal]") {
  std::vector<uint8_t> content;
  PutFileHeader(1, content);
  PutBatch(1, 0, 1, Bytes(Payload(1)), content);
  for (const uint8_t last : {uint8_t{1}, uint8_t{0x80}}) {
    MemoryFileSystem files({kDirectory});
    const std::string path = JoinPath(kDirectory, LogFileName(1));
    REQUIRE(files.Create(path, CreateMode::kNew).ok());
    std::vector<uint8_t> torn = content;
    torn.insert(torn.end(), {7, 0, 0, 0, last});
    torn.resize(torn.size() + 100);
    files.SetContent(path, torn);
    const Replayed opened = OpenLog(&files);
    REQUIRE(opened.status.ok());
    REQUIRE(opened.batches.size() == 1);
    REQUIRE(opened.report.torn_bytes == 5);
    REQUIRE(opened.report.damage.empty());
  }
}

TEST_CASE("log: batches that another file held do not count", "[wal]") {
  // In the places between them, as in space that was used before: numbers that have been, and some
  // that the next file has.
  const auto put = [](std::vector<uint8_t>& to, uint64_t sequence, const std::string& payload) {
    PutBatch(sequence, 0, 1, Bytes(payload), to);
  };
  MemoryFileSystem files({kDirectory});
  std::vector<uint8_t> first;
  PutFileHeader(5, first);
  put(first, 3, "of a file before");
  put(first, 5, Payload(5));
  put(first, 5, "again");
  put(first, 9, "of a file after");
  put(first, 6, Payload(6));
  put(first, 7, "the next file's");
  std::vector<uint8_t> second;
  PutFileHeader(7, second);
  put(second, 7, Payload(7));
  put(second, 6, "of a file before");
  put(second, 8, Payload(8));
  for (const auto& [number, bytes] : {std::pair(5, first), std::pair(7, second)}) {
    const std::string path = JoinPath(kDirectory, LogFileName(static_cast<uint64_t>(number)));
    REQUIRE(files.Create(path, CreateMode::kNew).ok());
    files.SetContent(path, bytes);
  }
  const Replayed opened = OpenLog(&files, {}, 5);
  REQUIRE(opened.status.ok());
  REQUIRE(opened.batches.size() == 4);
  for (size_t i = 0; i < 4; ++i) REQUIRE(opened.batches[i].first == 5 + i);
  RequireTrue(opened);
  REQUIRE(opened.report.damage.empty());
  REQUIRE(opened.report.last_sequence == 8);
}

TEST_CASE("log: the bytes of a header and a batch", "[wal]") {
  std::vector<uint8_t> bytes;
  PutFileHeader(7, bytes);
  PutBatch(7, 5, 2, Bytes("hello"), bytes);
  std::string hex;
  for (const uint8_t byte : bytes) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  REQUIRE(hex ==
          "74736462206c6f67"  // "tsdb log"
          "0100000000000000"
          "0700000000000000"
          "00000000cb76ba3c"  // version, first, checksum
          "6c6f676241ed9301"
          "0500000002000000"  // "logb", checksum, length, kind
          "0700000000000000"
          "0500000000000000"  // sequence, durable
          "68656c6c6f000000");
}

TEST_CASE("log: a page read just before it was written, and the next just after, is no damage",
          "[wal]") {
  MemoryFileSystem memory({kDirectory});
  Fill(memory, false);
  const std::string path = Paths(memory)[1];
  const std::vector<uint8_t> written = memory.Content(path);
  std::vector<uint8_t> early = written;
  std::fill_n(early.begin() + kFileHeaderBytes, 3 * kBatchHeaderBytes, uint8_t{0});
  memory.SetContent(path, early);
  FaultFileSystem files(&memory);
  int reads = 0;
  files.SetHook([&](FileCall call, const std::string& of) {
    if (call != FileCall::kRead || of != path) return;
    // The header; the file with its hole; from then on as it is.
    if (++reads == 3) memory.SetContent(path, written);
  });
  uint64_t last = 0;
  const auto report = ReplayLogBesideWriter(
      &files, kDirectory, 1, [&](uint64_t sequence, uint8_t, std::span<const uint8_t>) {
        last = sequence;
        return absl::OkStatus();
      });
  REQUIRE(report.ok());
  CHECK(report->damage.empty());
  CHECK(report->torn_bytes == 0);
  // The first opening's twelve and its closing, eight of the second.
  CHECK(last == 21);
  CHECK(report->batches == 20);
}

}  // namespace
}  // namespace tsdb::wal
