// Blocks: BlockView::Parse, and everything that can be asked of what it lets pass, on every
// instruction set.
//
// Mode: bit 0 makes the header's length the bytes' length (a block has no checksum).
#include <bit>
#include <cstring>

#include "storage/codec/block.h"
#include "storage/codec/instruction_set.h"
#include "test/fuzz/fuzz_target.h"

namespace tsdb::fuzz {
namespace {

using codec::BlockView;
using codec::InstructionSet;

constexpr size_t kGroup = 64;  // decoders want room for whole groups

size_t Room(size_t count) { return (count + kGroup - 1) / kGroup * kGroup; }

struct Columns {
  explicit Columns(size_t count) : timestamps(Room(count)), values(Room(count)) {}
  std::vector<Timestamp> timestamps;
  std::vector<double> values;
};

bool SameBits(const double* a, const double* b, size_t count) {
  return std::memcmp(a, b, count * sizeof(double)) == 0;
}

Columns Decode(const BlockView& view) {
  Columns columns(view.count());
  view.DecodeTimestamps(columns.timestamps.data());
  view.DecodeValues(columns.values.data());
  return columns;
}

// Of hostile bytes: in bounds, whatever it says.
void Use(const BlockView& view, const Columns& all) {
  const size_t count = view.count();
  for (const size_t begin : {size_t{0}, count / 3, count - 1}) {
    const size_t aligned = begin / kGroup * kGroup;
    Columns part(count - aligned);
    TSDB_CHECK(view.DecodeTimestampRange(begin, count, part.timestamps.data()) == aligned);
    TSDB_CHECK(view.DecodeValueRange(begin, count, part.values.data()) == aligned);
  }
  double sum = view.Statistics().sum;
  for (size_t position = 0; position < count; position += 1 + count / 32) {
    sum += view.ValueAt(position) + static_cast<double>(view.TimestampAt(position));
    for (const Timestamp timestamp : {all.timestamps[position], view.TimestampAt(position)}) {
      TSDB_CHECK(view.LowerBound(timestamp) <= count && view.Find(timestamp) <= count);
    }
  }
  for (const Timestamp timestamp : {kTimestampMin, Timestamp{0}, kTimestampMax}) {
    TSDB_CHECK(view.LowerBound(timestamp) <= count && view.Find(timestamp) <= count);
  }
  volatile double sink = sum;
  (void)sink;
}

// What was decoded, encoded again: everything that can be asked of that block must be right.
void RoundTrip(const Columns& all, size_t count) {
  std::vector<uint8_t> bytes(codec::EncodedBytesMax(count));
  codec::EncodeHint hint;
  bytes.resize(
      codec::EncodeBlock(all.timestamps.data(), all.values.data(), count, hint, bytes.data()));
  const ExactBytes exact(bytes);
  const auto view = BlockView::Parse(exact.bytes());
  TSDB_CHECK(view.ok() && view->count() == count && view->bytes() == bytes.size());
  const Columns again = Decode(*view);
  TSDB_CHECK(std::equal(all.timestamps.begin(),
                        all.timestamps.begin() + static_cast<ptrdiff_t>(count),
                        again.timestamps.begin()));
  TSDB_CHECK(SameBits(all.values.data(), again.values.data(), count));
  bool increasing = true;
  for (size_t i = 0; i < count; ++i) {
    increasing = increasing && (i == 0 || all.timestamps[i - 1] < all.timestamps[i]);
  }
  for (size_t i = 0; i < count; i += 1 + count / 32) {
    const double value = view->ValueAt(i);
    TSDB_CHECK(view->TimestampAt(i) == all.timestamps[i] && SameBits(&value, &all.values[i], 1));
    TSDB_CHECK(!increasing ||
               (view->Find(all.timestamps[i]) == i && view->LowerBound(all.timestamps[i]) == i));
  }
  const codec::BlockStatistics statistics = view->Statistics();
  TSDB_CHECK(statistics.count == count && statistics.time_first == all.timestamps[0] &&
             statistics.time_last == all.timestamps[count - 1] &&
             SameBits(&statistics.first, &all.values[0], 1) &&
             SameBits(&statistics.last, &all.values[count - 1], 1));
}

void Fuzz(uint8_t mode, std::span<const uint8_t> input) {
  std::vector<uint8_t> bytes(input.begin(), input.end());
  if ((mode & kRepair) != 0 && bytes.size() >= 8) {
    const uint64_t low = GetFixed64(bytes.data()) & ((uint64_t{1} << 47) - 1);
    PutFixed64(bytes.data(), low | uint64_t{bytes.size() / 8} << 47);
  }
  const ExactBytes all(bytes);
  const auto whole = BlockView::Parse(all.bytes());
  if (!whole.ok()) {
    TSDB_CHECK(whole.status().code() == absl::StatusCode::kDataLoss);
    return;
  }
  TSDB_CHECK(whole->bytes() <= bytes.size());
  const ExactBytes exact(all.bytes().first(whole->bytes()));
  const auto view = BlockView::Parse(exact.bytes());
  TSDB_CHECK(view.ok());
  const size_t count = view->count();
  TSDB_CHECK(count >= 1 && count <= codec::kBlockSamplesMax);

  const InstructionSet before = codec::ActiveInstructionSet();
  const Columns columns = Decode(*view);
  for (const auto set :
       {InstructionSet::kPortable, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    if (!codec::InstructionSetAvailable(set)) continue;
    codec::ForceInstructionSet(set);
    const Columns same = Decode(*view);
    TSDB_CHECK(std::equal(same.timestamps.begin(),
                          same.timestamps.begin() + static_cast<ptrdiff_t>(count),
                          columns.timestamps.begin()));
    TSDB_CHECK(SameBits(same.values.data(), columns.values.data(), count));
    Use(*view, same);
    RoundTrip(same, count);
  }
  codec::ForceInstructionSet(before);
}

}  // namespace
}  // namespace tsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tsdb::fuzz::Input input(data, size);
  const uint8_t mode = input.Byte();
  tsdb::fuzz::Fuzz(mode, input.Rest());
  return 0;
}
