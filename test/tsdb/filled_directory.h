// A directory with something of everything that one can hold, for tests that fail or damage it.
//
// Thread safety: one thread at a time.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "test/faults/memory_file_system.h"
#include "test/tsdb/durable_database.h"

namespace tsdb {

// What a crash leaves of a database with leaves, a shared leaf and labels in segments, dead leaves
// among them, and more of all that in the log behind them; with garbage of an earlier crash.
// `content` is what is in it: of each series ValueOf the time.
inline std::unique_ptr<MemoryFileSystem> FilledDirectory(Content* content) {
  MemoryFileSystem files({kParent});
  const auto database = OpenIn(&files);
  Appender appender = database->NewAppender();
  const auto append = [&](SeriesId series, Timestamp begin, Timestamp end) {
    for (Timestamp time = begin; time < end; ++time) {
      REQUIRE(appender.Append(series, time, ValueOf(series, time)));
    }
  };
  AddSeries(*database, 3);
  append(0, 0, 1500);
  append(1, 0, 3);
  REQUIRE(database->Checkpoint().ok());
  append(0, 300, 400);  // late: their leaves are written anew
  append(2, 0, 3);
  REQUIRE(database->Delete(std::vector<SeriesId>{0}, {700, 710}).ok());
  REQUIRE(database->Checkpoint().ok());
  AddSeries(*database, 4);
  append(3, 0, 5);
  append(0, 1500, 1510);
  REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
  REQUIRE(database->Delete(std::vector<SeriesId>{0}, {20, 30}).ok());
  *content = ReadContent(*database);
  REQUIRE(content->size() == 4);
  auto crashed = files.AfterProcessCrash();
  for (const char* garbage : {"0000000099.segment", "0000000098.segment.tmp"}) {
    crashed->SetContent(JoinPath(kSegments, garbage), {1, 2, 3});
  }
  return crashed;
}

}  // namespace tsdb
