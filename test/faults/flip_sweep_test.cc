// A flipped bit in every byte of every file of a database directory: several log files, plain and
// compressed segments, labels, manifest, FORMAT. What is read then was once written,
// what is missing is reported with its file, and no more is missing than the block that the byte is
// in. Only leaves that are dead, because others have taken their place, no opening looks at: of
// those reading the segment by itself must tell. TSDB_FLIP_STRIDE=1 takes every byte (one in 251 by
// default, from one that TSDB_SEED gives); which bit is flipped follows from the seed.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "storage/segment/segment_reader.h"
#include "storage/wal/log_format.h"
#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"

namespace tsdb {
namespace {

constexpr SeriesId kDense = 3;
constexpr size_t kLogBatchRecords = 400;  // at most, of one commit

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

// The database's content, and every value that each key ever had.
struct Written {
  Content last;
  std::map<std::string, std::map<Timestamp, std::set<double>>> ever;

  size_t records() const {
    size_t count = 0;
    for (const auto& [series, samples] : last) count += samples.size();
    return count;
  }
};

class Builder {
 public:
  explicit Builder(MemoryFileSystem* files) : files_(files) {}

  // Plain segments, compressed ones, and three log files after them.
  Written Build() {
    Open(Compression::kNone);
    for (int step = 0; step < 3; ++step) Append(400, 400 * step);
    Append(50, 100);  // over what is there
    REQUIRE(database_->Checkpoint().ok());
    Open(Compression::kLz4);
    for (int step = 3; step < 9; ++step) Append(400, 400 * step);
    Delete(0, 200, 300);
    REQUIRE(database_->Checkpoint().ok());
    Append(20, 3'600);
    for (int opening = 0; opening < 2; ++opening) {
      Open(Compression::kLz4);
      for (int i = 0; i < 3; ++i) Append(12, 3'620 + 36 * opening + 12 * i);
    }
    Close();
    return written_;
  }

 private:
  void Open(Compression compression) {
    Close();
    Options options = InDirectory();
    options.compression = compression;
    options.stats_interval_ms = 3'600'000;
    database_ = OpenIn(files_, options);
  }
  void Close() {
    if (database_ != nullptr) REQUIRE(database_->Close().ok());
    database_.reset();
  }
  // A commit of `count` times of each dense series and one of a sparse one.
  void Append(int count, Timestamp begin) {
    ++commit_;
    Appender appender = database_->NewAppender();
    for (SeriesId i = 0; i <= kDense; ++i) {
      const Labels labels = *Labels::Create({{kMetricNameLabel, "m"}, {"i", std::to_string(i)}});
      const auto series = database_->FindOrCreateSeries(labels);
      REQUIRE(series.ok());
      const std::string name = labels.ToString();
      for (Timestamp time = begin; time < begin + (i == kDense ? 1 : count); ++time) {
        // Three decimal digits, so that leaves take room and compress.
        const double value = static_cast<double>((time * 7 + i * 31 + commit_ * 11) % 1000) / 8;
        if (!appender.Append(*series, time, value)) FAIL("refused");
        written_.last[name][time] = value;
        written_.ever[name][time].insert(value);
      }
    }
    REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
  }
  void Delete(SeriesId series, Timestamp begin, Timestamp end) {
    const std::string labels = database_->SeriesLabels(series)->ToString();
    const SeriesId ids[] = {series};
    REQUIRE(database_->Delete(ids, {begin, end}).ok());
    for (Timestamp time = begin; time < end; ++time) written_.last[labels].erase(time);
  }

  MemoryFileSystem* const files_;
  std::unique_ptr<Database> database_;
  Written written_;
  int commit_ = 0;
};

std::vector<std::string> AllFiles(MemoryFileSystem& files, const std::string& directory) {
  std::vector<std::string> paths;
  const auto names = files.List(directory);
  REQUIRE(names.ok());
  for (const std::string& name : *names) {
    const std::string path = JoinPath(directory, name);
    if (name == "log" || name == "segments") {
      const std::vector<std::string> below = AllFiles(files, path);
      paths.insert(paths.end(), below.begin(), below.end());
    } else {
      paths.push_back(path);
    }
  }
  return paths;
}

// What opening a directory found.
struct Outcome {
  absl::Status opened;
  bool damage = false;      // reported
  bool names_file = false;  // and with the file's name
  size_t missing = 0;
  std::string wrong;  // a value that was never written, and the like
};

Outcome Look(MemoryFileSystem& files, const std::string& path, const Written& written,
             bool read_only) {
  Outcome outcome;
  Options options = InDirectory();
  options.read_only = read_only;
  options.stats_interval_ms = 0;
  const auto opened = Internals::Open(options, &files);
  outcome.opened = opened.status();
  if (!opened.ok()) return outcome;
  const RecoveryReport& report = (*opened)->Recovery();
  outcome.damage = !report.damage.empty() || report.torn_bytes > 0 || report.orphans > 0;
  const std::string name = path.substr(path.rfind('/') + 1);
  for (const std::string& line : report.damage) {
    outcome.names_file = outcome.names_file || line.find(name) != std::string::npos;
  }
  outcome.names_file = outcome.names_file || (report.damage.empty() && report.torn_bytes > 0);
  size_t found = 0;
  for (const auto& [series, samples] : ReadContent(**opened)) {
    const auto ever_of = written.ever.find(series);
    if (ever_of == written.ever.end()) {
      outcome.wrong = "a series that was never there: " + series;
      continue;
    }
    const auto& last_of = written.last.at(series);
    for (const auto& [time, value] : samples) {
      const auto ever = ever_of->second.find(time);
      const auto last = last_of.find(time);
      if (ever == ever_of->second.end() || !ever->second.contains(value)) {
        outcome.wrong =
            series + " at " + std::to_string(time) + " was never " + std::to_string(value);
        continue;
      }
      found += last != last_of.end();
      // Deleted or overwritten, and back: allowed where damage is reported.
      if ((last == last_of.end() || last->second != value) && !outcome.damage) {
        outcome.wrong = "an old record is back, and nothing is said";
      }
    }
  }
  outcome.missing = written.records() - found;
  if (outcome.missing > 0 && !outcome.damage)
    outcome.wrong = "records are missing, nothing is said";
  const absl::Status verified = (*opened)->Verify();
  if (outcome.wrong.empty() && !verified.ok() && !read_only) outcome.wrong = verified.ToString();
  return outcome;
}

enum class FileKind { kLog, kSegment, kManifest, kFormat, kNoData };

FileKind KindOf(const std::string& path) {
  if (path.find("/log/") != std::string::npos) return FileKind::kLog;
  if (path.find("/segments/") != std::string::npos) return FileKind::kSegment;
  if (path.ends_with("/manifest")) return FileKind::kManifest;
  return path.ends_with("/FORMAT") ? FileKind::kFormat : FileKind::kNoData;
}

// What is wrong with the outcome of a changed byte in the file, or nothing.
std::string Judge(FileKind kind, const std::string& path, const Outcome& outcome,
                  size_t most_missing) {
  if (!outcome.wrong.empty()) return outcome.wrong;
  if (!outcome.opened.ok()) {
    if (kind != FileKind::kManifest && kind != FileKind::kFormat) return outcome.opened.ToString();
    const bool named = outcome.opened.message().find(kHome) != std::string::npos;
    return named ? "" : "refused without a name: " + outcome.opened.ToString();
  }
  if (kind == FileKind::kManifest || kind == FileKind::kFormat || kind == FileKind::kNoData) {
    return outcome.missing == 0 ? "" : path + ": records are missing";
  }
  if (!outcome.damage) return "not noticed";
  if (!outcome.names_file) return "the report does not name the file";
  if (outcome.missing > most_missing) {
    return std::to_string(outcome.missing) + " records are missing, of a block of " +
           std::to_string(most_missing);
  }
  return "";
}

// Whether the segment, looked at by itself, is found to be damaged.
bool FoundInSegment(MemoryFileSystem& files, const std::string& path) {
  const auto number = segment::ParseSegmentFileName(path.substr(path.rfind('/') + 1));
  const auto reader = segment::SegmentReader::Open(&files, path, number.value());
  return !reader.ok() || !(*reader)->VerifyAll().empty();
}

// Records in the segment's largest block: a leaf, or a group of leaves that are compressed
// together.
size_t LargestBlock(MemoryFileSystem& files, const std::string& path) {
  const auto number = segment::ParseSegmentFileName(path.substr(path.rfind('/') + 1));
  const auto opened = segment::SegmentReader::Open(&files, path, number.value());
  REQUIRE(opened.ok());
  const segment::SegmentReader& reader = **opened;
  std::map<uint64_t, size_t> records;
  size_t largest = 0;
  for (uint32_t i = 0; i < reader.leaf_count(); ++i) {
    size_t& block = records[reader.packed() ? reader.BlockOffset(i) / cache::kGroupBytes : i];
    block += reader.leaf(i).count;
    largest = std::max(largest, block);
  }
  return largest;
}

struct Intact {
  MemoryFileSystem files{{kParent}};
  Written written = Builder(&files).Build();
};

TEST_CASE("flip sweep: a flipped bit in any file is noticed, and costs its block at most",
          "[durability]") {
  Intact intact;
  const Outcome untouched =
      Look(*intact.files.AfterProcessCrash(), kHome, intact.written, /*read_only=*/false);
  REQUIRE(untouched.wrong == "");
  REQUIRE(!untouched.damage);
  REQUIRE(untouched.missing == 0);
  const uint64_t stride = FromEnvironment("TSDB_FLIP_STRIDE", 251);
  const uint64_t seed = FromEnvironment("TSDB_SEED", 1);
  std::mt19937_64 random(seed);
  uint64_t flips = 0, refused = 0, unnoticed = 0, dead = 0;
  std::map<FileKind, size_t> kinds;
  for (const std::string& path : AllFiles(intact.files, kHome)) {
    const FileKind kind = KindOf(path);
    ++kinds[kind];
    std::vector<uint8_t> content = intact.files.Content(path);
    size_t most_missing = 0;
    // The commit that a batch holds; a leaf or a group of leaves.
    const size_t limit = kind == FileKind::kSegment ? LargestBlock(intact.files, path)
                                                    : (kDense + 1) * kLogBatchRecords;
    const size_t step = stride == 1 ? 1 : stride;
    for (size_t at = random() % step; at < content.size(); at += step, ++flips) {
      const auto bit = static_cast<uint8_t>(1 << random() % 8);
      const bool read_only = random() % 4 == 0;
      const auto files = intact.files.AfterProcessCrash();
      content[at] ^= bit;
      files->SetContent(path, content);
      content[at] ^= bit;
      const bool apart = kind == FileKind::kSegment && FoundInSegment(*files, path);
      Outcome outcome = Look(*files, path, intact.written, read_only);
      if (apart && outcome.opened.ok() && !outcome.damage && outcome.missing == 0) {
        ++dead;
        outcome.damage = outcome.names_file = true;
      }
      INFO(path << ", byte " << at << " of " << content.size() << ", bit " << int{bit}
                << (read_only ? ", read-only" : "") << ", seed " << seed);
      REQUIRE(Judge(kind, path, outcome, limit) == "");
      refused += !outcome.opened.ok();
      unnoticed += outcome.opened.ok() && !outcome.damage;
      most_missing = std::max(most_missing, outcome.missing);
    }
    std::printf("%-40s %6zu bytes, at most %zu of %zu records missing\n", path.c_str(),
                content.size(), most_missing, intact.written.records());
  }
  REQUIRE(kinds[FileKind::kLog] >= 3);
  REQUIRE(kinds[FileKind::kSegment] >= 3);
  REQUIRE(kinds[FileKind::kManifest] == 1);
  std::printf(
      "scorecard {\"row\": 8, \"reached\": \"%llu flipped bits, one in every %llu bytes of every "
      "file: 0 wrong values, 0 unreported losses, %llu refused by name, %llu in dead leaves, %llu "
      "without effect\", "
      "\"met\": %s, \"seed\": %llu}\n",
      static_cast<unsigned long long>(flips), static_cast<unsigned long long>(stride),
      static_cast<unsigned long long>(refused), static_cast<unsigned long long>(dead),
      static_cast<unsigned long long>(unnoticed), stride == 1 ? "true" : "false",
      static_cast<unsigned long long>(seed));
}

// The file with one bit of a batch's payload flipped, and the batch's checksum made good again.
std::vector<uint8_t> FlipUnderChecksum(const std::vector<uint8_t>& file, size_t batch, size_t at) {
  const auto view = wal::ReadBatch(std::span(file).subspan(batch));
  REQUIRE(view.has_value());
  std::vector<uint8_t> payload(view->payload.begin(), view->payload.end());
  payload[at] ^= 1;
  std::vector<uint8_t> changed(file.begin(), file.begin() + static_cast<ptrdiff_t>(batch));
  wal::PutBatch(view->sequence, view->durable, view->kind, payload, changed);
  changed.insert(changed.end(), file.begin() + static_cast<ptrdiff_t>(changed.size()), file.end());
  return changed;
}

// No reader can tell such a change from what was written; the sweep must be able to.
TEST_CASE("flip sweep: a change that the checksum does not tell is found", "[durability]") {
  Intact intact;
  const std::string path = AllFiles(intact.files, JoinPath(kHome, "log"))[1];  // read back
  const std::vector<uint8_t> file = intact.files.Content(path);
  uint64_t changes = 0, found = 0;
  for (size_t batch = wal::kFileHeaderBytes; batch < file.size();) {
    const auto view = wal::ReadBatch(std::span(file).subspan(batch));
    if (!view.has_value()) break;
    for (size_t at = 0; view->kind != wal::kClosing && at < view->payload.size(); at += 3) {
      const auto files = intact.files.AfterProcessCrash();
      files->SetContent(path, FlipUnderChecksum(file, batch, at));
      const Outcome outcome = Look(*files, path, intact.written, /*read_only=*/false);
      ++changes;
      found += !outcome.wrong.empty();
    }
    batch += view->length;
  }
  std::printf(
      "scorecard {\"row\": 8, \"planted\": \"a flipped bit under a repaired checksum (%llu of %llu "
      "seen as wrong values, of the others the reader says that the content is bad)\", \"caught\": "
      "%s}\n",
      static_cast<unsigned long long>(found), static_cast<unsigned long long>(changes),
      found > 0 ? "true" : "false");
  REQUIRE(found > 0);
}

}  // namespace
}  // namespace tsdb
