// What a snapshot of one thread sees of another's appends: committed and awaited ones always, with
// kLatest all that had returned; and what it saw once, later ones see too.

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"
#include "tsdb/database.h"

namespace tsdb {
namespace {

// How many samples of a series the writing thread vouches for: stored with release after the fact,
// loaded with acquire before the snapshot is taken.
struct alignas(64) Mark {
  std::atomic<uint64_t> samples{0};
};

// Whether the snapshot sees samples 0 .. count - 1 of the series, one way and another.
void ExpectSeen(const Snapshot& snapshot, SeriesId series, uint64_t count, size_t round,
                Findings& findings) {
  if (count == 0) return;
  const auto newest = static_cast<Timestamp>(count) - 1;
  switch (round % 4) {
    case 0:
      findings.Expect(snapshot.Lookup(series, newest) == ValueOf(series, newest), "series ", series,
                      ": sample ", newest, " is not found");
      break;
    case 1: {
      const std::optional<Sample> last = snapshot.Last(series);
      findings.Expect(last.has_value() && last->timestamp >= newest, "series ", series,
                      ": the last sample is before ", newest);
      break;
    }
    case 2: {
      const uint64_t seen = snapshot.Count(series, {0, newest + 1});
      findings.Expect(seen == count, "series ", series, ": ", seen, " of ", count, " counted");
      break;
    }
    default: {
      Cursor cursor = snapshot.Scan(series, {0, newest + 1});
      const uint64_t seen = CheckCursor(series, cursor, findings);
      findings.Expect(seen == count, "series ", series, ": ", seen, " of ", count, " scanned");
    }
  }
}

constexpr size_t kMarkers = 32;

// Writers append one sample after the other to their series and call `vouch(appender, mark, n)`
// after each; readers take snapshots of the freshness given by the round.
template <typename Vouch>
void RunVouchingWriters(Database& database, size_t samples, bool merged_too, const Vouch& vouch) {
  AddSeries(database, kMarkers);
  std::vector<Mark> marks(kMarkers);
  Findings findings;
  std::atomic<bool> done{false};
  Threads readers;
  for (size_t reader = 0; reader < 2; ++reader) {
    readers.Add([&, reader] {
      for (size_t round = reader; !done.load(std::memory_order_relaxed); ++round) {
        const size_t at = round * 7 % kMarkers;
        const uint64_t count = marks[at].samples.load(std::memory_order_acquire);
        const Freshness freshness =
            merged_too && round % 3 != 0 ? Freshness::kMerged : Freshness::kLatest;
        const Snapshot snapshot = database.NewSnapshot({.freshness = freshness});
        findings.Expect(freshness == Freshness::kMerged || snapshot.complete(),
                        "a kLatest snapshot is not complete");
        ExpectSeen(snapshot, static_cast<SeriesId>(at), count, round / 3, findings);
      }
    });
  }
  RunThreads(kMarkers, [&](size_t number) {
    const auto series = static_cast<SeriesId>(number);
    Appender appender = database.NewAppender();
    for (size_t i = 0; i < samples && findings.none(); ++i) {
      const auto time = static_cast<Timestamp>(i);
      findings.Expect(appender.Append(series, time, ValueOf(series, time)), "append refused");
      vouch(appender, marks[number], i + 1);
    }
  });
  done.store(true, std::memory_order_relaxed);
  readers.Join();
  REQUIRE_NO_FINDINGS(findings);
  RequireAllAccountedFor(database, samples * kMarkers);
}

TEST_CASE("snapshot: what was committed and awaited every later snapshot of any thread sees",
          "[concurrency]") {
  const auto database = Open();
  RunVouchingWriters(*database, Scaled(80'000), /*merged_too=*/true,
                     [](Appender& appender, Mark& mark, uint64_t count) {
                       if (count % 50 != 0 && count % 50 != 7) return;
                       appender.Commit().Await(Milestone::kVisible).IgnoreError();
                       mark.samples.store(count, std::memory_order_release);
                     });
}

TEST_CASE("snapshot: kLatest sees every append that had returned, committed or not",
          "[concurrency]") {
  const auto database = Open();
  RunVouchingWriters(*database, Scaled(800'000), /*merged_too=*/false,
                     [](Appender&, Mark& mark, uint64_t count) {
                       mark.samples.store(count, std::memory_order_release);
                     });
}

TEST_CASE("snapshot: kLatest sees what appenders that are gone had taken in", "[concurrency]") {
  const auto database = Open();
  RunVouchingWriters(*database, Scaled(100'000), /*merged_too=*/false,
                     [&](Appender& appender, Mark& mark, uint64_t count) {
                       if (count % 40 == 0) appender = database->NewAppender();
                       mark.samples.store(count, std::memory_order_release);
                     });
}

TEST_CASE("snapshot: kMerged says how far it reaches and sees all up to there", "[concurrency]") {
  const auto database = Open();
  AddSeries(*database, 1);
  Appender appender = database->NewAppender();
  for (Timestamp time = 0; time < 1000; ++time) {
    REQUIRE(appender.Append(0, time, ValueOf(0, time)));
    const Ticket ticket = appender.Commit();
    REQUIRE(ticket.Await(Milestone::kVisible).ok());
    const Snapshot snapshot = database->NewSnapshot({.freshness = Freshness::kMerged});
    REQUIRE(snapshot.reach() >= ticket.sequence());
    REQUIRE(snapshot.complete());
    REQUIRE(snapshot.Count(0) == static_cast<uint64_t>(time) + 1);
  }
}

TEST_CASE("cursor: old samples come once each and in order while the series is rewritten",
          "[concurrency]") {
  const auto database = Open();
  constexpr size_t kSeries = 3;
  AddSeries(*database, kSeries);
  // Even times are there before any cursor; odd ones come late meanwhile, from everywhere, so that
  // leaves are rewritten and split under the cursors.
  const auto samples = static_cast<Timestamp>(Scaled(200'000));
  {
    Appender appender = database->NewAppender();
    for (Timestamp time = 0; time < 2 * samples; time += 2) {
      for (SeriesId series = 0; series < kSeries; ++series) {
        REQUIRE(appender.Append(series, time, ValueOf(series, time)));
      }
    }
  }
  REQUIRE(database->Flush().ok());
  Findings findings;
  std::atomic<bool> done{false};
  std::atomic<size_t> rounds{0};
  Threads readers;
  for (SeriesId series = 0; series < kSeries; ++series) {
    readers.Add([&, series] {
      do {
        const Snapshot snapshot = database->NewSnapshot({.freshness = Freshness::kMerged});
        Cursor cursor = snapshot.Scan(series);
        ColumnBlock block;
        Timestamp last = -1;
        Timestamp even = 0;  // the next of those that must come
        while (cursor.Next(block)) {
          for (const Timestamp time : block.timestamps) {
            findings.Expect(time > last, "series ", series, ": ", time, " after ", last);
            last = time;
            if (time % 2 != 0) continue;
            findings.Expect(time == even, "series ", series, ": ", time, " instead of ", even);
            even = time + 2;
          }
        }
        findings.Expect(even == 2 * samples, "series ", series, ": ends at ", even);
        rounds.fetch_add(1, std::memory_order_relaxed);
      } while (!done.load(std::memory_order_relaxed) && findings.none());
    });
  }
  RunThreads(2, [&](size_t number) {
    Appender appender = database->NewAppender();
    for (Timestamp i = 0; i < samples; ++i) {
      // 40,503 shares no factor with the power of two and a bit that samples is a multiple of.
      const Timestamp time = i * 40'503 % samples * 2 + 1;
      if (static_cast<size_t>(i) % 2 != number) continue;
      for (SeriesId series = 0; series < kSeries; ++series) {
        findings.Expect(appender.Append(series, time, ValueOf(series, time)), "refused");
      }
      if (i % 64 == 0) appender.Commit();
    }
  });
  // The writers may be done before the first merge; the readers see them all.
  REQUIRE(database->Flush().ok());
  done.store(true, std::memory_order_relaxed);
  readers.Join();
  REQUIRE_NO_FINDINGS(findings);
  REQUIRE(database->Statistics().leaf_rewrites > 0);
  RequireAllAccountedFor(*database, static_cast<uint64_t>(samples) * 2 * kSeries);
  REQUIRE(rounds.load(std::memory_order_relaxed) >= kSeries);
}

TEST_CASE("snapshot: a series that outgrows its shared leaf never seems shorter", "[concurrency]") {
  const auto database = Open();
  constexpr size_t kSeries = 192;
  AddSeries(*database, kSeries);
  const auto samples = static_cast<Timestamp>(Scaled(2'000) > 200 ? Scaled(2'000) : 200);
  Findings findings;
  std::atomic<bool> done{false};
  Threads readers;
  for (size_t reader = 0; reader < 2; ++reader) {
    readers.Add([&, reader] {
      std::vector<uint64_t> counts(kSeries);
      for (size_t round = reader; !done.load(std::memory_order_relaxed); round += 5) {
        const auto series = static_cast<SeriesId>(round % kSeries);
        const Snapshot snapshot = database->NewSnapshot({.freshness = Freshness::kMerged});
        Cursor cursor = snapshot.Scan(series);
        const uint64_t count = CheckCursor(series, cursor, findings);
        findings.Expect(count >= counts[series], "series ", series, ": ", count, " after ",
                        counts[series]);
        counts[series] = count;
        if (count == 0) continue;
        // Times begin at 0 and leave none out.
        const auto newest = static_cast<Timestamp>(count) - 1;
        findings.Expect(snapshot.Lookup(series, newest).has_value(), "series ", series, ": ",
                        newest, " is scanned, but not found");
      }
    });
  }
  {
    Appender appender = database->NewAppender();
    for (Timestamp time = 0; time < samples; ++time) {
      for (SeriesId series = 0; series < kSeries; ++series) {
        REQUIRE(appender.Append(series, time, ValueOf(series, time)));
      }
      appender.Commit();
    }
  }
  done.store(true, std::memory_order_relaxed);
  readers.Join();
  REQUIRE_NO_FINDINGS(findings);
  RequireAllAccountedFor(*database, static_cast<uint64_t>(samples) * kSeries);
}

}  // namespace
}  // namespace tsdb
