#include "tools/inspect/lock_holder.h"

#include <catch2/catch.hpp>

namespace tsdb::tools {

TEST_CASE("lock holder: pid, program and time are told apart", "[inspect]") {
  const LockHolder holder = ParseLockText("pid 4711 (a (b) c) since 2026-01-31T12:00:00Z\n");
  CHECK(holder.pid == 4711);
  CHECK(holder.process == "a (b) c");
  CHECK(holder.since == "2026-01-31T12:00:00Z");
}

TEST_CASE("lock holder: other texts name nobody", "[inspect]") {
  for (const char* text : {"", "\n", "pid", "pid (x) since y", "pid 1x (x) since y",
                           "pid 1 since y", "pid 99999999999999999999 (x) since y", ") since  ("}) {
    CAPTURE(text);
    CHECK(ParseLockText(text).pid == 0);
  }
}

}  // namespace tsdb::tools
