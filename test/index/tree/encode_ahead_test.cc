// Leaves of a run that are encoded before its page is owned.
#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "test/index/tree/tree_fixture.h"

namespace tsdb::tree {
namespace {

struct AheadFixture : TreeFixture {
  // A series with leaves of its own, and `open` samples in the open leaf; the last at 999.
  void Fill(uint32_t open) {
    const size_t count = kLeafSamples + open;
    Append(0, Regular(1000 - static_cast<Timestamp>(count), count));
    for (Timestamp time = 1000 - static_cast<Timestamp>(count); time < 1000; ++time) {
      expected[time] = static_cast<double>(time - 1000 + static_cast<Timestamp>(count));
    }
    REQUIRE(version(0)->count() == open);
  }
  size_t Encode(const Columns& run) {
    return writer.EncodeAhead(page(0), 0, run.first.data(), run.second.data(), run.first.size(),
                              leaves);
  }
  void AppendWith(const Columns& run, size_t begin) {
    writer.AppendRun(page(0), 0, run.first.data(), run.second.data(), run.first.size(),
                     {begin, leaves});
    writer.Finish();
    for (size_t i = 0; i < run.first.size(); ++i) expected[run.first[i]] = run.second[i];
  }
  void RequireAll() {
    Settle(0);
    RequireContent(0, expected);
    RequireSound(1, expected.size());
  }
  bool Linked(const uint8_t* leaf) {
    const InnerNode* root = version(0)->root.load();
    for (uint32_t i = 0; i < root->count(); ++i) {
      if (root->leaf(i) == leaf) return true;
    }
    return false;
  }

  std::vector<const uint8_t*> leaves;
  std::map<Timestamp, double> expected;
};

TEST_CASE_METHOD(AheadFixture, "encode ahead: aligned leaves are linked in as they are", "[tree]") {
  const uint32_t open = GENERATE(0u, 1u, 200u, 511u);
  Fill(open);
  const Columns run = Regular(1000, 3 * kLeafSamples + 17, 1, 5);
  const size_t begin = Encode(run);
  REQUIRE(begin == (kLeafSamples - open) % kLeafSamples);
  REQUIRE(leaves.size() == (run.first.size() - begin) / kLeafSamples);
  AppendWith(run, begin);
  for (const uint8_t* leaf : leaves) REQUIRE(Linked(leaf));
  RequireAll();
}

TEST_CASE_METHOD(AheadFixture, "encode ahead: leaves that no longer fit are dropped", "[tree]") {
  Fill(100);
  const Columns run = Regular(2000, 3 * kLeafSamples, 1, 5);
  const size_t begin = Encode(run);
  REQUIRE(leaves.size() == 2);
  // Another part's records came first: the open leaf is filled from elsewhere.
  const Columns other = GENERATE(Regular(1000, 7), Regular(5000, 10));  // the run follows; is late
  Append(0, other);
  for (size_t i = 0; i < other.first.size(); ++i) expected[other.first[i]] = other.second[i];
  AppendWith(run, begin);
  for (const uint8_t* leaf : leaves) REQUIRE(!Linked(leaf));
  RequireAll();
}

TEST_CASE_METHOD(AheadFixture,
                 "encode ahead: nothing for runs out of order or short, or sparse series",
                 "[tree]") {
  Columns run = Regular(1000, 2 * kLeafSamples);
  Encode(run);
  REQUIRE(leaves.empty());  // the series has no leaf yet
  Fill(0);
  Encode(Regular(1000, 2 * kLeafSamples - 1));
  REQUIRE(leaves.empty());
  std::swap(run.first[7], run.first[8]);
  Encode(run);
  REQUIRE(leaves.empty());
}

TEST_CASE_METHOD(AheadFixture, "encode ahead: dropped leaves' memory is given back", "[tree]") {
  Fill(0);
  const int64_t before = count(Counter::kEncodedBytes);
  const Columns run = Regular(2000, 4 * kLeafSamples);
  Encode(run);
  REQUIRE(leaves.size() == 4);
  // The run turns out to lie before what was appended meanwhile.
  Append(0, Regular(9000, 1));
  writer.AppendRun(page(0), 0, run.first.data(), run.second.data(), 1, {0, leaves});
  writer.Finish();
  REQUIRE(count(Counter::kEncodedBytes) == before);
}

}  // namespace
}  // namespace tsdb::tree
