#include "storage/base/status_macros.h"

#include <catch2/catch.hpp>
#include <memory>

namespace tsdb {
namespace {

absl::StatusOr<std::unique_ptr<int>> MakeEven(int value) {
  if (value % 2 != 0) return absl::InvalidArgumentError("odd");
  return std::make_unique<int>(value);
}

absl::StatusOr<int> AddEven(int a, int b) {
  TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<int> first, MakeEven(a));
  std::unique_ptr<int> second;
  TSDB_ASSIGN_OR_RETURN(second, MakeEven(b));
  return *first + *second;
}

absl::Status CheckEven(int value, int* calls) {
  ++*calls;
  return MakeEven(value).status();
}

absl::Status CheckBothEven(int a, int b, int* calls) {
  TSDB_RETURN_IF_ERROR(CheckEven(a, calls));
  TSDB_RETURN_IF_ERROR(CheckEven(b, calls));
  return absl::OkStatus();
}

TEST_CASE("assign or return: moves the value out, or passes the error up", "[status]") {
  CHECK(AddEven(2, 4).value() == 6);
  CHECK(AddEven(1, 4).status() == absl::InvalidArgumentError("odd"));
  CHECK(AddEven(2, 3).status() == absl::InvalidArgumentError("odd"));
}

TEST_CASE("return if error: stops at the first error, evaluates once", "[status]") {
  int calls = 0;
  CHECK(CheckBothEven(2, 4, &calls).ok());
  CHECK(calls == 2);
  CHECK(CheckBothEven(1, 4, &calls).message() == "odd");
  CHECK(calls == 3);
}

}  // namespace
}  // namespace tsdb
