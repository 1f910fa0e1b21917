// Questions about many series. docs/querying.md quotes it (quotes_test.py compares).
#include "tsdb/query.h"

#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tsdb/database.h"

namespace {

constexpr tsdb::Timestamp kBegin = 1'700'000'000'000;

// A day of temperatures, a minute apart, in each room of two houses.
absl::Status Fill(tsdb::Database& database) {
  tsdb::Appender appender = database.NewAppender();
  for (const char* house : {"north", "south"}) {
    for (const char* room : {"cellar", "hall", "kitchen"}) {
      const auto labels =
          tsdb::Labels::Create({{"__name__", "temperature"}, {"house", house}, {"room", room}});
      if (!labels.ok()) return labels.status();
      const auto series = database.FindOrCreateSeries(*labels);
      if (!series.ok()) return series.status();
      for (int minute = 0; minute < 24 * 60; ++minute) {
        if (!appender.Append(*series, kBegin + minute * 60'000, 15 + *series + minute % 60)) {
          return appender.status();
        }
      }
    }
  }
  return absl::OkStatus();
}

// The mean and the highest temperature of each house, hour by hour, cellars left out.
absl::Status PrintHours(tsdb::Database& database) {
  tsdb::Query query;
  query.matchers = {{"__name__", tsdb::MatchOp::kEqual, "temperature"},
                    {"room", tsdb::MatchOp::kNotEqual, "cellar"}};
  query.range = {kBegin, kBegin + 24 * 3'600'000};
  query.step_ms = 3'600'000;
  query.columns.resize(2);  // computed in one pass
  query.columns[0].function = tsdb::WindowFunction::kAvg;
  query.columns[0].group_function = tsdb::GroupFunction::kAvg;
  query.columns[1].function = tsdb::WindowFunction::kMax;
  query.columns[1].group_function = tsdb::GroupFunction::kMax;
  query.grouping = tsdb::Grouping{{"house"}, /*without=*/false};
  query.options.limits.time_ms = 10'000;

  const absl::StatusOr<tsdb::QueryResult> result = RunQuery(database, query);
  if (!result.ok()) return result.status();
  for (size_t row = 0; row < result->rows(); ++row) {
    std::cout << result->labels(row).ToString() << ":";
    for (size_t hour = 0; hour < 2; ++hour) {
      const std::optional<double> mean = result->At(row, hour);
      if (mean.has_value()) std::cout << " " << *mean << " to " << *result->At(row, hour, 1);
    }
    std::cout << "\n";
  }
  if (!result->completeness().Complete()) std::cout << "there may be more\n";
  return absl::OkStatus();
}

absl::Status PrintLists(tsdb::Database& database) {
  const std::vector<tsdb::Matcher> kitchens = {{"room", tsdb::MatchOp::kRegex, "kit.*"}};
  const auto list = ListSeries(database, kitchens);
  const auto count = CountSamples(database, kitchens, {kBegin, kBegin + 3'600'000});
  const auto last = LastValues(database, kitchens);
  if (!list.ok()) return list.status();
  if (!count.ok()) return count.status();
  if (!last.ok()) return last.status();
  std::cout << list->size() << " kitchens, " << *count << " samples in the first hour, last "
            << last->front().sample.value << "\n";
  return absl::OkStatus();
}

absl::Status Run() {
  absl::StatusOr<std::unique_ptr<tsdb::Database>> opened = tsdb::Database::Open();
  if (!opened.ok()) return opened.status();
  tsdb::Database& database = **opened;
  for (const auto step : {Fill, PrintHours, PrintLists}) {
    if (absl::Status status = step(database); !status.ok()) return status;
  }
  return database.Close();
}

}  // namespace

int main() {
  const absl::Status status = Run();
  if (status.ok()) return 0;
  std::cerr << status << "\n";
  return 1;
}
