// PromQL beside writers: every answer holds together, none shrinks, and all is there at last.
#include <catch2/catch.hpp>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "test/tsdb/test_database.h"
#include "test/tsdb/threads.h"
#include "tsdb/promql.h"

namespace tsdb {
namespace {

constexpr SeriesId kSeries = 24;

// All values of a series are its number, counted from 1.
void Write(Database& database, SeriesId begin, SeriesId end, size_t samples, Findings& findings) {
  Appender appender = database.NewAppender();
  for (size_t i = 0; i < samples; ++i) {
    for (SeriesId series = begin; series < end; ++series) {
      const auto back = static_cast<Timestamp>(i % 16 == 7 && i > 100 ? 90'500 : 0);
      const auto time = static_cast<Timestamp>(i) * 1000 - back;
      findings.Expect(appender.Append(series, time, 1.0 + series), "series ", series, ": refused");
    }
    if (i % 256 == 0) appender.Commit();
  }
}

// Asks for the last and the greatest value at every step, and checks them by the label.
void CheckValues(Database& database, const std::string& expression, Timestamp end, size_t threads,
                 Findings& findings) {
  PromqlOptions options;
  options.query.threads = threads;
  const auto result = RunPromqlRange(database, expression, {0, end, end / 500}, options);
  if (!findings.Expect(result.ok(), expression, ": ", result.status().ToString())) return;
  for (const PromqlSeries& series : result->series) {
    const double value = 1.0 + std::stod(std::string(series.labels.Get("i")));
    Timestamp before = -1;
    for (const Sample& sample : series.samples) {
      findings.Expect(sample.value == value, expression, ": ", sample.value, " of ", value);
      findings.Expect(sample.timestamp > before, expression, ": ", sample.timestamp, " after ",
                      before);
      before = sample.timestamp;
    }
  }
}

// The samples that all series have.
double CountSamples(Database& database, Timestamp end, Findings& findings) {
  const auto result = RunPromql(database, "sum(count_over_time(m[1y]))", end);
  if (!findings.Expect(result.ok(), result.status().ToString())) return 0;
  return result->series.empty() ? 0 : result->series[0].samples[0].value;
}

TEST_CASE("promql: beside writers, answers hold together and never shrink", "[promql]") {
  const size_t samples = Scaled(32'000);
  const auto end = static_cast<Timestamp>(samples) * 1000;
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
      double before = 0;
      do {
        CheckValues(*database, "max without () (m)", end, 1 + reader, findings);
        CheckValues(*database, "max_over_time(m[10m]) * 1", end, 1 + reader, findings);
        CheckValues(*database, "m and on(i) min_over_time(m[5m:1m])", end, 1 + reader, findings);
        const double now = CountSamples(*database, end, findings);
        findings.Expect(now >= before, now, " samples after ", before);
        before = now;
      } while (!stop.stop_requested() && findings.none());
    });
  }
  for (std::thread& writer : writers) writer.join();
  readers.clear();
  REQUIRE_NO_FINDINGS(findings);
  // Late samples fall on the times of others, or between them.
  REQUIRE(database->Flush().ok());
  CHECK(CountSamples(*database, end, findings) ==
        static_cast<double>(database->Statistics().ledger.in_tree));
  REQUIRE_NO_FINDINGS(findings);
}

}  // namespace
}  // namespace tsdb
