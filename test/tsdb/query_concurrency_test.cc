// Queries beside writers: what they answer holds together, never shrinks, and is all there at last.
#include <catch2/catch.hpp>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"
#include "tsdb/query.h"

namespace tsdb {
namespace {

constexpr SeriesId kSeries = 40;
constexpr Timestamp kWindow = 100'000;

// In every window of every series all values are the series' number, from 1 on.
void Write(Database& database, SeriesId begin, SeriesId end, size_t samples, Findings& findings) {
  Appender appender = database.NewAppender();
  for (size_t i = 0; i < samples; ++i) {
    for (SeriesId series = begin; series < end; ++series) {
      // Half of the series are sparse for ever; every 16th record comes late.
      if (series % 2 == 0 && i % (samples / 16 + 1) != 0) continue;
      const auto back = static_cast<Timestamp>(i % 16 == 7 && i > 100 ? 90'500 : 0);
      const bool taken =
          appender.Append(series, static_cast<Timestamp>(i) * 1000 - back, 1.0 + series);
      findings.Expect(taken, "series ", series, ": refused");
    }
    if (i % 256 == 0) appender.Commit();
  }
}

Query EveryWindow(size_t samples) {
  Query query;
  query.range = {0, static_cast<Timestamp>(samples) * 1000};
  query.step_ms = kWindow;
  query.columns = {{.function = WindowFunction::kCount},
                   {.function = WindowFunction::kSum},
                   {.function = WindowFunction::kMin},
                   {.function = WindowFunction::kMax},
                   {.function = WindowFunction::kQuantile}};
  return query;
}

// Returns the samples counted.
double CheckRows(const QueryResult& result, Findings& findings) {
  double total = 0;
  for (size_t row = 0; row < result.rows(); ++row) {
    const double value = 1.0 + std::stod(std::string(result.labels(row).Get("i")));
    for (size_t k = 0; k < result.times().size(); ++k) {
      if (!result.Has(row, k)) continue;
      const double count = *result.At(row, k, 0);
      total += count;
      findings.Expect(*result.At(row, k, 1) == count * value, "sum ", *result.At(row, k, 1), " of ",
                      count, " times ", value);
      for (size_t column = 2; column < 5; ++column) {
        findings.Expect(*result.At(row, k, column) == value, "column ", column, " of ", value);
      }
    }
  }
  return total;
}

TEST_CASE("query: beside writers, answers hold together and never shrink", "[query]") {
  const size_t samples = Scaled(40'000) / 100 * 100;
  const auto database = Open(TinyBuffers());
  AddSeries(*database, kSeries);
  Findings findings;
  std::vector<std::thread> writers;
  for (SeriesId half = 0; half < 2; ++half) {
    writers.emplace_back([&, half] {
      Write(*database, half * kSeries / 2, (half + 1) * kSeries / 2, samples, findings);
    });
  }
  std::vector<std::jthread> readers;
  for (size_t reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&, reader](const std::stop_token& stop) {
      Query query = EveryWindow(samples);
      query.options.threads = 1 + reader;
      double before = 0;
      do {
        if (reader == 0) {
          const auto result = RunQuery(*database, query);
          if (!findings.Expect(result.ok(), result.status().ToString())) return;
          const double total = CheckRows(*result, findings);
          findings.Expect(total >= before, total, " samples after ", before);
          before = total;
        } else {
          const auto count = CountSamples(*database, {}, query.range, query.options);
          if (!findings.Expect(count.ok(), count.status().ToString())) return;
          findings.Expect(static_cast<double>(*count) >= before, *count, " after ", before);
          before = static_cast<double>(*count);
          findings.Expect(LastValues(*database, {}, query.options).ok(), "last values");
        }
      } while (!stop.stop_requested() && findings.none());
    });
  }
  for (std::thread& writer : writers) writer.join();
  readers.clear();
  REQUIRE_NO_FINDINGS(findings);
  const auto result = RunQuery(*database, EveryWindow(samples));
  REQUIRE(result.ok());
  const double total = CheckRows(*result, findings);
  REQUIRE_NO_FINDINGS(findings);
  REQUIRE(total == static_cast<double>(CountByScanning(*database)));
}

TEST_CASE("query: one that is stopped by another thread leaves nothing behind", "[query]") {
  const auto database = Open();
  AddSeries(*database, 8);
  {
    Appender appender = database->NewAppender();
    for (int i = 0; i < static_cast<int>(Scaled(200'000)); ++i) {
      for (SeriesId series = 0; series < 8; ++series) {
        REQUIRE(appender.Append(series, i * 1000, i));
      }
    }
  }
  Query query;
  query.range = TimeRange::All();
  query.options.use_statistics = false;
  for (int attempt = 0; attempt < 20; ++attempt) {
    std::stop_source source;
    query.options.stop = source.get_token();
    std::thread stopper([&] { source.request_stop(); });
    const auto result = RunQuery(*database, query);
    stopper.join();
    REQUIRE((result.ok() || result.status().code() == absl::StatusCode::kCancelled));
  }
  // Nothing is pinned: what deletes retire can go.
  query.options.stop = {};
  REQUIRE(RunQuery(*database, query).ok());
  REQUIRE(database->Delete(std::vector<SeriesId>{0, 1, 2}, TimeRange::All()).ok());
  REQUIRE(*CountSamples(*database, {}) == 5 * Scaled(200'000));
  REQUIRE(database->Statistics().reader_age_epochs == 0);
}

}  // namespace
}  // namespace tsdb
