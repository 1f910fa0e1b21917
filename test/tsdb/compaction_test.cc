// Which segments a checkpoint writes anew.
#include <catch2/catch.hpp>

#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"

namespace tsdb {
namespace {

constexpr SeriesId kSeriesOfRound = 8;
constexpr Timestamp kTimes = 512;

TEST_CASE("compaction: a segment that was mostly dead is known as such when it is opened again",
          "[durability]") {
  MemoryFileSystem files({kParent});
  Content content;
  {
    const auto database = OpenIn(&files);
    AddSeries(*database, kSeriesOfRound);
    Appender appender = database->NewAppender();
    const auto append = [&](SeriesId end, Timestamp from) {
      for (SeriesId series = 0; series < end; ++series) {
        for (Timestamp time = from; time < kTimes; ++time) {
          REQUIRE(appender.Append(series, time, ValueOf(series, time)));
        }
      }
      REQUIRE(appender.Commit().Await(Milestone::kVisible).ok());
      REQUIRE(database->Checkpoint().ok());
    };
    append(kSeriesOfRound, 0);
    REQUIRE(database->Statistics().segments == 1);
    append(kSeriesOfRound - 1, kTimes / 2);  // again: leaves are written anew
    REQUIRE(database->Statistics().segments == 2);
    REQUIRE(database->Statistics().compacted_bytes == 0);
    content = ReadContent(*database);
  }
  const auto database = OpenIn(&files);
  Appender appender = database->NewAppender();
  CommitDurably(*database, appender, 1, &content);
  REQUIRE(database->Checkpoint().ok());
  CHECK(database->Statistics().compacted_bytes > 0);
  CHECK(ReadContent(*database) == content);
}

}  // namespace
}  // namespace tsdb
