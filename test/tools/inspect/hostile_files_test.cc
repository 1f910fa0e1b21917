// Files of a real database, each byte changed and cut at each length: the inspection must say so
// where the format can tell, and must stay within the bytes in any case.
#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "storage/wal/log_format.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"
#include "tools/inspect/inspection.h"

namespace tsdb::tools {
namespace {

using Bytes = std::vector<uint8_t>;
using Inspect = std::function<Inspection(const Bytes&)>;

constexpr char kCopyPath[] = "/data/copy";

// A database with a checkpoint, a log behind it and a deletion in that.
void Fill(MemoryFileSystem& files) {
  const auto database = OpenIn(&files);
  Content expected;
  for (int i = 1; i <= 3; ++i) {
    {
      Appender appender = database->NewAppender();
      AppendCommit(*database, appender, i, &expected);
    }
    REQUIRE(database->Flush().ok());
    if (i == 1) REQUIRE(database->Checkpoint().ok());
  }
  const SeriesId first[] = {0};
  REQUIRE(database->Delete(first, TimeRange::All()).ok());
  REQUIRE(database->Close().ok());
}

Bytes ReadFile(MemoryFileSystem& files, const std::string& path) {
  const auto copy = CopyFile(&files, path);
  REQUIRE(copy.ok());
  return {copy->bytes().begin(), copy->bytes().end()};
}

// Memory of its own, so that a sanitizer sees the first byte read beyond it.
Inspection InspectSegmentBytes(MemoryFileSystem& files, const Bytes& bytes,
                               const InspectOptions& options) {
  files.SetContent(kCopyPath, bytes);
  const auto inspection = InspectSegment(&files, kCopyPath, std::nullopt, options);
  REQUIRE(inspection.ok());
  return *inspection;
}

void ChangeEveryByte(const Bytes& whole, const Inspect& inspect, bool all_are_found) {
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const uint8_t change : {uint8_t{1}, uint8_t{0xff}}) {
      Bytes changed = whole;
      changed[i] ^= change;
      const Inspection inspection = inspect(changed);
      CAPTURE(i, change);
      if (all_are_found) CHECK_FALSE(inspection.findings.empty());
    }
  }
}

void CutEverywhere(const Bytes& whole, const Inspect& inspect, bool all_are_found) {
  for (size_t length = 0; length < whole.size(); ++length) {
    const Inspection inspection =
        inspect(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length)));
    CAPTURE(length);
    if (all_are_found) CHECK_FALSE(inspection.findings.empty());
  }
}

uint64_t NumberOf(const Inspection& inspection, const std::string& name) {
  for (const Figure& figure : inspection.figures) {
    if (figure.name == name) return std::get<uint64_t>(figure.value);
  }
  FAIL("there is no figure " << name);
  return 0;
}

}  // namespace

TEST_CASE("inspect: hostile files of every kind", "[inspect]") {
  MemoryFileSystem files({kParent});
  Fill(files);
  InspectOptions options;
  options.contents = true;
  const std::string home = kHome;

  const Inspect manifest = [&](const Bytes& bytes) { return InspectManifest(bytes, options); };
  const Bytes manifest_bytes = ReadFile(files, home + "/manifest");
  CHECK(manifest(manifest_bytes).findings.empty());
  ChangeEveryByte(manifest_bytes, manifest, /*all_are_found=*/true);
  CutEverywhere(manifest_bytes, manifest, /*all_are_found=*/false);  // its end may be torn
  CHECK(KindOf(manifest_bytes) == "manifest");

  const auto segments = files.List(home + "/segments");
  REQUIRE(segments.ok());
  REQUIRE_FALSE(segments->empty());
  for (const std::string& name : *segments) {
    const Inspect segment = [&](const Bytes& bytes) {
      return InspectSegmentBytes(files, bytes, options);
    };
    const Bytes bytes = ReadFile(files, home + "/segments/" + name);
    CHECK(segment(bytes).findings.empty());
    ChangeEveryByte(bytes, segment, /*all_are_found=*/true);
    CutEverywhere(bytes, segment, /*all_are_found=*/true);
    CHECK(KindOf(bytes) == "segment");
  }

  const auto logs = files.List(home + "/log");
  REQUIRE(logs.ok());
  REQUIRE_FALSE(logs->empty());
  for (const std::string& name : *logs) {
    const Bytes bytes = ReadFile(files, home + "/log/" + name);
    const std::optional<uint64_t> first = wal::ParseLogFileName(name);
    REQUIRE(first.has_value());
    CHECK(KindOf(bytes) == "wal");
    const Inspection whole = InspectLog(bytes, first, std::nullopt, options);
    CHECK(whole.findings.empty());
    // The last file, whose end may be torn; and one that another follows, which shows that all of
    // it was durable.
    for (const std::optional<uint64_t> next :
         {std::optional<uint64_t>(), {NumberOf(whole, "last_batch") + 1}}) {
      const Inspect log = [&](const Bytes& changed) {
        return InspectLog(changed, first, next, options);
      };
      CHECK(log(bytes).findings.empty());
      ChangeEveryByte(bytes, log, /*all_are_found=*/next.has_value());
      CutEverywhere(bytes, log, /*all_are_found=*/next.has_value());
      // What no name vouches for.
      ChangeEveryByte(
          bytes, [&](const Bytes& changed) { return InspectLog(changed, {}, next, options); },
          /*all_are_found=*/false);
    }
  }
}

}  // namespace tsdb::tools
