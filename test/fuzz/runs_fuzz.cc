// Runs, as the log carries them: RunsReader.
//
// Mode: bit 0 puts the end mark behind the bytes (runs have no checksum of their own).
#include "storage/codec/run.h"
#include "test/fuzz/fuzz_target.h"
#include "test/storage/codec/run_samples.h"

namespace tsdb::fuzz {
namespace {

// A few bytes can stand for as many equal records as the reader lets pass.
constexpr size_t kRecordsMax = 4096;

void Fuzz(uint8_t mode, std::span<const uint8_t> input) {
  std::vector<uint8_t> bytes(input.begin(), input.end());
  if ((mode & kRepair) != 0) bytes.resize(bytes.size() + 8);
  const ExactBytes exact(bytes);
  codec::RunPart part;
  const absl::Status status = codec::ReadRuns(exact.bytes(), kRecordsMax, part);
  TSDB_CHECK(part.times.size() <= kRecordsMax);
  size_t records = 0;
  for (const codec::Run& run : part.runs) {
    TSDB_CHECK(run.begin == records && run.count > 0);
    records += run.count;
  }
  TSDB_CHECK(records <= part.times.size());
  if (!status.ok()) {
    TSDB_CHECK(status.code() == absl::StatusCode::kDataLoss && !status.message().empty());
    return;
  }
  TSDB_CHECK(records == part.times.size());
  codec::RunPart again;
  TSDB_CHECK(codec::ReadRuns(part.Encode(), records, again).ok());
  TSDB_CHECK(again == part);
}

}  // namespace
}  // namespace tsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tsdb::fuzz::Input input(data, size);
  const uint8_t mode = input.Byte();
  tsdb::fuzz::Fuzz(mode, input.Rest());
  return 0;
}
