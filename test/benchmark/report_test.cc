#include "benchmark/report.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "benchmark/hand_rolled_store.h"
#include "benchmark/latency_histogram.h"
#include "benchmark/workload_kernels.h"

namespace tsdb::benchmark {
namespace {

TEST_CASE("report: a JSON object keeps order, escapes strings and has null for no number",
          "[benchmark]") {
  JsonObject inner;
  inner.Add("balanced", true);
  JsonObject object;
  object.Add("name", "a \"b\"\\\n")
      .Add("count", uint64_t{18446744073709551615u})
      .Add("rate", 0.5)
      .Add("none", std::nan(""))
      .Add("ledger", inner);
  CHECK(object.Text() ==
        R"({"name": "a \"b\"\\\u000a", "count": 18446744073709551615, "rate": 0.5, )"
        R"("none": null, "ledger": {"balanced": true}})");
}

TEST_CASE("report: a spread has least, middle and greatest", "[benchmark]") {
  Spread spread;
  for (const double value : {3.0, 1.0, 2.0, 10.0}) spread.Take(value);
  CHECK(spread.Min() == 1);
  CHECK(spread.Median() == 2.5);
  CHECK(spread.Max() == 10);
}

TEST_CASE("report: quantities are short", "[benchmark]") {
  CHECK(Quantity(0) == "0.00");
  CHECK(Quantity(12'345) == "12.3 k");
  CHECK(Quantity(378e6) == "378 M");
  CHECK(Quantity(1.5e9) == "1.50 G");
  CHECK(Quantity(std::nan("")) == "-");
}

TEST_CASE("latency histogram: percentiles are within 4 % of the exact ones", "[benchmark]") {
  LatencyHistogram histogram, other;
  std::vector<uint64_t> latencies;
  uint64_t random = 1;
  for (int i = 0; i < 100'000; ++i) {
    random = Mix64(random);
    const uint64_t latency = random >> (20 + random % 40);
    latencies.push_back(latency);
    (i % 2 == 0 ? histogram : other).Take(latency);
  }
  histogram.Merge(other);
  REQUIRE(histogram.count() == latencies.size());
  std::sort(latencies.begin(), latencies.end());
  CHECK(histogram.Max() == latencies.back());
  for (const double fraction : {0.01, 0.5, 0.95, 0.99, 0.999, 1.0}) {
    const double exact = static_cast<double>(latencies[static_cast<size_t>(fraction * 99'999)]);
    CHECK(histogram.Percentile(fraction) == Approx(exact).epsilon(0.04).margin(1));
  }
}

TEST_CASE("latency histogram: every latency has a bucket", "[benchmark]") {
  const uint64_t most = std::numeric_limits<uint64_t>::max();
  LatencyHistogram histogram;
  for (const uint64_t latency : {uint64_t{0}, uint64_t{31}, uint64_t{32}, most}) {
    histogram.Take(latency);
  }
  CHECK(histogram.count() == 4);
  CHECK(histogram.Max() == most);
  CHECK(histogram.Percentile(0.25) == 0);
  CHECK(histogram.Percentile(0.5) == 31);
  CHECK(LatencyHistogram().Percentile(0.5) == 0);
}

TEST_CASE("hand-rolled store: finds and sums what was appended", "[benchmark]") {
  HandRolledStore store;
  for (Timestamp t = 0; t < 100; ++t) {
    store.Append(3, t * 10, static_cast<double>(t));
    store.Append(67, t * 10, static_cast<double>(-t));
  }
  CHECK(store.Records() == 200);
  CHECK(store.Lookup(3, 500) == 50.0);
  CHECK(store.Lookup(67, 500) == -50.0);
  CHECK_FALSE(store.Lookup(3, 501).has_value());
  CHECK_FALSE(store.Lookup(4, 500).has_value());
  const HandRolledStore::Sum some = store.SumRange(3, {100, 200});
  CHECK(some.count == 10);
  CHECK(some.sum == 145);
  CHECK(store.SumRange(3, TimeRange::All()).count == 100);
}

TEST_CASE("workload kernels: sums are right for every remainder", "[benchmark]") {
  std::vector<double> values(100);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  for (size_t count = 0; count <= values.size(); ++count) {
    CHECK(SumValues(values.data(), count) == static_cast<double>(count * (count - 1) / 2));
  }
}

}  // namespace
}  // namespace tsdb::benchmark
