#include "tools/results/axis.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <limits>
#include <random>

#include "tools/results/canvas.h"
#include "tools/results/plot.h"

namespace tsdb::tools {
namespace {

constexpr Timestamp kThree = 1795230000000;  // 2026-11-21 03:00:00
constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

std::string Ticks(double low, double high, size_t ticks_max = 6) {
  std::string text;
  for (const ValueTick& tick : MakeValueAxis(low, high, ticks_max).ticks) text += tick.text + " ";
  return text;
}

std::string Times(int64_t span, size_t room, Timestamp first = kThree, bool local = false) {
  std::string text;
  for (const TimeTick& tick : MakeTimeAxis(first, first + span, room, local).ticks) {
    text += tick.text + " ";
  }
  return text;
}

TEST_CASE("value axis: ticks are 1, 2 or 5 times a power of ten", "[results]") {
  REQUIRE(Ticks(0, 100) == "0 20 40 60 80 100 ");
  REQUIRE(Ticks(0, 7) == "0 2 4 6 8 ");
  REQUIRE(Ticks(-1, 1) == "-1.0 -0.5 0 0.5 1.0 ");
  REQUIRE(Ticks(0, 0.003) == "0 0.001 0.002 0.003 ");
  REQUIRE(Ticks(0, 4400) == "0 1,000 2,000 3,000 4,000 5,000 ");
  REQUIRE(Ticks(0, 4.4e6) == "0 1M 2M 3M 4M 5M ");
  REQUIRE(Ticks(0, 2.2e12) == "0 0.5T 1.0T 1.5T 2.0T 2.5T ");
  REQUIRE(Ticks(0, 1e-9, 3) == "0 5e-10 1e-09 ");
}

TEST_CASE("value axis: it begins at zero rather than close above", "[results]") {
  REQUIRE(MakeValueAxis(1, 10, 6).low == 0);
  REQUIRE(MakeValueAxis(-10, -1, 6).high == 0);
  REQUIRE(MakeValueAxis(990, 1000, 6).low == 990);
}

TEST_CASE("value axis: values that are all the same have an axis around them", "[results]") {
  const ValueAxis five = MakeValueAxis(5, 5, 6);
  REQUIRE(five.low < 5);
  REQUIRE(five.high > 5);
  REQUIRE(MakeValueAxis(0, 0, 6).low == 0);
  REQUIRE(MakeValueAxis(0, 0, 6).high == 1);
}

TEST_CASE("value axis: digits suffice to tell ticks apart", "[results]") {
  for (const auto& [low, high] :
       std::initializer_list<std::pair<double, double>>{{1795229600, 1795229635},
                                                        {1e9, 1e9 + 3},
                                                        {0.12345, 0.12346},
                                                        {1e15, 1e15 + 40},
                                                        {-3e-8, 2e-8},
                                                        {1e300, 2e300},
                                                        {999'999, 1'000'001}}) {
    const ValueAxis axis = MakeValueAxis(low, high, 6);
    INFO(low << " " << high);
    for (size_t i = 1; i < axis.ticks.size(); ++i) {
      INFO(axis.ticks[i].text);
      REQUIRE(axis.ticks[i - 1].text != axis.ticks[i].text);
    }
  }
}

TEST_CASE("value axis: any two doubles have one", "[results]") {
  std::mt19937_64 random(7);
  std::vector<double> values = {0.0,
                                -0.0,
                                1.0,
                                5e-324,
                                -5e-324,
                                2e-308,
                                std::numeric_limits<double>::max(),
                                std::numeric_limits<double>::lowest()};
  for (int i = 0; i < 200; ++i) {
    const uint64_t bits = random();
    double value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    if (std::isfinite(value)) values.push_back(value);
  }
  for (const double a : values) {
    for (const double b : values) {
      const ValueAxis axis = MakeValueAxis(std::min(a, b), std::max(a, b), 5);
      INFO(a << " " << b);
      REQUIRE(axis.low < axis.high);
      REQUIRE(std::isfinite(axis.high - axis.low));
      REQUIRE(axis.ticks.size() >= 2);
      REQUIRE(axis.ticks.size() <= 7);
      REQUIRE(axis.PlaceOf(a) >= 0);
      REQUIRE(axis.PlaceOf(b) <= 1);
    }
  }
}

TEST_CASE("time axis: the texts suit the range", "[results]") {
  REQUIRE(Times(500, 70) == "03:00:00.000 03:00:00.200 03:00:00.400 ");
  REQUIRE(Times(kMinute, 70) == "03:00:00 03:00:15 03:00:30 03:00:45 03:01:00 ");
  REQUIRE(Times(kHour, 70) == "03:00 03:10 03:20 03:30 03:40 03:50 04:00 ");
  REQUIRE(Times(6 * kHour, 70) == "03:00 04:00 05:00 06:00 07:00 08:00 09:00 ");
  REQUIRE(Times(2 * kDay, 80) == "06:00 12:00 18:00 11-22 06:00 12:00 18:00 11-23 ");
  REQUIRE(Times(7 * kDay, 70) == "11-22 11-23 11-24 11-25 11-26 11-27 11-28 ");
  REQUIRE(Times(60 * kDay, 60) == "11-23 12-07 12-21 01-04 01-18 ");
  REQUIRE(Times(400 * kDay, 60) == "2027-01 2027-04 2027-07 2027-10 ");
  REQUIRE(Times(3000 * kDay, 60) == "2028 2030 2032 2034 ");
}

TEST_CASE("time axis: ticks lie in the range, in order, on whole steps", "[results]") {
  std::mt19937_64 random(11);
  for (int i = 0; i < 2000; ++i) {
    const auto first = static_cast<Timestamp>(random() % 250'000'000'000'000);
    const auto span =
        static_cast<int64_t>(random() >> (20 + random() % 40)) % 3'000'000'000'000 + 1;
    const TimeAxis axis = MakeTimeAxis(first, first + span, 80, false);
    INFO(first << " + " << span);
    Timestamp before = first - 1;
    for (const TimeTick& tick : axis.ticks) {
      REQUIRE(tick.time > before);
      REQUIRE(tick.time <= first + span);
      before = tick.time;
    }
    REQUIRE(axis.ticks.size() <= 18);
  }
}

TEST_CASE("time axis: the extremes have one, without ticks", "[results]") {
  const TimeAxis axis = MakeTimeAxis(kTimestampMin, kTimestampMax, 80, true);
  REQUIRE(axis.ticks.empty());
  REQUIRE(axis.PlaceOf(kTimestampMin) == 0);
  REQUIRE(axis.PlaceOf(kTimestampMax) == 1);
  REQUIRE(axis.PlaceOf(0) == Approx(0.5));
  REQUIRE(axis.Range() == "-9223372036854775808 ms to 9223372036854775807 ms");
}

TEST_CASE("time axis: local time is told with its offset", "[results]") {
  setenv("TZ", "XYZ-05:30", 1);
  tzset();
  const TimeAxis axis = MakeTimeAxis(kThree, kThree + kHour, 70, true);
  REQUIRE(axis.zone == "UTC+05:30");
  REQUIRE(axis.Range() == "2026-11-21 08:30:00 to 2026-11-21 09:30:00 UTC+05:30");
  REQUIRE(Times(kHour, 70, kThree, true) == "08:30 08:40 08:50 09:00 09:10 09:20 09:30 ");
  setenv("TZ", "UTC", 1);
  tzset();
}

TEST_CASE("durations have as many units as they need", "[results]") {
  REQUIRE(DurationText(15'000) == "15s");
  REQUIRE(DurationText(90 * kMinute) == "1h30m");
  REQUIRE(DurationText(250) == "250ms");
  REQUIRE(DurationText(kDay + 1) == "1d1ms");
  REQUIRE(DurationText(0) == "0s");
}

TEST_CASE("canvas: dots of braille have their places", "[results]") {
  Canvas canvas(2, 1, true);
  REQUIRE(canvas.width() == 4);
  REQUIRE(canvas.height() == 4);
  canvas.DrawLine(0, 0, 0, 0, 3);
  canvas.DrawLine(1, 3, 1, 3, 3);
  REQUIRE(canvas.TextOf(canvas.At(0, 0)) == "⢁");
  REQUIRE(canvas.At(0, 0).line == 3);
  REQUIRE(canvas.At(1, 0).line == Canvas::kNoLine);
  canvas.DrawLine(0, 0, 3, 3, 1);
  REQUIRE(canvas.TextOf(canvas.At(0, 0)) == "⢑");
  REQUIRE(canvas.TextOf(canvas.At(1, 0)) == "⢄");
  canvas.MarkLine(0, 1, 'a');
  REQUIRE(canvas.TextOf(canvas.At(0, 0)) == "a");
}

TEST_CASE("canvas: lines in every direction end where they should", "[results]") {
  for (size_t x = 0; x < 9; ++x) {
    for (size_t y = 0; y < 9; ++y) {
      Canvas canvas(9, 9, false);
      canvas.DrawLine(4, 4, x, y, 0);
      size_t drawn = 0;
      for (size_t i = 0; i < 81; ++i) drawn += canvas.At(i % 9, i / 9).line == 0;
      const size_t across = x > 4 ? x - 4 : 4 - x;
      const size_t down = y > 4 ? y - 4 : 4 - y;
      REQUIRE(drawn == std::max(across, down) + 1);
      REQUIRE(canvas.At(x, y).line == 0);
    }
  }
}

TEST_CASE("plot: thinning keeps ends and extremes of every column", "[results]") {
  std::vector<Sample> samples;
  for (int64_t i = 0; i < 10000; ++i) samples.push_back({i, static_cast<double>(i * 7919 % 1009)});
  samples[4321].value = 5000;
  samples[1234].value = -5000;
  const std::vector<Sample> thinned = Thinned(samples, 0, 9999, 50);
  REQUIRE(thinned.size() <= 4 * 51);
  REQUIRE(thinned.front().timestamp == 0);
  REQUIRE(thinned.back().timestamp == 9999);
  double low = 0;
  double high = 0;
  for (const Sample& sample : thinned) {
    low = std::min(low, sample.value);
    high = std::max(high, sample.value);
  }
  REQUIRE(low == -5000);
  REQUIRE(high == 5000);
  const std::vector<Sample> few(samples.begin(), samples.begin() + 10);
  REQUIRE(Thinned(few, 0, 9, 900).size() == 10);
}

}  // namespace
}  // namespace tsdb::tools
