// The smallest program with a database in it. README.md quotes it (quotes_test.py compares).
#include <iostream>

#include "tsdb/database.h"

int main() {
  auto database = tsdb::Database::Open().value();
  auto labels = tsdb::Labels::Create({{"__name__", "temperature"}, {"room", "kitchen"}}).value();
  tsdb::SeriesId series = database->FindOrCreateSeries(labels).value();

  tsdb::Appender appender = database->NewAppender();
  for (int i = 0; i < 1000; ++i) {
    appender.Append(series, 1'700'000'000'000 + i * 1000, 20 + i % 5);
  }

  tsdb::Aggregate all = database->NewSnapshot().AggregateSeries(series);
  std::cout << labels.ToString() << ": " << all.count << " samples, mean " << all.sum / all.count
            << "\n";
}
