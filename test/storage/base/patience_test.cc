#include "storage/base/patience.h"

#include <catch2/catch.hpp>
#include <new>
#include <string>

#include "absl/status/statusor.h"

namespace tsdb {
namespace {

TEST_CASE("patience: a scope lies in another", "[patience]") {
  REQUIRE_FALSE(PatientScope::Active());
  {
    const PatientScope outer;
    {
      const PatientScope inner;
      REQUIRE(PatientScope::Active());
    }
    REQUIRE(PatientScope::Active());
  }
  REQUIRE_FALSE(PatientScope::Active());
}

TEST_CASE("patience: a thread waits, or is told that there is no memory", "[patience]") {
  REQUIRE_THROWS_AS(AwaitMemory(), std::bad_alloc);
  {
    const PatientScope patient;
    REQUIRE_NOTHROW(AwaitMemory());
  }
  REQUIRE(ThreadsAwaitingMemory() == 0);
}

int handled = 0;
void CountAndThrow() {
  ++handled;
  throw std::bad_alloc();
}

TEST_CASE("patience: the handler of before is called outside of scopes", "[patience]") {
  const std::new_handler found = std::get_new_handler();
  std::set_new_handler(&CountAndThrow);
  InstallPatience();
  const std::new_handler installed = std::get_new_handler();
  REQUIRE_THROWS_AS(installed(), std::bad_alloc);
  REQUIRE(handled == 1);
  {
    const PatientScope patient;
    REQUIRE_NOTHROW(installed());  // operator new asks again
  }
  REQUIRE(handled == 1);
  std::set_new_handler(found);
}

TEST_CASE("patience: what throws for want of memory returns a status", "[patience]") {
  const absl::Status status =
      OrNoMemory("counting", []() -> absl::Status { throw std::bad_alloc(); });
  REQUIRE(status.code() == absl::StatusCode::kResourceExhausted);
  REQUIRE(std::string(status.message()) ==
          "counting: the system has no memory; free some, and try again");
  const auto fine = OrNoMemory("counting", []() -> absl::StatusOr<int> { return 7; });
  REQUIRE(*fine == 7);
}

}  // namespace
}  // namespace tsdb
