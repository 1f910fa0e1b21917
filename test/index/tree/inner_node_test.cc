// Inner nodes: finding, growing at the right edge, packing.

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>
#include <vector>

#include "index/tree/block_memory.h"
#include "index/tree/inner_node.h"

namespace tsdb::tree {
namespace {

struct NodeFixture {
  ~NodeFixture() {
    for (const Retired& block : retired) pool.Free(block.block, block.bytes);
  }
  SlabPool pool;
  std::vector<Retired> retired;
  BlockMemory memory{&pool, &retired};
  char leaves[8] = {};  // something to point to
};

// Find against its definition, at every key, beside it and at the ends.
void CheckFind(NodeFixture& fixture, const std::vector<Timestamp>& keys) {
  InnerNode* node = InnerNode::Create(fixture.memory, 0, static_cast<uint32_t>(keys.size()));
  for (const Timestamp key : keys) node->Push(key, fixture.leaves);
  std::vector<Timestamp> probes = {kTimestampMin,     kTimestampMin + 1, -1, 0, 1,
                                   kTimestampMax - 1, kTimestampMax};
  for (const Timestamp key : keys) {
    probes.push_back(key);
    if (key > kTimestampMin) probes.push_back(key - 1);
    if (key < kTimestampMax) probes.push_back(key + 1);
  }
  for (uint32_t count = 1; count <= keys.size(); ++count) {
    for (const Timestamp probe : probes) {
      const auto above = std::upper_bound(keys.begin(), keys.begin() + count, probe);
      const auto expected =
          above == keys.begin() ? 0 : static_cast<uint32_t>(above - keys.begin()) - 1;
      if (node->Find(probe, count) != expected) {
        CAPTURE(probe, count, expected);
        REQUIRE(node->Find(probe, count) == expected);
      }
    }
  }
  fixture.memory.Retire(node, node->bytes());
}

TEST_CASE("inner node: finds what bisection finds, over regular keys") {
  NodeFixture fixture;
  for (const Timestamp stride : {1, 2, 1'000, 512'000}) {
    for (const size_t count : {1, 2, 3, 4, 63, 64}) {
      std::vector<Timestamp> keys;
      for (size_t i = 0; i < count; ++i) {
        keys.push_back(1'700'000'000'000 + static_cast<Timestamp>(i) * stride);
      }
      CheckFind(fixture, keys);
    }
  }
}

TEST_CASE("inner node: finds what bisection finds, over irregular and extreme keys") {
  NodeFixture fixture;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    std::set<Timestamp> keys;
    const size_t count = 1 + random() % 64;
    while (keys.size() < count) {
      // Gaps of every size, and the ends of int64 among them.
      const auto bits = static_cast<unsigned>(random() % 64);
      keys.insert(static_cast<Timestamp>(random()) >> bits);
      if (random() % 10 == 0) keys.insert(random() % 2 == 0 ? kTimestampMin : kTimestampMax);
      while (keys.size() > count) keys.erase(keys.begin());
    }
    CheckFind(fixture, {keys.begin(), keys.end()});
  }
  CheckFind(fixture, {kTimestampMin, kTimestampMax});
  CheckFind(fixture, {kTimestampMin, kTimestampMin + 1, kTimestampMax - 1, kTimestampMax});
}

// The leaf under `root` whose range holds the timestamp.
const void* Descend(const InnerNode* root, Timestamp timestamp) {
  for (;;) {
    const void* child = root->child(root->Find(timestamp, root->count()));
    if (root->level() == 0) return child;
    root = static_cast<const InnerNode*>(child);
  }
}

uint64_t CountNodes(const InnerNode* node) {
  uint64_t nodes = 1;
  for (uint32_t i = 0; node->level() > 0 && i < node->count(); ++i) {
    nodes += CountNodes(node->node(i));
  }
  return nodes;
}

TEST_CASE("inner node: leaves appended one by one are found, and nodes at the edge are full") {
  NodeFixture fixture;
  InnerNode* root = nullptr;
  constexpr uint32_t kLeaves = 64 * 64 * 3 + 70;
  std::vector<char> leaves(kLeaves);
  for (uint32_t i = 0; i < kLeaves; ++i) {
    root = AppendLeaf(fixture.memory, root, Timestamp{i} * 10, &leaves[i]);
    REQUIRE(Descend(root, Timestamp{i} * 10) == &leaves[i]);
    REQUIRE(Descend(root, kTimestampMax) == &leaves[i]);
    REQUIRE(Descend(root, kTimestampMin) == &leaves[0]);
    const uint32_t level = i < 64 ? 0 : i < 64 * 64 ? 1 : 2;
    REQUIRE(root->level() == level);
  }
  for (uint32_t i = 0; i < kLeaves; ++i) {
    REQUIRE(Descend(root, Timestamp{i} * 10 + 9) == &leaves[i]);
  }
  // 194 of level 0, 4 of level 1, the root: no node was halved.
  REQUIRE(CountNodes(root) == 194 + 4 + 1);
}

TEST_CASE("inner node: packing keeps every entry, in as few nodes as hold them") {
  NodeFixture fixture;
  std::vector<char> leaves(1'000);
  for (size_t count = 1; count <= 300; ++count) {
    std::vector<Entry> entries;
    for (size_t i = 0; i < count; ++i) entries.push_back({static_cast<Timestamp>(i), &leaves[i]});
    std::vector<Entry> nodes;
    PackNodes(fixture.memory, 3, entries, nodes);
    REQUIRE(nodes.size() == (count + kFanout - 1) / kFanout);
    size_t at = 0;
    uint32_t least = kFanout;
    uint32_t most = 0;
    for (const Entry& entry : nodes) {
      const auto* node = static_cast<const InnerNode*>(entry.child);
      REQUIRE(node->level() == 3);
      REQUIRE(entry.first == node->first(0));
      least = std::min(least, node->count());
      most = std::max(most, node->count());
      for (uint32_t i = 0; i < node->count(); ++i, ++at) {
        REQUIRE(node->first(i) == static_cast<Timestamp>(at));
        REQUIRE(node->child(i) == &leaves[at]);
      }
    }
    REQUIRE(at == count);
    REQUIRE(most - least <= 1);
  }
}

}  // namespace
}  // namespace tsdb::tree
