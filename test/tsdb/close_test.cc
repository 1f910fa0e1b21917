// Closing a database beside threads that make appenders, and beside other closes.

#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"
#include "tsdb/database.h"

namespace tsdb {
namespace {

TEST_CASE("close: again it returns the same, and appenders made after it are refused",
          "[concurrency]") {
  const auto database = Open(TinyBuffers());
  AddSeries(*database, 1);
  {
    Appender appender = database->NewAppender();
    REQUIRE(appender.Append(0, 1, 1));
    REQUIRE(database->Close().code() == absl::StatusCode::kFailedPrecondition);
    REQUIRE(appender.Append(0, 2, 1));
  }
  REQUIRE(database->Close().ok());
  Appender late = database->NewAppender();
  REQUIRE(!late.Append(0, 3, 1));
  REQUIRE(late.status().code() == absl::StatusCode::kFailedPrecondition);
  REQUIRE(database->Close().ok());
  RequireAllAccountedFor(*database, 2);
  REQUIRE(database->Statistics().ledger.rejected_closed == 1);
}

TEST_CASE("close: an appender made meanwhile either holds it up or refuses every append",
          "[concurrency]") {
  const size_t rounds = Scaled(400);
  for (size_t round = 0; round < rounds; ++round) {
    const auto database = Open(TinyBuffers());
    AddSeries(*database, 1);
    absl::Status closed;
    bool before = false;
    bool after = false;
    std::latch close_returned(1);
    RunThreads(2, [&](size_t number) {
      if (number == 0) {
        closed = database->Close();
        close_returned.count_down();
        return;
      }
      Appender appender = database->NewAppender();
      before = appender.Append(0, 1, 1);
      close_returned.wait();
      appender.ClearStatus();
      after = appender.Append(0, 2, 1);
    });
    CAPTURE(round, closed.ToString());
    REQUIRE(after == !closed.ok());
    // Before Close has decided, an append can only have gone to an appender that then held it up.
    REQUIRE(before == !closed.ok());
  }
}

TEST_CASE("close: of two at once neither returns before everything is merged", "[concurrency]") {
  const size_t rounds = Scaled(100);
  constexpr size_t kRecords = 20'000;
  Findings findings;
  for (size_t round = 0; round < rounds; ++round) {
    const auto database = Open(TinyBuffers());
    AddSeries(*database, 4);
    {
      Appender appender = database->NewAppender();
      for (size_t i = 0; i < kRecords; ++i) {
        // Backwards, so that there are late records to merge.
        REQUIRE(
            appender.Append(static_cast<SeriesId>(i % 4), static_cast<Timestamp>(kRecords - i), 1));
      }
    }
    RunThreads(2, [&](size_t) {
      const absl::Status closed = database->Close();
      findings.Expect(closed.ok(), closed.ToString());
      const Ledger ledger = database->Statistics().ledger;
      findings.Expect(ledger.Buffered() == 0, ledger.Buffered(), " records are buffered");
    });
    REQUIRE_NO_FINDINGS(findings);
  }
}

TEST_CASE("close: beside threads that make and destroy appenders", "[concurrency]") {
  constexpr size_t kWriters = 4;
  const auto database = Open(TinyBuffers());
  AddSeries(*database, kWriters);
  std::atomic<uint64_t> accepted{0};
  Findings findings;
  RunThreads(kWriters + 1, [&](size_t number) {
    if (number == kWriters) {
      absl::Status closed = database->Close();
      while (!closed.ok()) {
        findings.Expect(closed.code() == absl::StatusCode::kFailedPrecondition, closed.ToString());
        closed = database->Close();
      }
      return;
    }
    // Until the first refusal; a bound, so that no failure of Close keeps this going.
    for (Timestamp time = 0; time < 10'000'000; ++time) {
      Appender appender = database->NewAppender();
      if (!appender.Append(static_cast<SeriesId>(number), time, 1)) {
        findings.Expect(appender.status().code() == absl::StatusCode::kFailedPrecondition,
                        appender.status().ToString());
        return;
      }
      accepted.fetch_add(1, std::memory_order_relaxed);
    }
    findings.Expect(false, "writer ", number, " was never refused");
  });
  REQUIRE_NO_FINDINGS(findings);
  RequireAllAccountedFor(*database, accepted.load(std::memory_order_relaxed));
}

}  // namespace
}  // namespace tsdb
