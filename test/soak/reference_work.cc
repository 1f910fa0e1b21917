#include "test/soak/reference_work.h"

#include <ctime>

#include <algorithm>
#include <random>

#include "storage/base/check.h"
#include "test/soak/process_figures.h"

namespace tsdb::soak {
namespace {

uint64_t ThreadNs() {
  timespec time{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) Fail("no clock of the thread's time");
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

ReferenceWork::ReferenceWork() : numbers_(kNumbers), scattered_(kPlaces * kRoom), filled_(kPlaces) {
  std::mt19937_64 random(1);
  std::generate(numbers_.begin(), numbers_.end(), random);
}

uint64_t ReferenceWork::Run() {
  const uint64_t begin = ThreadNs();
  std::fill(filled_.begin(), filled_.end(), 0);
  for (uint64_t& number : numbers_) {
    number = number * 6364136223846793005 + 1442695040888963407;
    const size_t place = number >> 54;
    if (filled_[place] < kRoom) scattered_[place * kRoom + filled_[place]++] = number;
  }
  uint64_t sum = 0;
  for (size_t place = 0; place < kPlaces; ++place) {
    for (size_t i = 0; i < filled_[place]; ++i) sum ^= scattered_[place * kRoom + i];
  }
  TSDB_CHECK(sum != 0);  // or it would not have to be done
  return ThreadNs() - begin;
}

}  // namespace tsdb::soak
