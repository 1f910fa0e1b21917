// The check of the tree finds damage planted in what is published.

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "test/index/tree/tree_fixture.h"

namespace tsdb::tree {
namespace {

// Three leaves and an open one in series 1; ten samples each in sparse series 64 to 66.
struct DamagedTree : TreeFixture {
  DamagedTree() {
    Append(1, Regular(0, 3 * kLeafSamples + 10, 10));
    for (SeriesId series = 64; series < 67; ++series) Append(series, Regular(0, 10, 10));
    Settle(64);
    RequireSound(128, 3 * kLeafSamples + 40);
  }
  SeriesVersion& Version() { return *page(1).dense[1].load(); }
  InnerNode& Root() { return *Version().root.load(); }
  Timestamp& First(uint32_t i) {
    // The first timestamps follow the node's header.
    return reinterpret_cast<Timestamp*>(&Root() + 1)[i];
  }
  uint8_t* Leaf(uint32_t i) { return const_cast<uint8_t*>(Root().leaf(i)); }
  SharedLeaf& Shared() { return *page(64).shared.load(); }

  void RequireDataLoss(const std::string& series) {
    const auto walked = CheckTree(tree, 128);
    INFO(walked.status().ToString());
    REQUIRE(walked.status().code() == absl::StatusCode::kDataLoss);
    REQUIRE(std::string(walked.status().message()).find(series) != std::string::npos);
  }
};

TEST_CASE_METHOD(DamagedTree, "tree check: an entry's first timestamp that is not its leaf's") {
  First(1) += 1;
  RequireDataLoss("series 1");
}

TEST_CASE_METHOD(DamagedTree, "tree check: leaves in the wrong order") {
  const void* first = Root().child(0);
  Root().SetChild(0, Root().child(1));
  Root().SetChild(1, first);
  RequireDataLoss("series 1");
}

TEST_CASE_METHOD(DamagedTree, "tree check: a leaf in two places") {
  Root().SetChild(2, Root().child(1));
  RequireDataLoss("series 1");
  First(2) = First(1);
  RequireDataLoss("series 1");
}

TEST_CASE_METHOD(DamagedTree, "tree check: a leaf with another's bytes in it") {
  // Bytes of the header, the statistics and the columns' headers, all ones.
  for (size_t offset = 8; offset < 64; offset += 8) {
    CAPTURE(offset);
    uint64_t saved;
    std::memcpy(&saved, Leaf(1) + offset, sizeof saved);
    const uint64_t ones = ~uint64_t{0};
    std::memcpy(Leaf(1) + offset, &ones, sizeof ones);
    const auto walked = CheckTree(tree, 128);
    // Values and their statistics are not invariants of the tree; whatever is found is data loss.
    if (!walked.ok()) REQUIRE(walked.status().code() == absl::StatusCode::kDataLoss);
    std::memcpy(Leaf(1) + offset, &saved, sizeof saved);
  }
  RequireSound(128, 3 * kLeafSamples + 40);
}

TEST_CASE_METHOD(DamagedTree, "tree check: a leaf whose timestamps are another leaf's") {
  const auto view = codec::BlockView::Trusted(Leaf(0));
  const auto other = codec::BlockView::Trusted(Leaf(1));
  REQUIRE(view.bytes() == other.bytes());
  std::memcpy(Leaf(1), Leaf(0), view.bytes());
  RequireDataLoss("series 1");
}

TEST_CASE_METHOD(DamagedTree, "tree check: an open leaf out of order") {
  std::swap(Version().times()[3], Version().times()[4]);
  RequireDataLoss("series 1");
}

TEST_CASE_METHOD(DamagedTree, "tree check: an open leaf that begins within the leaf before it") {
  Version().times()[0] = First(2);
  RequireDataLoss("series 1");
}

TEST_CASE_METHOD(DamagedTree, "tree check: a count of leaf records that is not theirs") {
  Version().leaf_records += 1;
  RequireDataLoss("series 1");
}

TEST_CASE_METHOD(DamagedTree, "tree check: shared samples out of order") {
  // Moves the border between series 64 and 65 by one, so that one has the other's sample.
  Shared().starts[1] = static_cast<uint16_t>(Shared().starts[1] + 1);
  RequireDataLoss("series 64");
}

TEST_CASE_METHOD(DamagedTree, "tree check: a shared index that counts other than its block") {
  Shared().starts[kPageSeries] = static_cast<uint16_t>(Shared().starts[kPageSeries] - 1);
  RequireDataLoss("series 64");
}

TEST_CASE_METHOD(DamagedTree, "tree check: a series both dense and shared") {
  SeriesVersion* version = page(1).dense[1].load();
  page(64).dense[2].store(version);
  RequireDataLoss("series 66");
  page(64).dense[2].store(nullptr);
}

}  // namespace
}  // namespace tsdb::tree
