// Transposing a scrape, on every instruction set of this machine, for all shapes of a few tiles.
#include "tsdb/merge/transpose.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

#include "test/instruction_sets.h"

namespace tsdb::merge {
namespace {

TEST_CASE("transpose: every value comes to its place, and nothing beside is written") {
  constexpr uint32_t kMost = 27;
  constexpr uint64_t kUntouched = ~uint64_t{0};
  for (const codec::InstructionSet set : codec::AvailableInstructionSets()) {
    const codec::WithInstructionSet with(set);
    for (uint32_t rows = 1; rows <= kMost; ++rows) {
      for (uint32_t columns = 1; columns <= kMost; ++columns) {
        CAPTURE(codec::InstructionSetName(set), rows, columns);
        std::vector<uint64_t> from(size_t{rows} * columns);
        std::iota(from.begin(), from.end(), 1);
        // Runs lie in no order, with room between them.
        std::vector<uint32_t> begins(columns);
        for (uint32_t i = 0; i < columns; ++i) begins[i] = (columns - 1 - i) * (rows + 3) + 1;
        std::vector<uint64_t> to(size_t{columns} * (rows + 3), kUntouched);
        std::vector<uint64_t> expected = to;
        for (uint32_t row = 0; row < rows; ++row) {
          for (uint32_t column = 0; column < columns; ++column) {
            expected[begins[column] + row] = from[size_t{row} * columns + column];
          }
        }
        Transpose(from.data(), rows, columns, begins.data(), to.data());
        REQUIRE(to == expected);
      }
    }
  }
}

}  // namespace
}  // namespace tsdb::merge
