// Options that cannot be: refused by name, before anything is made.
#include "tsdb/options.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "test/tsdb/local_directory.h"
#include "test/tsdb/test_database.h"

namespace tsdb {
namespace {

using Change = void (*)(Options&);

TEST_CASE("options: what cannot be is refused by its name, and makes no directory", "[options]") {
  const auto [name, change] = GENERATE(table<std::string, Change>({
      {"sync_interval_ms", [](Options& options) { options.sync_interval_ms = 0; }},
      {"sync_delay_us", [](Options& options) { options.sync_delay_us = 101; }},
      {"series_max", [](Options& options) { options.series_max = (uint32_t{1} << 31) + 1; }},
      {"read_only",
       [](Options& options) {
         options.read_only = true;
         options.directory.clear();
       }},
      {"retention_ms", [](Options& options) { options.retention_ms = -1; }},
      {"log_file_bytes", [](Options& options) { options.log_file_bytes = (64 << 10) - 1; }},
      {"write_buffer_bytes", [](Options& options) { options.write_buffer_bytes = 1; }},
      {"write_buffer_bytes",
       [](Options& options) { options.write_buffer_bytes = options.memory_budget_bytes; }},
      {"prefault_bytes",
       [](Options& options) { options.prefault_bytes = options.memory_budget_bytes; }},
  }));
  const LocalDirectory folder;
  Options options = TinyBuffers();
  options.directory = folder.File("db");
  change(options);
  const absl::Status refused = Database::Open(options).status();
  INFO(refused.ToString());
  REQUIRE(absl::IsInvalidArgument(refused));
  REQUIRE((refused.message().find("Options::" + name) != std::string::npos ||
           refused.message().find(" " + name + " ") != std::string::npos));
  REQUIRE_FALSE(std::filesystem::exists(folder.File("db")));
}

TEST_CASE("options: the most series there can be are no more memory than few", "[options]") {
  Options options = TinyBuffers();
  options.series_max = uint32_t{1} << 31;
  const auto database = Open(options);
  AddSeries(*database, 3);
  Appender appender = database->NewAppender();
  REQUIRE(appender.Append(2, 1, 1.5));
  REQUIRE(database->Flush().ok());
  REQUIRE(ReadAll(database->NewSnapshot(), 2).size() == 1);
}

}  // namespace
}  // namespace tsdb
