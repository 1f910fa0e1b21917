// Readers beside one writer, on the tree itself: what they see is the series as of some instant.

#include <atomic>
#include <catch2/catch.hpp>
#include <vector>

#include "test/index/tree/tree_fixture.h"
#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"

namespace tsdb::tree {
namespace {

// Runs `write` on this thread and `read` on four others, or as many as asked for, until it is done.
template <typename Write, typename Read>
void RunBesideReaders(const Write& write, const Read& read) {
  std::atomic<bool> done{false};
  Threads readers;
  for (size_t i = ThreadCount(4); i > 0; --i) {
    readers.Add([&] {
      while (!done.load(std::memory_order_relaxed)) read();
    });
  }
  write();
  done.store(true, std::memory_order_relaxed);
  readers.Join();
}

TEST_CASE("tree: where the first record wins, no reader ever sees a later one", "[concurrency]") {
  TreeFixture fixture(KeepDuplicate::kEarlier);
  fixture.Append(0, Regular(0, 40));
  Findings findings;
  std::atomic<Timestamp> next{40};
  const auto samples = static_cast<Timestamp>(ScaledFor(400'000, 4));
  RunBesideReaders(
      [&] {
        Page& page = fixture.page(0);
        for (Timestamp time = 40; time < samples; ++time) {
          next.store(time, std::memory_order_relaxed);
          // In one run as in two: the record, then another with its key.
          const Timestamp times[] = {time, time};
          const double values[] = {1, -1};
          fixture.writer.AppendRun(page, 0, times, values, 2);
          if (time % 64 == 0) fixture.writer.Finish();
        }
      },
      [&] {
        const Timestamp time = next.load(std::memory_order_relaxed);
        const auto value = Lookup(fixture.tree, 0, time);
        findings.Expect(!value.has_value() || *value >= 0, "at ", time, ": ", value.value_or(0));
        PieceBuffer buffer;
        const Piece piece = ReadPiece(fixture.tree, 0, time, time, buffer);
        findings.Expect(piece.count == 0 || piece.values[0] >= 0, "scanned at ", time);
      });
  fixture.Settle(0);
  REQUIRE_NO_FINDINGS(findings);
  fixture.RequireSound(1, static_cast<uint64_t>(samples));
}

TEST_CASE("tree: no reader sees a late record while the ones before it are hidden",
          "[concurrency]") {
  TreeFixture fixture;
  fixture.Append(0, Regular(0, 40, 2));
  Findings findings;
  const auto rounds = static_cast<Timestamp>(ScaledFor(300'000, 4));
  RunBesideReaders(
      [&] {
        Page& page = fixture.page(0);
        for (Timestamp i = 40; i < rounds; ++i) {
          // An even time, and then the odd one below it, late.
          const Timestamp times[] = {i * 2, i * 2 - 1};
          const double values[] = {static_cast<double>(i), -1};
          fixture.writer.AppendRun(page, 0, times, values, 2);
          if (i % 64 == 0) fixture.writer.Finish();
        }
      },
      [&] {
        const auto last = Last(fixture.tree, 0);
        findings.Expect(last->timestamp % 2 == 0, "the last sample is the late one at ",
                        last->timestamp);
        PieceBuffer buffer;
        Timestamp scanned = 0;
        Piece piece;
        piece.more = true;
        piece.next = last->timestamp;
        while (piece.more) {
          piece = ReadPiece(fixture.tree, 0, piece.next, kTimestampMax, buffer);
          if (piece.count > 0) scanned = piece.times[piece.count - 1];
        }
        findings.Expect(scanned % 2 == 0, "a scan ends with the late record at ", scanned);
      });
  fixture.Settle(0);
  REQUIRE_NO_FINDINGS(findings);
}

TEST_CASE("tree: long runs put straight into leaves are seen whole and in order", "[concurrency]") {
  TreeFixture fixture;
  fixture.Append(0, Regular(0, kLeafSamples));
  Findings findings;
  const size_t runs = ScaledFor(8'000, 4);
  RunBesideReaders(
      [&] {
        for (size_t run = 1; run < runs; ++run) {
          // Some end at a leaf's end, some leave samples open.
          const size_t end = run * kLeafSamples + (run % 3 == 0 ? 100 : 0);
          const auto begin = Last(fixture.tree, 0)->timestamp + 1;
          fixture.Append(0, Regular(begin, end + kLeafSamples - static_cast<size_t>(begin), 1,
                                    static_cast<double>(begin)));
        }
      },
      [&] {
        PieceBuffer buffer;
        const Timestamp newest = Last(fixture.tree, 0)->timestamp;
        const Timestamp from = newest > 3'000 ? newest - 3'000 : 0;
        Timestamp expected = from;
        Piece piece;
        piece.more = true;
        piece.next = from;
        while (piece.more) {
          piece = ReadPiece(fixture.tree, 0, piece.next, kTimestampMax, buffer);
          for (size_t i = 0; i < piece.count; ++i, ++expected) {
            findings.Expect(piece.times[i] == expected, "at ", piece.times[i], " instead of ",
                            expected);
          }
        }
        findings.Expect(expected > newest, "ends before ", newest);
        const Summary summary = Summarize(fixture.tree, 0, from, newest, true, buffer);
        findings.Expect(summary.count == static_cast<uint64_t>(newest - from + 1), "counts ",
                        summary.count);
      });
  REQUIRE_NO_FINDINGS(findings);
}

}  // namespace
}  // namespace tsdb::tree
