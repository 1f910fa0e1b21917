// Directories whose files are missing, damaged or made up: what is whole is there, what is not is
// named, and it stays so at the next opening.
#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "storage/base/coding.h"
#include "storage/segment/manifest.h"
#include "storage/segment/segment_builder.h"
#include "storage/segment/segment_format.h"
#include "storage/segment/segment_reader.h"
#include "storage/wal/local_log.h"
#include "test/faults/fault_file_system.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"
#include "test/tsdb/filled_directory.h"
#include "tsdb/durability/log_payload.h"
#include "tsdb/internals.h"

namespace tsdb {
namespace {

constexpr char kLog[] = "/data/db/log";

std::string Name(int series) {
  return Labels::Create({{kMetricNameLabel, "m"}, {"i", std::to_string(series)}})->ToString();
}

bool Mentions(const RecoveryReport& recovery, const std::string& text) {
  return std::any_of(recovery.damage.begin(), recovery.damage.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

// Everything there is has the value that FillDirectory gave it.
void RequireTrue(const Content& content) {
  for (SeriesId series = 0; series < 4; ++series) {
    const auto found = content.find(Name(static_cast<int>(series)));
    if (found == content.end()) continue;
    for (const auto& [time, value] : found->second) REQUIRE(value == ValueOf(series, time));
  }
}

std::vector<std::string> SegmentPaths(MemoryFileSystem& files) {
  std::vector<std::string> paths;
  const auto names = files.List(kSegments);
  for (const std::string& name : *names) {
    // One of 99 is garbage.
    if (segment::ParseSegmentFileName(name).value_or(99) < 99)
      paths.push_back(JoinPath(kSegments, name));
  }
  return paths;
}

std::unique_ptr<segment::SegmentReader> Read(MemoryFileSystem& files, const std::string& path) {
  auto reader = segment::SegmentReader::Open(
      &files, path, *segment::ParseSegmentFileName(path.substr(path.rfind('/') + 1)));
  REQUIRE(reader.ok());
  return *std::move(reader);
}

// The segment that holds the labels of all series and the leaves of small ones.
std::string RestPath(MemoryFileSystem& files) {
  const auto manifest = segment::Manifest::Read(&files, kHome);
  REQUIRE(manifest.ok());
  REQUIRE(manifest->state.series_checkpoint.has_value());
  return JoinPath(kSegments, segment::SegmentFileName(manifest->state.series_checkpoint->file));
}

TEST_CASE("recovery: a segment that is missing costs what was in it, and is named",
          "[durability]") {
  Content content;
  const auto whole = FilledDirectory(&content);
  for (const std::string& path : SegmentPaths(*whole)) {
    INFO(path);
    const uint64_t records = Read(*whole, path)->summary().records;
    const auto files = whole->AfterProcessCrash();
    REQUIRE(files->Remove(path).ok());
    Content left;
    for (const Options& options : {Reading(), InDirectory()}) {
      const auto database = OpenIn(files.get(), options);
      const std::string lost = " the file is missing, and with it " + std::to_string(records);
      REQUIRE(Mentions(database->Recovery(), path + ":" + lost));
      // The labels of all are there twice.
      REQUIRE(database->Recovery().orphans == 0);
      REQUIRE(database->SeriesCount() == content.size());
      left = ReadContent(*database);
      RequireTrue(left);
    }
    const auto again = OpenIn(files.get());
    REQUIRE(again->Recovery().damage.empty());
    REQUIRE(ReadContent(*again) == left);
  }
}

TEST_CASE("recovery: a segment whose footer is damaged loses nothing, and is kept",
          "[durability]") {
  Content content;
  const auto whole = FilledDirectory(&content);
  for (const std::string& path : SegmentPaths(*whole)) {
    INFO(path);
    std::vector<uint8_t> bytes = whole->Content(path);
    bytes.back() ^= 1;
    const auto files = whole->AfterProcessCrash();
    files->SetContent(path, bytes);
    for (const Options& options : {Reading(), InDirectory()}) {
      const auto database = OpenIn(files.get(), options);
      REQUIRE(Mentions(database->Recovery(), path));
      const Content left = ReadContent(*database);
      RequireTrue(left);
      REQUIRE(Contains(left, content));
      if (options.read_only) continue;
      // Setting it aside happens once, and what was obsolete goes as ever.
      REQUIRE(database->Checkpoint().ok());
      REQUIRE(database->Compact().ok());
    }
    REQUIRE(files->Content(path + ".damaged") == bytes);
    REQUIRE(OpenIn(files.get())->Recovery().damage.empty());
  }
}

TEST_CASE("recovery: which leaves are dead a damaged segment still tells where its footer is whole",
          "[durability]") {
  MemoryFileSystem whole({kParent});
  Content content;
  {
    const auto database = OpenIn(&whole);
    AddSeries(*database, 1);
    // Values of 64 random bits: leaves have some hundreds.
    std::vector<Timestamp> times(2'000);
    std::vector<double> values(times.size());
    std::mt19937_64 random(7);
    for (size_t i = 0; i < times.size(); ++i) {
      times[i] = static_cast<Timestamp>(i);
      values[i] = std::bit_cast<double>(random() >> 2);
    }
    REQUIRE(database->NewAppender().AppendColumns(0, times, values));
    REQUIRE(database->Checkpoint().ok());
    REQUIRE(database->Delete(std::vector<SeriesId>{0}, {10, 20}).ok());
    REQUIRE(database->Checkpoint().ok());
    content = ReadContent(*database);
  }
  const std::string rest = RestPath(whole);
  std::vector<uint8_t> bytes = whole.Content(rest);
  const auto footer = segment::ParseFooter(std::span(bytes).subspan(segment::kSegmentHeaderBytes));
  REQUIRE(footer.ok());
  REQUIRE(footer->summary.superseded > 0);
  bytes[footer->sections[segment::kSeriesTable].offset] ^= 1;
  whole.SetContent(rest, bytes);
  const auto database = OpenIn(&whole, Reading());
  CHECK(Mentions(database->Recovery(), rest));
  CHECK(ReadContent(*database) == content);
}

TEST_CASE("recovery: a damaged segment that cannot be set aside ends the checkpoint, not the data",
          "[durability]") {
  Content content;
  const auto files = FilledDirectory(&content);
  const std::string path = RestPath(*files);
  std::vector<uint8_t> bytes = files->Content(path);
  bytes.back() ^= 1;
  files->SetContent(path, bytes);
  {
    FaultFileSystem refusing(files.get());  // a file system without links
    refusing.Inject({FileFault::kIoError, 1, FileCall::kLink, true});
    FaultFileSystem failing(&refusing);
    failing.SetHook([&](FileCall call, const std::string& to) {
      if (call == FileCall::kRename && to == path + ".damaged") {
        failing.Inject({FileFault::kIoError, 1, FileCall::kRename});
      }
    });
    const auto database = OpenIn(&failing);
    CHECK(Contains(ReadContent(*database), content));
    Appender appender = database->NewAppender();
    CHECK_FALSE(appender.Append(0, 100'000, ValueOf(0, 100'000)));
    CHECK(appender.status().message().find(path) != std::string::npos);
  }
  CHECK(Contains(ReadContent(*OpenIn(files.get())), content));
}

TEST_CASE(
    "recovery: a damaged segment is kept though the process ends right after the manifest's edit",
    "[durability]") {
  Content content;
  const auto whole = FilledDirectory(&content);
  for (const std::string& path : SegmentPaths(*whole)) {
    INFO(path);
    std::vector<uint8_t> bytes = whole->Content(path);
    bytes.back() ^= 1;
    const auto files = whole->AfterProcessCrash();
    files->SetContent(path, bytes);
    std::unique_ptr<MemoryFileSystem> ended, lost;
    FaultFileSystem noting(files.get());
    noting.SetHook([&](FileCall call, const std::string& changed) {
      if (ended != nullptr || !changed.starts_with(path)) return;
      if (call != FileCall::kRename && call != FileCall::kRemove) return;
      ended = files->AfterProcessCrash();
      lost = files->AfterPowerLoss();
    });
    OpenIn(&noting);
    REQUIRE(ended != nullptr);
    for (MemoryFileSystem* in : {ended.get(), lost.get()}) {
      const auto database = OpenIn(in);
      REQUIRE(Contains(ReadContent(*database), content));
      REQUIRE(in->Content(path + ".damaged") == bytes);
    }
  }
}

TEST_CASE("recovery: small leaves that are more than the memory budget are refused",
          "[durability]") {
  MemoryFileSystem files({kParent});
  constexpr size_t kSeries = 1'100, kSamples = 400;
  {
    const auto database = OpenIn(&files);
    AddSeries(*database, kSeries);
    std::mt19937_64 random(5);
    std::vector<Timestamp> times(kSamples);
    std::vector<double> values(kSamples);
    for (SeriesId series = 0; series < kSeries; ++series) {
      Timestamp time = 0;
      for (size_t i = 0; i < kSamples; ++i) {
        times[i] = time += static_cast<Timestamp>(random() >> 20);
        values[i] = std::bit_cast<double>(random() >> 2);
      }
      REQUIRE(database->NewAppender().AppendColumns(series, times, values));
    }
    REQUIRE(database->Checkpoint().ok());
  }
  Options options = Reading();
  options.memory_budget_bytes = 4 << 20;
  const std::string rest = RestPath(files);
  for (const bool damaged : {false, true}) {
    CAPTURE(damaged);
    if (damaged) {
      std::vector<uint8_t> bytes = files.Content(rest);
      bytes.back() ^= 1;
      files.SetContent(rest, bytes);
    }
    const absl::Status refused = Internals::Open(options, &files).status();
    REQUIRE(absl::IsResourceExhausted(refused));
    CHECK(refused.message().find("more than the budget of 4194304 bytes") != std::string::npos);
    REQUIRE(OpenIn(&files, Reading())->SeriesCount() == kSeries);
  }
}

TEST_CASE("recovery: without labels records are orphans, and numbering starts anew",
          "[durability]") {
  Content content;
  const auto files = FilledDirectory(&content);
  // All that name series 1 and 2: the rest segment and the copy of the labels.
  for (const std::string& path : SegmentPaths(*files)) {
    if (Read(*files, path)->leaf_count() == 0 || path == RestPath(*files)) {
      std::vector<uint8_t> bytes = files->Content(path);
      bytes.back() ^= 1;
      files->SetContent(path, bytes);
    }
  }
  Content left;
  for (int opening = 0; opening < 2; ++opening) {
    const auto database = OpenIn(files.get());
    CHECK(database->Recovery().orphans == (opening == 0 ? 6 : 0));
    CHECK(database->Recovery().damage.empty() == (opening == 1));
    left = ReadContent(*database);
    RequireTrue(left);
    CHECK_FALSE(left.contains(Name(1)));
    CHECK_FALSE(left.contains(Name(2)));
    CHECK(Contains(left, {{Name(0), content.at(Name(0))}, {Name(3), content.at(Name(3))}}));
    CHECK(database->SeriesCount() == 2);
    CHECK(database->Verify().ok());
  }
}

TEST_CASE("recovery: fewer series allowed than there are is refused, and nothing is lost",
          "[durability]") {
  Content content;
  const auto files = FilledDirectory(&content);
  Options options = InDirectory();
  // Series 0 to 2 are in segments, 3 is in the log.
  for (options.series_max = 1; options.series_max < 4; ++options.series_max) {
    INFO(options.series_max);
    const absl::Status refused = Internals::Open(options, files.get()).status();
    CHECK(absl::IsResourceExhausted(refused));
    CHECK(refused.message().find("series_max") != std::string::npos);
  }
  CHECK(ReadContent(*OpenIn(files.get(), options)) == content);
  // All of them in segments.
  for (options.series_max = 1; options.series_max < 4; ++options.series_max) {
    INFO(options.series_max);
    CHECK(absl::IsResourceExhausted(Internals::Open(options, files.get()).status()));
  }
  CHECK(ReadContent(*OpenIn(files.get(), options)) == content);
}

TEST_CASE("recovery: a forged rest segment names nothing outside the directory's files",
          "[durability]") {
  Content content;
  const auto files = FilledDirectory(&content);
  const std::string path = RestPath(*files);
  const auto rest = Read(*files, path);
  const uint64_t number = rest->summary().number;
  REQUIRE(files->Remove(path).ok());
  auto builder = segment::SegmentBuilder::Create(files.get(), kSegments, number);
  REQUIRE(builder.ok());
  for (auto cursor = rest->series_table(); cursor.Next();) {
    const bool second = cursor.entry().id == 1;
    REQUIRE((*builder)->AddSeries(cursor.entry().id, second ? "x" : cursor.entry().labels).ok());
  }
  for (uint32_t i = 0; i < rest->leaf_count(); ++i) {
    cache::LeafGroup group;
    REQUIRE((*builder)->AddLeaf(rest->leaf(i).series, rest->ReadBlock(i, group)).ok());
  }
  REQUIRE((*builder)->Supersede({number - 1, 1'000'000}).ok());
  REQUIRE((*builder)->Supersede({0, 0}).ok());
  REQUIRE((*builder)->Finish(rest->summary().log_sequence).ok());
  const auto database = OpenIn(files.get());
  CHECK(Mentions(database->Recovery(), "the labels of series 1 are not well-formed"));
  CHECK(database->Recovery().orphans == 3);
  RequireTrue(ReadContent(*database));
  CHECK(ReadContent(*database).at(Name(2)) == content.at(Name(2)));
}

// A database of one series with a record in its log, and these batches after it.
std::unique_ptr<MemoryFileSystem> WithBatches(
    const std::vector<std::pair<int, std::vector<uint8_t>>>& batches) {
  auto files = std::make_unique<MemoryFileSystem>(std::vector<std::string>{kParent});
  {
    const auto database = OpenIn(files.get());
    AddSeries(*database, 1);
    Appender appender = database->NewAppender();
    REQUIRE(appender.Append(0, 1, ValueOf(0, 1)));
  }
  wal::ReplayReport report;
  const auto ignore = [](uint64_t, uint8_t, std::span<const uint8_t>) { return absl::OkStatus(); };
  auto log = wal::LocalLog::Open(files.get(), kLog, {}, 1, ignore, &report);
  REQUIRE(log.ok());
  for (const auto& [kind, payload] : batches) {
    REQUIRE((*log)->Append(static_cast<uint8_t>(kind), payload).ok());
  }
  REQUIRE((*log)->Close().ok());
  return files;
}

std::vector<uint8_t> SeriesPayload(SeriesId number, int name) {
  std::vector<uint8_t> payload;
  const auto labels = Labels::Create({{kMetricNameLabel, "m"}, {"i", std::to_string(name)}});
  durability::AppendSeries(number, labels->bytes(), payload);
  return payload;
}

TEST_CASE("recovery: batches that cannot be understood cost themselves, and are named",
          "[durability]") {
  using durability::PayloadKind;
  const auto kind = [](PayloadKind of) { return static_cast<int>(of); };
  std::vector<uint8_t> far = durability::EncodeDelete(std::vector<SeriesId>{0}, {500, 600});
  const auto files = WithBatches({
      {99, {1, 2, 3}},
      {kind(PayloadKind::kRecords), {255, 255, 255}},
      {kind(PayloadKind::kDelete), {1}},
      {kind(PayloadKind::kSeries), SeriesPayload(3'000'000'000, 7)},
      {kind(PayloadKind::kSeries), {0, 100, 1}},
      {kind(PayloadKind::kDelete), far},
      {kind(PayloadKind::kSeries), SeriesPayload(2, 8)},
      // Of series 0 to 9: 1 was never named, those from 3 on are beyond what was.
      {kind(PayloadKind::kDelete),
       durability::EncodeDelete(std::vector<SeriesId>{1, 2, 5, 9}, {0, 10})},
  });
  const auto database = OpenIn(files.get());
  const RecoveryReport& recovery = database->Recovery();
  CHECK(Mentions(recovery, "unknown kind 99"));
  CHECK(Mentions(recovery, "reading a deletion: it is cut short"));
  CHECK(Mentions(recovery, "series number 3000000000 is out of range"));
  CHECK(Mentions(recovery, "reading series: cut short or malformed"));
  CHECK(recovery.damage.size() == 5);
  CHECK(recovery.orphans == 0);
  CHECK(ReadContent(*database).at(Name(0)).size() == 1);
  CHECK(database->Verify().ok());
}

TEST_CASE("recovery: a damaged log is kept by writers, and left alone by readers", "[durability]") {
  const auto files = WithBatches({{4, {}}, {4, {}}});
  // The first of two batches that know what was before them to be durable.
  const std::string path = JoinPath(kLog, files->List(kLog)->at(0));
  std::vector<uint8_t> bytes = files->Content(path);
  bytes[70] ^= 1;
  files->SetContent(path, bytes);
  {
    const auto reader = OpenIn(files.get(), Reading());
    CHECK(Mentions(reader->Recovery(), path + ": "));
    CHECK(Mentions(reader->Recovery(), ", batches 1 to 1 lost"));
    CHECK(absl::IsNotFound(files->FileSize(path + ".damaged").status()));
  }
  FaultFileSystem failing(files.get());
  failing.Inject({FileFault::kIoError, 1, FileCall::kLink});
  const auto database = OpenIn(&failing);
  CHECK(Mentions(database->Recovery(), path + ": cannot be kept, the next checkpoint removes it"));
}

TEST_CASE("recovery: what is kept of a newest log file without a whole batch stays as it was",
          "[durability]") {
  MemoryFileSystem files({kParent});
  Content expected;
  {
    const auto database = OpenIn(&files);
    Appender appender = database->NewAppender();
    CommitDurably(*database, appender, 1, &expected);
  }
  const auto names = files.List(kLog);
  REQUIRE(names.ok());
  REQUIRE(names->size() == 1);
  const std::string path = JoinPath(kLog, names->front());
  std::vector<uint8_t> bytes = files.Content(path);
  for (uint8_t& byte : bytes) byte ^= 0x55;
  files.SetContent(path, bytes);
  const auto database = OpenIn(&files);
  REQUIRE(Mentions(database->Recovery(), path));
  REQUIRE((files.Content(path + ".damaged") == bytes));
  // The first batch of the new log has the number that the file was named for.
  Appender appender = database->NewAppender();
  CommitDurably(*database, appender, 2, &expected);
  REQUIRE((files.Content(path) != bytes));
  REQUIRE((files.Content(path + ".damaged") == bytes));
}

TEST_CASE("recovery: a directory without its manifest is refused, unless nothing is lost with it",
          "[durability]") {
  Content content;
  const auto files = FilledDirectory(&content);
  const auto empty = files->AfterProcessCrash();
  REQUIRE(files->Remove("/data/db/manifest").ok());
  for (const Options& options : {InDirectory(), Reading()}) {
    const absl::Status refused = Internals::Open(options, files.get()).status();
    CHECK((absl::IsDataLoss(refused) || absl::IsNotFound(refused)));
    CHECK(refused.message().find("/data/db/manifest") != std::string::npos);
  }
  const auto names = empty->List(kSegments);
  for (const std::string& name : *names) {
    REQUIRE(empty->Remove(JoinPath(kSegments, name)).ok());
  }
  REQUIRE(empty->Remove("/data/db/manifest").ok());
  empty->SetContent(JoinPath(kSegments, "notes"), {1});
  const auto database = OpenIn(empty.get());
  RequireTrue(ReadContent(*database));
  CHECK(empty->Content(JoinPath(kSegments, "notes")).size() == 1);
  MemoryFileSystem bare({kParent, kHome});
  CHECK(absl::IsNotFound(Internals::Open(Reading(), &bare).status()));
}

}  // namespace
}  // namespace tsdb
