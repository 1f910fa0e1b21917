// What the tree computes with vectors, on every instruction set of this machine, against plain
// loops.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <random>
#include <vector>

#include "index/tree/series_reader.h"
#include "index/tree/tree_writer.h"
#include "test/instruction_sets.h"

namespace tsdb::tree {
namespace {

constexpr size_t kLengthMax = 40;  // beyond it whole vectors only repeat

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kSpecial[] = {std::numeric_limits<double>::quiet_NaN(), -0.0, 0.0, kInfinity};

bool EqualBits(double a, double b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

TEST_CASE("vectors: sums, least and greatest are the same on every instruction set") {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> any(-1e6, 1e6);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> values(random() % kLengthMax);
    for (double& value : values) {
      value = random() % 10 != 0 ? any(random) : kSpecial[random() % std::size(kSpecial)];
    }
    // Value i goes to lane i modulo 8, and the lanes are added in order.
    double lanes[8] = {}, total = 0;
    double least = kInfinity, greatest = -kInfinity;
    for (size_t i = 0; i < values.size(); ++i) {
      lanes[i % 8] += values[i];
      if (values[i] < least) least = values[i];
      if (values[i] > greatest) greatest = values[i];
    }
    for (const double lane : lanes) total += lane;
    std::vector<Summary> before;
    for (const codec::InstructionSet set : codec::AvailableInstructionSets()) {
      const codec::WithInstructionSet with(set);
      CAPTURE(codec::InstructionSetName(set), values);
      Summary summary;
      summary.Add(values.data(), values.size());
      before.push_back(summary);
      CHECK(summary.count == values.size());
      CHECK((std::isnan(total) ? std::isnan(summary.sum) : EqualBits(summary.sum, total)));
      CHECK(summary.min == least);
      CHECK(summary.max == greatest);
      // Of zeros with either sign, the same ones.
      CHECK(EqualBits(summary.min, before[0].min));
      CHECK(EqualBits(summary.max, before[0].max));
    }
  }
}

TEST_CASE("vectors: one pair out of order is seen wherever it is, on every instruction set") {
  for (const codec::InstructionSet set : codec::AvailableInstructionSets()) {
    const codec::WithInstructionSet with(set);
    for (size_t length = 1; length <= kLengthMax; ++length) {
      CAPTURE(codec::InstructionSetName(set), length);
      std::vector<Timestamp> times(length);
      for (size_t i = 0; i < length; ++i) times[i] = static_cast<Timestamp>(i * i) - 700;
      CHECK(StrictlyIncreasing(times.data(), length));
      for (size_t at = 1; at < length; ++at) {
        for (const Timestamp wrong : {times[at - 1], std::numeric_limits<Timestamp>::min()}) {
          std::vector<Timestamp> broken = times;
          broken[at] = wrong;
          CAPTURE(at, wrong);
          CHECK_FALSE(StrictlyIncreasing(broken.data(), length));
        }
      }
    }
  }
}

}  // namespace
}  // namespace tsdb::tree
