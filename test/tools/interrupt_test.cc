// Ctrl-C, as often as one likes.
#include "tools/interrupt.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

namespace tsdb::tools {
namespace {

TEST_CASE("interrupts: more of them than a pipe holds are no more than one", "[text]") {
  {
    const InterruptStop stop(InterruptStop::Again::kNothing);
    for (int i = 0; i < 100'000; ++i) REQUIRE(std::raise(SIGINT) == 0);
    while (!stop.token().stop_requested()) std::this_thread::yield();
  }
  // None is left for the next question.
  const InterruptStop stop(InterruptStop::Again::kNothing);
  REQUIRE_FALSE(stop.token().stop_requested());
}

}  // namespace
}  // namespace tsdb::tools
