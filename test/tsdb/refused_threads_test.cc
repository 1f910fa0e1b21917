// A system that refuses new threads: opening says so, and loses nothing.
#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <limits>
#include <memory>
#include <string_view>

#include "test/tsdb/durable_database.h"
#include "test/tsdb/local_directory.h"

namespace {

constexpr int kAny = std::numeric_limits<int>::max();
std::atomic<int> startable{kAny};  // threads of the engine that may be started yet
std::atomic<int> at_once{kAny};    // threads there may be, oneTBB's too, from the next one on
std::atomic<int> running{0};
std::atomic<int> refused{0};

struct Start {
  void* (*routine)(void*);
  void* argument;
};

void* RunCounted(void* given) {
  const std::unique_ptr<Start> start(static_cast<Start*>(given));
  void* const result = start->routine(start->argument);
  running.fetch_sub(1);
  return result;
}

bool IsFromTbb(const void* caller) {
  Dl_info info;
  return dladdr(caller, &info) != 0 &&
         std::string_view(info.dli_fname).find("libtbb") != std::string_view::npos;
}

int Refuse() {
  refused.fetch_add(1);
  return EAGAIN;
}

}  // namespace

// Before the C library's, also for std::thread and oneTBB.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*routine)(void*), void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  if (!IsFromTbb(__builtin_return_address(0)) && startable != kAny && startable.fetch_sub(1) <= 0) {
    return Refuse();
  }
  if (running.fetch_add(1) >= at_once) {
    running.fetch_sub(1);
    return Refuse();
  }
  auto start = std::make_unique<Start>(Start{routine, argument});
  const int error = create(thread, attributes, RunCounted, start.get());
  if (error == 0) start.release();  // NOLINT: RunCounted's
  return error;
}

namespace tsdb {
namespace {

// What opening returned, or AwaitOpened did.
absl::Status TryToOpen(const Options& options, std::unique_ptr<Database>* database) {
  auto opened = Database::Open(options);
  if (!opened.ok()) return opened.status();
  *database = *std::move(opened);
  return (*database)->AwaitOpened();
}

Options FilledIn(const LocalDirectory& folder, Content* content) {
  Options options = InDirectory();
  options.directory = folder.File("db");
  const auto database = Open(options);
  Appender appender = database->NewAppender();
  for (int i = 0; i < 20; ++i) CommitDurably(*database, appender, i, content);
  return options;
}

void RequireRefusal(const absl::Status& status) {
  INFO(status.ToString());
  REQUIRE(absl::IsResourceExhausted(status));
  REQUIRE(status.message().find("refuses a new thread") != std::string::npos);
}

TEST_CASE("threads: whichever of its own the engine is refused, opening says so and loses nothing",
          "[durability]") {
  const LocalDirectory folder;
  Content expected;
  const Options options = FilledIn(folder, &expected);
  Options serving = options;
  serving.serve_while_opening = GENERATE(false, true);
  bool all_started = false;
  int opened_without = 0;
  for (int nth = 0; !all_started; ++nth) {
    INFO(nth << " threads started");
    REQUIRE(nth < 1000);
    {
      std::unique_ptr<Database> database;
      refused = 0;
      startable = nth;
      const absl::Status status = TryToOpen(serving, &database);
      startable = kAny;
      all_started = refused == 0;
      if (!all_started) RequireRefusal(status);
    }
    REQUIRE(ReadContent(*Open(options)) == expected);
    ++opened_without;
  }
  // Each of those that are tried, of the log's two, of figures and of maintenance.
  REQUIRE(opened_without > 8);
}

TEST_CASE("threads: with however few a database works, or is not opened", "[durability]") {
  const LocalDirectory folder;
  Content expected;
  const Options options = FilledIn(folder, &expected);
  bool works = false;
  for (int most = 0; !works; ++most) {
    INFO(most << " threads at once");
    REQUIRE(most < 1000);
    at_once = running + most;
    std::unique_ptr<Database> database;
    const absl::Status status = TryToOpen(options, &database);
    if (status.ok()) {
      works = true;
      Appender appender = database->NewAppender();
      for (int i = 20; i < 2000; ++i) AppendCommit(*database, appender, i, &expected);
      REQUIRE(appender.Commit().Await(Milestone::kDurable).ok());
      REQUIRE(database->Flush().ok());
      REQUIRE(ReadContent(*database) == expected);
      REQUIRE(database->Verify().ok());
    } else {
      RequireRefusal(status);
    }
    at_once = kAny;
  }
}

TEST_CASE("threads: a database in memory is not opened where its maintenance is refused one",
          "[durability]") {
  Options options = TinyBuffers();
  options.retention_ms = 1000;
  bool opened = false;
  for (int nth = 0; !opened; ++nth) {
    INFO(nth << " threads started");
    REQUIRE(nth < 1000);
    refused = 0;
    startable = nth;
    const absl::Status status = Database::Open(options).status();
    startable = kAny;
    opened = refused == 0;
    if (!opened) RequireRefusal(status);
  }
}

}  // namespace
}  // namespace tsdb
