// Encoders read their columns and nothing beyond: these end where no memory is, so that whatever
// reads on, by whole vectors or not, ends the test. (A sanitizer does not see into all of that.)
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "test/storage/codec/run_samples.h"
#include "test/storage/codec/samples.h"

namespace tsdb::codec {
namespace {

// Room for `count` items that ends with a page, before one that cannot be read.
template <typename T>
class BeforeNothing {
 public:
  explicit BeforeNothing(size_t count) : count_(count) {
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t room = (count * sizeof(T) + page - 1) / page * page;
    bytes_ = room + page;
    memory_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory_ != MAP_FAILED);
    auto* end = static_cast<uint8_t*>(memory_) + room;
    REQUIRE(::mprotect(end, page, PROT_NONE) == 0);
    end_ = reinterpret_cast<T*>(end);
  }
  ~BeforeNothing() { ::munmap(memory_, bytes_); }
  BeforeNothing(const BeforeNothing&) = delete;
  BeforeNothing& operator=(const BeforeNothing&) = delete;

  // The last of them, as many as there are items.
  const T* Fill(const std::vector<T>& items) {
    REQUIRE(items.size() <= count_);
    return std::copy(items.begin(), items.end(), end_ - items.size()) - items.size();
  }

 private:
  const size_t count_;
  size_t bytes_;
  void* memory_;
  T* end_;
};

TEST_CASE("codec: encoders read nothing beyond their columns", "[codec]") {
  BeforeNothing<Timestamp> times_room(kBlockSamplesMax);
  BeforeNothing<double> values_room(kBlockSamplesMax);
  std::vector<size_t> counts = EdgeLengths();
  for (size_t count : {20, 40, 48, 63, 64, 65, 100, 500, 512}) counts.push_back(count);
  for (const InstructionSet set : AvailableInstructionSets()) {
    const WithInstructionSet with(set);
    Random random(91);
    std::vector<uint8_t> bytes(EncodedRunsBytesMax(kBlockSamplesMax, 1) +
                               EncodedBytesMax(kBlockSamplesMax));
    const auto encode = [&](size_t count, const TimestampShape& times, const ValueShape& values) {
      CAPTURE(InstructionSetName(set), count, times.name, values.name);
      const Timestamp* const timestamps = times_room.Fill(times.make(count, random));
      const double* const numbers = values_room.Fill(values.make(count, random));
      EncodeHint hint;
      CHECK(EncodeBlock(timestamps, numbers, count, hint, bytes.data()) > 0);
      const Run run{1, 0, static_cast<uint32_t>(count)};
      RunsEncoder encoder;
      CHECK(encoder.Encode({&run, 1}, timestamps, numbers, bytes.data()) > 0);
    };
    for (const size_t count : counts) {
      if (count == 0 || count > kBlockSamplesMax) continue;
      for (const TimestampShape& times : TimestampShapes()) {
        encode(count, times, ValueShapes()[count % ValueShapes().size()]);
      }
      for (const ValueShape& values : ValueShapes()) encode(count, TimestampShapes()[2], values);
    }
  }
}

}  // namespace
}  // namespace tsdb::codec
