// Log files: replaying a directory of them, and going on with such a log.
//
// Input: mode, the sequence number from which to replay, then files: first sequence number (1
// byte), length (2 bytes), bytes. Mode: bit 0 makes headers and the checksums of batches right;
// with bit 1 the log is opened for writing, too.
#include <map>
#include <set>

#include "storage/wal/local_log.h"
#include "storage/wal/log_format.h"
#include "storage/wal/log_reader.h"
#include "test/fuzz/fuzz_target.h"

namespace tsdb::fuzz {
namespace {

using wal::kBatchHeaderBytes;
using wal::kFileHeaderBytes;
using wal::kLogAlignment;

constexpr char kDirectory[] = "/log";
constexpr size_t kFilesMax = 4;

void Repair(uint64_t first, std::vector<uint8_t>& file) {
  if (file.size() < kFileHeaderBytes) return;
  std::vector<uint8_t> header;
  wal::PutFileHeader(first, header);
  std::copy(header.begin(), header.end(), file.begin());
  for (size_t place = kFileHeaderBytes; place + kBatchHeaderBytes <= file.size();
       place += kLogAlignment) {
    if (AsText(std::span(file).subspan(place, 4)) != "logb") continue;
    const uint64_t length = GetFixed32(file.data() + place + 8);
    const uint64_t end =
        place + kBatchHeaderBytes + (length + kLogAlignment - 1) / kLogAlignment * kLogAlignment;
    if (end > file.size()) continue;
    RepairChecksum(file, place + 4, place + 8, end);
    place = end - kLogAlignment;
  }
}

struct Batch {
  uint64_t sequence;
  uint8_t kind;
  std::vector<uint8_t> payload;
  friend bool operator==(const Batch&, const Batch&) = default;
};

struct Replayed {
  std::vector<Batch> batches;
  wal::ReplayReport report;

  wal::ReplayVisitor Visitor() {
    return [this](uint64_t sequence, uint8_t kind, std::span<const uint8_t> payload) {
      batches.push_back({sequence, kind, {payload.begin(), payload.end()}});
      return absl::OkStatus();
    };
  }
};

using Sizes = std::map<std::string, uint64_t>;

void CheckReport(const Replayed& replayed, uint64_t from, const Sizes& sizes) {
  const wal::ReplayReport& report = replayed.report;
  uint64_t bytes = 0, last = from - 1, file_bytes = 0;
  for (const auto& [path, size] : sizes) file_bytes += size;
  for (const Batch& batch : replayed.batches) {
    TSDB_CHECK(batch.sequence > last);
    last = batch.sequence;
    bytes += batch.payload.size();
  }
  TSDB_CHECK(report.batches == replayed.batches.size() && report.bytes == bytes);
  TSDB_CHECK(bytes + kBatchHeaderBytes * report.batches <= file_bytes);
  TSDB_CHECK(report.last_sequence >= last && report.files <= sizes.size());
  TSDB_CHECK(report.torn_bytes <= file_bytes);
  for (const wal::LogDamage& damage : report.damage) {
    const auto file = sizes.find(damage.file);
    TSDB_CHECK(file != sizes.end() && !damage.reason.empty());
    // A header that is not there in full is reported as such.
    TSDB_CHECK(damage.offset <= file->second &&
               damage.length <= std::max(file->second - damage.offset, kFileHeaderBytes));
    TSDB_CHECK(damage.first_lost <= damage.last_lost);
  }
}

// A log that goes on with whatever was found keeps what it is given from then on.
void GoOn(MemoryFileSystem& files, const Replayed& found) {
  wal::LocalLogOptions options;
  options.file_bytes = 4096;
  options.staged_bytes = 4096;  // clearing megabytes for each input would take most of the time
  const uint64_t from = 1;
  Replayed at_open;
  auto log =
      wal::LocalLog::Open(&files, kDirectory, options, from, at_open.Visitor(), &at_open.report);
  TSDB_CHECK(log.ok() && at_open.batches == found.batches);
  const std::vector<uint8_t> payload = {'n', 'e', 'w'};
  const absl::StatusOr<uint64_t> sequence = (*log)->Append(9, payload);
  TSDB_CHECK(sequence.ok() && *sequence == found.report.last_sequence + 1);
  TSDB_CHECK((*log)->AwaitDurable(*sequence).ok() && (*log)->Close().ok());

  Replayed again;
  const auto report = wal::ReplayLog(&files, kDirectory, from, again.Visitor());
  TSDB_CHECK(report.ok() && again.batches.size() > found.batches.size());
  TSDB_CHECK(std::equal(found.batches.begin(), found.batches.end(), again.batches.begin()));
  TSDB_CHECK((again.batches[found.batches.size()] == Batch{*sequence, 9, payload}));
}

void Fuzz(Input input) {
  const uint8_t mode = input.Byte();
  const uint64_t from = std::max<uint64_t>(input.Byte(), 1);
  MemoryFileSystem files({kDirectory});
  Sizes sizes;
  for (size_t i = 0; i < kFilesMax && !input.empty(); ++i) {
    const uint64_t first = input.Byte();
    const std::span<const uint8_t> bytes = input.Bytes(input.Number(2));
    std::vector<uint8_t> file(bytes.begin(), bytes.end());
    if ((mode & kRepair) != 0) Repair(first, file);
    const std::string path = JoinPath(kDirectory, wal::LogFileName(first));
    sizes[path] = file.size();
    files.SetContent(path, std::move(file));
  }
  Replayed replayed;
  const auto report = wal::ReplayLog(&files, kDirectory, from, replayed.Visitor());
  Replayed beside;
  const auto beside_report = wal::ReplayLogBesideWriter(&files, kDirectory, from, beside.Visitor());
  TSDB_CHECK(report.status() == beside_report.status());
  if (!report.ok()) {
    TSDB_CHECK(report.status().code() == absl::StatusCode::kUnimplemented &&
               replayed.batches.empty());
    return;
  }
  replayed.report = *report;
  CheckReport(replayed, from, sizes);
  TSDB_CHECK(beside.batches == replayed.batches);
  TSDB_CHECK(beside_report->torn_bytes == report->torn_bytes &&
             beside_report->damage.size() == report->damage.size());
  // Starting and ending a log's threads takes as long as a hundred other inputs: one in 16 does it.
  if (mode / 2 % 16 == 1 && from == 1) GoOn(files, replayed);
}

}  // namespace
}  // namespace tsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tsdb::fuzz::Fuzz(tsdb::fuzz::Input(data, size));
  return 0;
}
